"""LinBP: linear backpropagation as a gradient rule for any model, and the studies built on it."""

from typing import Any

from suite.plugin import Cost, Module, Study, Target

# Measured on one core, but for those of a GPU: derived from their arithmetic at 30 TFLOP/s, not run for lack of one.
module = Module(
    name="linbp",
    summary="Linear backpropagation: forward unchanged, rectifier derivatives skipped in the backward pass.",
    paper="Li et al., Linear Backpropagation Leads to Faster Convergence (2022); Guo, Li, Chen (NeurIPS 2020)",
    studies=("attack", "positions", "theory_attack", "theory_train", "train", "transfer"),
    flat_studies={
        "adv_train": Study(
            question="Adversarial training by BP and by LinBP: clean and robust accuracy per epoch (Fig. 7).",
            config="modules.linbp.adv_train:AdvTrainConfig",
            results=None,
            figures=None,
            measure="modules.linbp.adv_train:adv_train",
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
        ),
    },
    gradients={
        "linbp": Target(
            "modules.linbp.gradient:linbp",
            "linear backward pass from `start` on (Eq. 5, 6); variant=guo for residual nets",
        ),
    },
)


def __getattr__(name: str) -> Any:
    """`linbp` and `linear_backward` on first use: listing the module must not import torch."""
    if name in ("linbp", "linear_backward"):
        from modules.linbp import gradient

        return getattr(gradient, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
