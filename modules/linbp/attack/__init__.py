"""Does LinBP attack better than backpropagation in a white box? Li et al. 2022, Sec. 4.2, Table 1."""

from suite.plugin import Cost, Study

TABLE_1 = {
    "model": "resnet50",
    "dataset": "cifar10",
    "gradients": ("bp", "linbp"),
    "eps": (0.05, 0.1),
    "steps": (5, 10),
    "step_size": 2 / 255,
}

# Measured on one core, but for those of a GPU: derived from their arithmetic at 30 TFLOP/s, not run for lack of one.
study = Study(
    question="White-box attack under several gradient rules: success rate per rule, eps and step (Table 1).",
    config=".config:AttackConfig",
    parallel=True,
    presets={
        "smoke": {
            "model": "digits-cnn",
            "gradients": ("bp", "linbp"),
            "start": "auto",
            "calibration": 20,
            "eps": (0.1,),
            "steps": (1, 2),
            "step_size": 0.1,
            "limit": 30,
            "examples": 2,
        },
        "quick": {},
        "paper": TABLE_1,
        # What the released script does: normalised images, a ball of twice eps, minus the true logit as loss.
        "code": {
            **TABLE_1,
            "eps": (0.1, 0.2),
            "input_space": "normalised",
            "loss": "nll_logits",
            "early_stop": False,
        },
    },
    next={
        "suite run linbp.transfer --surrogates {model} --dataset {dataset}": "do such images fool other networks, too?",
        "suite models inspect {model} --dataset {dataset}": "where in a model a rule can start",
        "suite run linbp.attack --model FILE.py:FACTORY@WEIGHTS --dataset folder:IMAGES "
        '--gradients "bp,linbp(start=-1)"': "a model of your own",
    },
    costs={"quick": Cost(0.1), "paper": Cost(5, gpu=True, gigabytes=8)},
)
