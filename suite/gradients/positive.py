"""Rules that let only positive gradients through a rectifier: guided backpropagation and the deconvnet."""

from typing import Any

import torch
from torch import Tensor, nn

from suite.gradients.rectified import Rectified, from_start
from suite.gradients.rule import changing
from suite.gradients.straight_through import bridged, straight_through
from suite.gradients.view import Forward


@changing("rectifiers")
def guided(model: nn.Module, start: str | int = "all") -> nn.Module:
    """Guided backpropagation: a rectifier passes the gradient g back as σ'(z) max(g, 0).

    Springenberg, Dosovitskiy, Brox, Riedmiller, Striving for Simplicity (ICLR 2015 workshop), Fig. 1: for
    ReLU the gradient must be positive, and its input too. Of other rectifiers σ' is their own derivative.

    Args:
        model: any nn.Module; it is not touched.
        start: where it begins, as in LinBP: a module path, the index of a rectifier call, `all` or `none`.

    Raises:
        SuiteError: a start that does not exist (suite.gradients.from_start).

    Cost: that of the model. It is not linear in the gradient: a loss and its negative have other directions, and there
    is no forward mode.
    """
    return from_start(model, start, lambda first: Rectified(first, _guided))


@changing("rectifiers")
def deconv(model: nn.Module, start: str | int = "all") -> nn.Module:
    """The deconvnet's backward pass: a rectifier passes the gradient g back as max(g, 0), whatever its input was.

    Zeiler, Fergus, Visualizing and Understanding Convolutional Networks (ECCV 2014), Sec. 2.1: on the way down, the
    rectifier is applied to what comes down. Max-pools keep their own derivative, which is the paper's switches.

    Args, Raises and Cost: those of `guided`.
    """
    return from_start(model, start, lambda first: Rectified(first, _deconv))


def _guided(function: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    return bridged(lambda x, y: _positive(y), function, args, kwargs)


def _deconv(function: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    return bridged(lambda x, y: _positive(straight_through(x, y)), function, args, kwargs)


class _Positive(torch.autograd.Function):
    """forward(y) = y; backward takes the positive part. Twice differentiable and vmappable."""

    generate_vmap_rule = True

    @staticmethod
    def forward(y: Tensor) -> Tensor:
        return y.detach()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        """Nothing to keep."""

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient.relu()


def _positive(y: Tensor) -> Tensor:
    return _Positive.apply(y)  # type: ignore[no-any-return]
