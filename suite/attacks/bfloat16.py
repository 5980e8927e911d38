"""The surrogate of an attack in bfloat16: layers that can compute in it do, forward and backward (autocast).

Images and their gradients stay as they are; only what lies between is rounded to 8 bits. The loss is computed in the
images' precision, since softmax(z) - onehot(y) of rounded logits would be zero wherever the model is sure.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from suite.attacks.differentiate import Differentiator
from suite.attacks.losses import Cotangent
from suite.gradients.view import View
from suite.models.fast_layers import HalvingConv2d, Linear
from suite.training.depthwise import is_strided_depthwise

_ROUNDED = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear, HalvingConv2d, Linear)


def round_weights(model: nn.Module) -> None:
    """Rounds, once and in place, the weights that autocast would round in every pass; the numbers are the same.

    Autocast keeps the rounded weights only of layers that are being trained. Layers of other classes are left to it,
    and those that stay in float32 as they are (suite.training.depthwise).
    """
    for module in _layers(model):
        module.to(torch.bfloat16)


@contextmanager
def rounded_weights(model: nn.Module) -> Iterator[None]:
    """The same within the block, where weights are constants; without autocast to bfloat16 on a CPU nothing."""
    active = torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16
    kept = [(module._parameters, dict(module._parameters)) for module in (_layers(model) if active else ())]
    try:
        for table, weights in kept:  # a view of the model has the same tables
            table |= {name: _rounded(weight) for name, weight in weights.items() if weight is not None}
        yield
    finally:
        for table, weights in kept:
            table |= weights


def _layers(model: nn.Module) -> list[nn.Module]:
    """The layers of a model or a view whose weights autocast rounds as they are."""
    return [
        module
        for module in model.modules()
        if _class(module) in _ROUNDED and not is_parametrized(module) and not is_strided_depthwise(module)
    ]


def _class(module: nn.Module) -> type[nn.Module]:
    return type(module).__mro__[2] if isinstance(module, View) else type(module)


def _rounded(weight: nn.Parameter) -> nn.Parameter:
    return nn.Parameter(weight.detach().to(torch.bfloat16), requires_grad=False)


class InBfloat16:
    """A differentiator whose model computes in bfloat16."""

    def __init__(self, differentiate: Differentiator) -> None:
        self.differentiate = differentiate

    def __call__(self, x: Tensor, cotangent: Cotangent) -> tuple[Tensor, Tensor]:
        def rounded(logits: Tensor) -> Tensor:
            return cotangent(logits.to(x.dtype)).to(logits.dtype)

        with torch.autocast(x.device.type, torch.bfloat16):
            logits, gradient = self.differentiate(x, rounded)
        return logits.to(x.dtype), gradient.to(x.dtype)


def predicting_in_bfloat16(predict: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Logits of a model that computes in bfloat16, in the images' precision."""

    def rounded(x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, torch.bfloat16):
            return predict(x).to(x.dtype)

    return rounded
