"""The surrogate of an attack in bfloat16: layers that can compute in it do, forward and backward (autocast).

Images and their gradients stay as they are; only what lies between is rounded to 8 bits. The loss is computed in the
images' precision, since softmax(z) - onehot(y) of rounded logits would be zero wherever the model is sure.
"""

from collections.abc import Callable, Collection

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from suite.attacks.differentiate import Differentiator
from suite.attacks.losses import Cotangent
from suite.models.fast_layers import HalvingConv2d, Linear

_ROUNDED = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear, HalvingConv2d, Linear)


def round_weights(model: nn.Module, but: Collection[nn.Module] = ()) -> None:
    """Rounds, once and in place, the weights that autocast would round in every pass; the numbers are the same.

    Autocast keeps the rounded weights only of layers that are being trained. Layers of other classes are left to it,
    those in `but` stay as they are.
    """
    for module in model.modules():
        if type(module) in _ROUNDED and module not in but and not is_parametrized(module):
            module.to(torch.bfloat16)


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
