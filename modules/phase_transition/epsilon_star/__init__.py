"""At which attack strength does training pass from clean to adversarial? Xing et al. 2022, Sec. 5, Table 1, 3.

Clean training gives the threshold R*, its clean test loss; adversarial trainings give the adversarial training loss at
a few strengths; eps_star is where it reaches R*. A cell is one training. Cells of one seed have the same initial
weights, training samples (smaller sets are parts of larger ones) and batches, so that kinds are compared by seed.
"""

from typing import Any

from suite.plugin import Cost, Study

_MNIST: dict[str, Any] = {
    "model": ("mnist-cnn(width=16)", "mnist-cnn"),
    "dataset": "mnist",
    "train_limit": (1000, 4000),
    "attack_mode": "train",  # the same function for this net, and its fast layers
    "eps": (0.1,),
    "search": "bisect",
    "tolerance": 0.4,
    "watched": 1000,  # of 200 a single odd image decides
    "batch_size": 64,
    "epochs": 30,
}

# Tables 1 and 3; the paper has one training of each kind, which gives no interval.
_PAPER: dict[str, Any] = {
    "model": ("preactresnet18",),
    "dataset": "cifar10",
    "train_limit": (50_000,),
    "attack": "pgd(steps=10,reach=2.5)",
    "attack_mode": "train",
    "batch_size": None,
    "epochs": None,
    "select": "test",
    "watched": 10_000,
    "seeds": 3,
}


def _levels(*strengths: float) -> tuple[float, ...]:
    """Strengths from grey levels."""
    return tuple(strength / 255 for strength in strengths)


study = Study(
    question="The critical attack strength by training from scratch, interpolated or bisected (Table 1, 3).",
    config=".config:EpsilonStarConfig",
    presets={
        "smoke": {
            "model": ("two-layer(width=10)",),
            "train_limit": (50,),
            "eps": (0.05, 0.2),
            "search": "bisect",
            "tolerance": 0.5,
            "attack": "pgd(steps=1,reach=1)",
            "epochs": 2,
            "seeds": 2,
            "watched": 50,
        },
        "quick": {},
        "mnist": _MNIST,
        # Table 3's row of MNIST: its size, our schedule.
        "mnist_50k": {**_MNIST, "train_limit": (50_000,), "eps": (0.1, 0.2)},
        "paper": {**_PAPER, "train_limit": (10_000, 50_000), "eps": _levels(0.5, 1, 2, 4, 8)},
        "paper_l2": {
            **_PAPER,
            "norm": "l2",
            "attack": "pgd(steps=10,reach=1.17)",  # 10 x 15/255 of 128/255, Rice et al.'s
            "train_limit": (10_000, 50_000),
            "eps": _levels(32, 64, 96, 128),
        },
        "paper_cifar100": {
            **_PAPER,
            "dataset": "cifar100",
            "train_limit": (25_000, 50_000),
            "eps": _levels(1, 2, 4, 8),
        },
        "paper_svhn": {**_PAPER, "dataset": "svhn", "learning_rate": 0.01, "eps": _levels(2, 4, 8)},
        "paper_wide": {**_PAPER, "model": ("wrn34(width=1)", "wrn34"), "eps": _levels(1, 2)},
        "paper_trades": {**_PAPER, "loss": "trades", "eps": _levels(1, 2)},
        "paper_mart": {**_PAPER, "loss": "mart", "eps": _levels(1, 2)},
    },
    # Measured on one core: quick, mnist. The others follow from their arithmetic, at 30 TFLOP/s on a GPU; not run.
    costs={
        "quick": Cost(0.9),
        "mnist": Cost(200, gigabytes=1.2),
        "mnist_50k": Cost(4000, gigabytes=1.5),
        "paper": Cost(5100, gpu=True, gigabytes=8),
    },
)
