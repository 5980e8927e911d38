"""From which layer on does LinBP help a model, and why? Li et al. 2022 and Guo et al. 2020 choose the layer by hand."""

from suite.plugin import Cost, Study

study = Study(
    question="LinBP's start swept over all rectifiers: where it helps, and what its gradient does there.",
    config=".config:PositionsConfig",
    presets={
        "smoke": {"steps": (1, 2), "limit": 20, "watched": 10},
        "quick": {},
        "paper": {"model": "resnet50", "dataset": "cifar10", "split": "test", "steps": (5, 10), "limit": 1000},
    },
    costs={"quick": Cost(0.1), "paper": Cost(10, gpu=True, gigabytes=8)},
)
