"""Does a few adversarial fine-tunings of the clean model give eps_star, and how cheaply? Xing et al. 2022, App. A."""

from suite.plugin import Cost, Study

_PAPER = {
    "model": "preactresnet18",
    "dataset": "cifar10",
    "gradient": ("bp",),
    "attack": "pgd(steps=10,reach=2.5)",
    "tune_attack": ("pgd(steps=10,reach=2.5)", "fgm(reach=1.25)"),
    "attack_mode": "train",
    "epochs": None,
    "select": "test",
    "watched": 10_000,
}

# Measured on one core, but for those of a GPU: derived from their arithmetic at 30 TFLOP/s, not run for lack of one.
study = Study(
    question="eps_star from a few fine-tunings of the clean model by extrapolation, and its cost (Table 4).",
    config=".config:FineTuneConfig",
    presets={
        "smoke": {
            "model": "two-layer(width=10)",
            "gradient": ("bp",),
            "attack": "pgd(steps=1,reach=1)",
            "train_limit": 100,
            "eps": (0.02, 0.05),
            "scratch_eps": (0.02, 0.05),
            "epochs": 3,
            "tune_epochs": 1,
            "seeds": 2,
            "watched": 50,
        },
        "quick": {},
        # A size that two cores train in minutes; the paper has no fine-tuning on MNIST.
        "mnist": {
            "model": "mnist-cnn",
            "dataset": "mnist",
            "train_limit": 2000,
            "batch_size": 32,
            "eps": (0.05, 0.1, 0.2),
            "scratch_eps": (0.1, 0.2, 0.3),
            "gradient": ("bp",),
        },
        # Table 4's row of l_inf, 50,000 samples, PGD and FGM; from scratch as in Table 1.
        "paper": {
            **_PAPER,
            "eps": (0.25 / 255, 0.5 / 255, 1 / 255),
            "scratch_eps": (0.5 / 255, 1 / 255, 2 / 255),
        },
        # ... of 10,000 samples; from scratch between the strengths of Table 1, which are far apart there.
        "paper_10k": {
            **_PAPER,
            "train_limit": 10_000,
            "eps": (0.25 / 255, 0.5 / 255, 1 / 255),
            "scratch_eps": (2 / 255, 4 / 255, 8 / 255),
        },
        # ... of l2, from scratch as in Table B.2; steps of Rice et al., 10 x 15/255 of 128/255.
        "paper_l2": {
            **_PAPER,
            "norm": "l2",
            "attack": "pgd(steps=10,reach=1.17)",
            "tune_attack": ("pgd(steps=10,reach=1.17)", "fgm(reach=1.25)"),
            "eps": (5 / 255, 10 / 255, 15 / 255),
            "scratch_eps": (32 / 255, 64 / 255),
        },
    },
    costs={"quick": Cost(1), "mnist": Cost(70, gigabytes=1.2), "paper": Cost(2800, gpu=True, gigabytes=8)},
)
