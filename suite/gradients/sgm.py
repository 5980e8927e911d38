"""The skip gradient method: residual branches weigh less in the backward pass (Wu et al., ICLR 2020)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from suite.errors import SuiteError, did_you_mean
from suite.gradients.residual import Branch, branches
from suite.gradients.rule import changing
from suite.gradients.view import Forward, View, view
from suite.refs import parse_number


@changing("branches")
def sgm(model: nn.Module, lam: float | str, blocks: str = "all") -> nn.Module:
    """The model with the gradient through every residual branch multiplied by `lam`.

    Wu, Wang, Xia, Bailey, Ma, Skip Connections Matter (ICLR 2020), Eq. 7: a block x + f(x) passes g back as
    g + lam (df/dx)^T g. The factor is applied where the branch begins, so the weights of a block's own branch get their
    gradient without it. Dense layers (x, f(x)) and both branches of a transformer block are treated alike.

    Args:
        model: any nn.Module with residual blocks that are recognised (suite.gradients.residual); it is not touched.
        lam: in (0, 1]; 1 is backpropagation. One for each stage in order, as `lam=0.9:0.7:0.5`, weights them apart; a
            stage is the module that holds the blocks (`layer1`).
        blocks: `all`, as in the paper, or `later`: each stage's first block keeps its gradient, as in the released code
            for ResNets.

    Raises:
        SuiteError: lam out of range, or not one for each stage; another word for `blocks`; no residual block is
            recognised, or `later` leaves none.

    Cost: that of the model.
    """
    if blocks not in ("all", "later"):
        raise SuiteError(f"blocks={blocks} of sgm", did_you_mean(str(blocks), ("all", "later")))
    stages = _stages(branches(model, joined=True))
    factors = _factors(lam, list(stages))
    decayed = {
        first: weight
        for weight, firsts in zip(factors, stages.values(), strict=True)
        for number, own in enumerate(firsts)
        for first in own
        if blocks == "all" or number
    }
    if not decayed:
        raise SuiteError("blocks=later leaves no block: every stage has one alone", "use blocks=all")
    return view(model, SkipGradient(decayed))


def _stages(found: Mapping[str, Branch]) -> dict[str, list[list[str]]]:
    """By the path of what holds them: for each block in order, the first modules of its branches."""
    stages: dict[str, dict[str, list[str]]] = {}
    for branch in found.values():
        block = branch.first.rpartition(".")[0]
        stages.setdefault(block.rpartition(".")[0], {}).setdefault(block, []).append(branch.first)
    return {stage: list(blocks.values()) for stage, blocks in stages.items()}


def _factors(lam: float | str, stages: list[str]) -> list[float]:
    """One factor for each stage."""
    if not isinstance(lam, str) or ":" not in lam:
        return [factor(lam, "sgm")] * len(stages)
    given = [factor(parse_number(each), "sgm") for each in lam.split(":")]
    if len(given) != len(stages):
        names = ", ".join(stage or "the model itself" for stage in stages)
        raise SuiteError(f"lam={lam} of sgm has {len(given)} factors", f"the model has {len(stages)} stages: {names}")
    return given


def factor(lam: float | str, owner: str) -> float:
    """`lam` as given to the rule `owner`; SuiteError unless it is in (0, 1]."""
    if isinstance(lam, bool | str) or not 0 < lam <= 1:
        raise SuiteError(f"lam={lam} of {owner}", "give a number in (0, 1]; 1 leaves residual branches as they are")
    return lam


@dataclass(eq=False)
class SkipGradient:
    """The rule behind a view: `factors` by the paths of the branches' first modules."""

    factors: Mapping[str, float]
    changes = frozenset({"branches"})  # which part of a backward pass (suite.gradients.compose)

    def call(self, module: View, forward: Forward, /, *args: Any, **kwargs: Any) -> Any:
        """Runs one module call of the view (suite.gradients.view.ForwardRule)."""
        if module._view_path in self.factors:
            args = (scaled_gradient(args[0], self.factors[module._view_path]), *args[1:])
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
