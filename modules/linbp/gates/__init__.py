"""Why does LinBP from a late start transfer better: a linear backward pass, or a gate that is not the image's own?

A study of ours, on what Guo, Li, Chen (NeurIPS 2020) found and did not explain. Its hypotheses, tests and margin
(`hypotheses.py`) were fixed before its first run.
"""

from suite.plugin import Cost, Study

study = Study(
    question="Which property of the last rectifiers' gates costs transfer: gates replaced, one property at a time.",
    config=".config:GatesConfig",
    parallel=True,
    presets={
        "smoke": {
            "gates": ("linear", "permuted"),
            "positions": ("block", "branch"),
            "victims": ("digits-cnn",),
            "methods": ("ifgsm",),
            "steps": 1,
            "skip": 10,
            "limit": 20,
            "batch_size": 10,
        },
        "quick": {},
        "paper": {
            "surrogates": ("resnet20", "resnet56"),
            "victims": ("resnet32", "vgg16"),
            "dataset": "cifar10",
            "gates": ("linear", "rate", "permuted", "shuffled"),
            "eps": (4 / 255,),
            "step_size": 1 / 255,
            "skip": 1000,
            "limit": 1420,
            "batch_size": 64,
            "fast": True,
        },
    },
    next={
        "suite run linbp.transfer": "from how far back may LinBP start?",
        "suite info gated": "every gate, exactly",
    },
    costs={"quick": Cost(1), "paper": Cost(60)},
)
