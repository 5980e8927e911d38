"""A study that judges a claim, in presets of rising cost; TOY_FATE=crash@opinion makes it fail."""

from suite.plugin import Cost, Study

study = Study(
    "Whether squares grow.",
    ".config:OpinionConfig",
    figures=None,
    presets={
        "quick": {},
        "middle": {"numbers": (1, 2, 3, 4)},
        "vast": {"numbers": (1, 2, 3, 4, 5)},
        "large": {"numbers": (6, 7)},
        "paper": {"dataset": "mnist"},
        "other": {"numbers": (8,)},
    },
    costs={
        "quick": Cost(0.1),
        "middle": Cost(5),
        "vast": Cost(6, gigabytes=1e6),
        "large": Cost(7, gpu=True),
        "paper": Cost(8),
    },
)
