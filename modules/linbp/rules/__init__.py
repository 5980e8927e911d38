"""Which backward rule makes adversarial images that fool other models best, at equal cost?

A study of ours on what many papers claim, each for its own rule, against backpropagation, at a place that it chose.
Here all rules take the same number of forward and backward passes, each at its published place and at one that is
calibrated, with as many candidates for every rule, on training images and for a model that judges nothing else.
"""

from suite.plugin import Cost, Study

study = Study(
    question="Backward rules judged on equal terms: surrogates x victims x rules x attacks at equal budgets, ranked.",
    config=".config:RulesConfig",
    parallel=True,
    presets={
        "smoke": {
            "surrogates": ("digits-cnn",),
            "victims": ("mnist-cnn",),
            "judges": ("digits-resnet",),
            "rules": ("linbp", "guided"),
            "candidates": 2,
            "calibration": 20,
            "methods": ("ifgsm",),
            "passes": (1, 2),
            "skip": 10,
            "limit": 20,
            "batch_size": 10,
        },
        "quick": {},
        "paper": {
            "surrogates": ("resnet20", "resnet56", "vgg16"),
            "judges": ("resnet32",),
            "dataset": "cifar10",
            "candidates": 4,
            "calibration": 60,
            "methods": ("ifgsm", "mifgsm"),
            "eps": (4 / 255,),
            "step_size": 1 / 255,
            "passes": (10,),
            "skip": 2420,
            "limit": 420,
            "batch_size": 64,
            "fast": True,
        },
    },
    next={
        "suite run linbp.gates": "which property of a gate costs transfer?",
        "suite run linbp.positions": "from which layer on does a rule help, and why?",
        "suite info linbp.rules": "every option, its unit and its source",
    },
    costs={"quick": Cost(2), "paper": Cost(240)},
)
