"""When does adversarial training overfit, and when does FGSM training collapse? Xing et al. 2022, Fig. 5, Table 2."""

from suite.plugin import Cost, Study

# Measured on one core, but for those of a GPU: derived from their arithmetic at 30 TFLOP/s, not run for lack of one.
study = Study(
    question="Generalisation gap over epochs, and the smallest eps that FGSM training does not stand (Fig. 5).",
    config=".config:OverfittingConfig",
    presets={
        "smoke": {
            "model": "two-layer(width=10)",
            "attack": "pgd(steps=1,reach=1)",
            "train_limit": (50,),
            "eps": (0.1,),
            "fast_eps": (0.1, 0.5),
            "epochs": 3,
            "seeds": 1,
            "watched": 50,
            "test_limit": 50,
        },
        "quick": {},
        "mnist": {
            "model": "mnist-cnn",
            "dataset": "mnist",
            "train_limit": (500, 2000),
            "epochs": 30,
            "fast_eps": (0.1, 0.2, 0.3, 0.4),
            "test_limit": 300,
        },
        "paper": {
            "model": "preactresnet18",
            "dataset": "cifar10",
            "attack": "pgd(steps=10,reach=2.5)",
            "attack_mode": "train",
            "train_limit": (10_000, 50_000),
            "eps": (0.5 / 255, 1 / 255, 4 / 255, 8 / 255),
            "fast_eps": tuple(level / 255 for level in (1, 2, 4, 8, 12, 16, 20, 32)),  # Table B.6
            "epochs": None,
            "batch_size": None,
            "select": "test",
            "watched": 10_000,
            "test_limit": None,
        },
    },
    costs={"quick": Cost(1), "mnist": Cost(36, gigabytes=1.1), "paper": Cost(6300, gpu=True, gigabytes=8)},
)
