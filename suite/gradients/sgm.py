"""The skip gradient method: residual branches weigh less in the backward pass (Wu et al., ICLR 2020)."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from suite.errors import SuiteError
from suite.gradients.residual import branches
from suite.gradients.rule import changing
from suite.gradients.view import Forward, View, view


@changing("branches")
def sgm(model: nn.Module, lam: float) -> nn.Module:
    """The model with the gradient through every residual branch multiplied by `lam`.

    A block x + f(x) passes g back as g + lam (df/dx)^T g. The factor is applied where the branch begins, so the
    weights of a block's own branch get their gradient without it.

    Args:
        model: any nn.Module with residual blocks that are recognised (suite.gradients.residual); it is not touched.
        lam: in (0, 1]; 1 is backpropagation.

    Raises:
        SuiteError: lam out of range; no residual block is recognised.
    """
    return view(model, SkipGradient(frozenset(branch.first for branch in branches(model).values()), factor(lam, "sgm")))


def factor(lam: float, owner: str) -> float:
    """`lam` as given to the rule `owner`; SuiteError unless it is in (0, 1]."""
    if isinstance(lam, bool | str) or not 0 < lam <= 1:
        raise SuiteError(f"lam={lam} of {owner}", "give a number in (0, 1]; 1 leaves residual branches as they are")
    return lam


@dataclass(eq=False)
class SkipGradient:
    """The rule behind a view: `firsts` are the paths of the branches' first modules."""

    firsts: frozenset[str]
    lam: float
    changes = frozenset({"branches"})  # which part of a backward pass (suite.gradients.compose)

    def call(self, module: View, forward: Forward, /, *args: Any, **kwargs: Any) -> Any:
        """Runs one module call of the view (suite.gradients.view.ForwardRule)."""
        if module._view_path in self.firsts:
            args = (scaled_gradient(args[0], self.lam), *args[1:])
        return forward(*args, **kwargs)


class _ScaledGradient(torch.autograd.Function):
    """forward(x, factor) = x; backward multiplies by the factor. Twice differentiable and vmappable."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, factor: float) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float], output: Tensor) -> None:
        ctx.factor = inputs[1]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient * ctx.factor, None


class _ScaledGradientDual(_ScaledGradient):
    """The same with forward-mode derivatives; apart, since the compiler does not trace a custom `jvp`."""

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, _: None) -> Tensor:
        scaled: Tensor = tangent * ctx.factor
        return scaled


def scaled_gradient(x: Tensor, factor: float) -> Tensor:
    """Tensor equal to `x` whose derivative is `factor` times the identity."""
    function = _ScaledGradient if torch.compiler.is_compiling() else _ScaledGradientDual
    result: Tensor = function.apply(x, factor)
    return result
