"""Does LinBP train faster, and where to? Li et al. 2022, Sec. 4.2 and App. A.1, Fig. 3-6 and 8."""

from suite.plugin import Cost, Study

study = Study(
    question="Training by BP and by LinBP: loss and accuracy per epoch, learning rates, seeds (Fig. 3-6, 8).",
    config=".config:TrainConfig",
    parallel=True,
    presets={
        "smoke": {"models": ("two-layer(width=10)",), "seeds": 2, "epochs": 2, "train_limit": 100, "test_limit": 50},
        "quick": {},
        "paper": {"models": ("mlp", "lenet5"), "dataset": "mnist"},
        "fig8": {"models": ("mlp", "lenet5"), "dataset": "mnist", "factors": (0.1, 1.0, 10.0), "stretch": True},
        "cifar": {"models": ("resnet50", "densenet161", "mobilenetv2", "vgg16"), "dataset": "cifar10"},
    },
    costs={"quick": Cost(0.3), "paper": Cost(50)},
)
