"""LinBP: linear backpropagation as a gradient rule for any model, and the studies built on it."""

from typing import Any

from suite.plugin import Module, Target

module = Module(
    name="linbp",
    summary="Linear backpropagation: forward unchanged, rectifier derivatives skipped in the backward pass.",
    paper="Li et al., Linear Backpropagation Leads to Faster Convergence (2022); Guo, Li, Chen (NeurIPS 2020)",
    studies=(
        "attack",
        "positions",
        "theory_attack",
        "theory_train",
        "train",
        "adv_train",
        "transfer",
        "gates",
        "rules",
    ),
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
