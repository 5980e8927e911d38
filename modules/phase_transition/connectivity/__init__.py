"""Does a low-loss path lead from the clean to an adversarial model in weight space? Xing et al. 2022, Fig. 4."""

from suite.plugin import Cost, Study

# Measured on one core, but for those of a GPU: derived from their arithmetic at 30 TFLOP/s, not run for lack of one.
study = Study(
    question="The way in weight space from a clean to an adversarial model: barriers along a curve (Fig. 4).",
    config=".config:ConnectivityConfig",
    presets={
        "smoke": {
            "model": "two-layer(width=10)",
            "eps": (0, 0.1),
            "attack": "pgd(steps=1,reach=1)",
            "train_limit": 50,
            "epochs": 2,
            "grid": 3,
            "loss_limit": 50,
            "seeds": 1,
            "watched": 50,
            "batch_size": 20,  # of one batch, two clean trainings would differ by rounding alone
        },
        "quick": {},
        "mnist": {
            "model": "mnist-cnn",
            "dataset": "mnist",
            "attack": "pgd(steps=10,reach=2.5)",
            "train_limit": 1500,
            "epochs": 12,
            "eps": (0.0, 0.05, 0.1, 0.3),
        },
        "paper": {
            "model": "preactresnet18",
            "dataset": "cifar10",
            "eps": (0.0, 0.5 / 255, 2 / 255, 8 / 255),
            "attack": "pgd(steps=10,reach=2.5)",
            "attack_mode": "train",
            "train_limit": None,
            "select": "test",
            "epochs": None,
            "endpoint": 101,
            "curve_learning_rate": 0.03,
            "loss_limit": 10_000,
        },
    },
    costs={"quick": Cost(0.9), "mnist": Cost(4), "paper": Cost(2700, gpu=True, gigabytes=8)},
)
