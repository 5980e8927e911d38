"""At which attack strength does training pass from clean to adversarial? Xing et al. 2022, Sec. 5, Table 1, 3.

Clean training gives the threshold R*, its clean test loss; adversarial trainings give the adversarial training loss at
a few strengths; eps_star is where it reaches R*. A cell is one training. Cells of one seed have the same initial
weights, training samples (smaller sets are parts of larger ones) and batches, so that kinds are compared by seed.
"""

from suite.plugin import Cost, Study

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
        "mnist": {
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
        },
        "paper": {
            "model": ("preactresnet18",),
            "dataset": "cifar10",
            "train_limit": (10_000, 50_000),
            "attack": "pgd(steps=10,reach=2.5)",
            "attack_mode": "train",
            "eps": tuple(level / 255 for level in (0.5, 1, 2, 4, 8)),
            "batch_size": None,
            "epochs": None,
            "select": "test",
            "watched": 10_000,
            "seeds": 1,
        },
    },
    costs={"quick": Cost(0.9), "mnist": Cost(200, gigabytes=1.2), "paper": Cost(1700, gpu=True, gigabytes=8)},
)
