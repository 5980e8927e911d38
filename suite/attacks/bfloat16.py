"""The surrogate of an attack in bfloat16: layers that can compute in it do, forward and backward (autocast).

Images and their gradients stay as they are; only what lies between is rounded to 8 bits. The loss is computed in the
images' precision, since softmax(z) - onehot(y) of rounded logits would be zero wherever the model is sure.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from suite.attacks.differentiate import Differentiator
from suite.attacks.losses import Cotangent


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
