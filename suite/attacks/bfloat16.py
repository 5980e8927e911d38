"""The surrogate of an attack in bfloat16: layers that can compute in it do, forward and backward (autocast).

Images and their gradients stay as they are; only what lies between is rounded to 8 bits. The loss is computed in the
images' precision, since softmax(z) - onehot(y) of rounded logits would be zero wherever the model is sure.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from suite.attacks.differentiate import Differentiator
from suite.attacks.losses import Cotangent
from suite.training.depthwise import is_strided_depthwise

_ROUNDED = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)


def round_weights(model: nn.Module, probe: Tensor) -> None:
    """Rounds, once and in place, the float32 weights that autocast would round in every pass.

    Autocast keeps the rounded weights only of layers that are being trained. Where the model's logits for `probe` are
    not bit for bit those of before, since it uses a weight otherwise, nothing is rounded.
    """
    predict = predicting_in_bfloat16(model)
    kept = [(module._parameters, dict(module._parameters)) for module in model.modules() if _is_rounded(module)]
    with torch.no_grad():
        expected = predict(probe)
        for table, weights in kept:  # a view of the model has the same tables
            table |= {name: _rounded(weight) for name, weight in weights.items()}
        try:
            same = torch.equal(predict(probe), expected)
        except RuntimeError:  # of two precisions in one operation
            same = False
    if not same:
        for table, weights in kept:
            table |= weights


def _is_rounded(module: nn.Module) -> bool:
    """Whether it is a layer of torch's own, without hooks, that does not stay in float32."""
    plain = type(module) in _ROUNDED and not module._forward_pre_hooks and not is_parametrized(module)
    return plain and not is_strided_depthwise(module) and {p.dtype for p in module.parameters()} == {torch.float32}


def _rounded(weight: nn.Parameter | None) -> nn.Parameter | None:
    return None if weight is None else nn.Parameter(weight.detach().to(torch.bfloat16), requires_grad=False)


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
