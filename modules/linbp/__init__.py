"""LinBP: linear backpropagation as a gradient rule for any model, and the studies built on it."""

from typing import Any

from suite.plugin import Module, Study, Target

module = Module(
    name="linbp",
    summary="Linear backpropagation: forward unchanged, rectifier derivatives skipped in the backward pass.",
    paper="Li et al., Linear Backpropagation Leads to Faster Convergence (2022); Guo, Li, Chen (NeurIPS 2020)",
    studies={
        "attack": Study(
            summary="White-box attack under several gradient rules: success rate per rule, eps and step (Table 1).",
            config="modules.linbp.attack:AttackConfig",
            function="modules.linbp.attack:attack",
            presets={
                "quick": {},
                "paper": {"model": "resnet50", "dataset": "cifar10"},
                # What the released script does: normalised images, a ball of twice eps, minus the true logit as loss.
                "code": {
                    "model": "resnet50",
                    "dataset": "cifar10",
                    "eps": (0.1, 0.2),
                    "input_space": "normalised",
                    "loss": "nll_logits",
                    "early_stop": False,
                },
            },
        ),
    },
    gradients={
        "linbp": Target("modules.linbp.gradient:linbp", "linear backward pass from `start` on (Eq. 5, 6)"),
    },
)


def __getattr__(name: str) -> Any:
    """`linbp` and `linear_backward` on first use: listing the module must not import torch."""
    if name in ("linbp", "linear_backward"):
        from modules.linbp import gradient

        return getattr(gradient, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
