"""Does LinBP train more robust networks? Li et al. 2022, Sec. 4.2, Fig. 7."""

from suite.plugin import Cost, Study

study = Study(
    question="Adversarial training by BP and by LinBP: clean and robust accuracy per epoch (Fig. 7).",
    config=".config:AdvTrainConfig",
    parallel=True,
    presets={
        "smoke": {
            "model": "two-layer(width=10)",
            "steps": 2,
            "seeds": 2,
            "epochs": 2,
            "train_limit": 100,
            "test_limit": 50,
        },
        "quick": {},
        "paper": {
            "model": "mobilenetv2",
            "dataset": "cifar10",
            "learning_rate": 0.01,
            "epochs": None,
            "apgd_steps": 100,
        },
    },
    costs={"quick": Cost(1), "paper": Cost(600, gpu=True, gigabytes=8)},
)
