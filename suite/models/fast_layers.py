"""Layers of the small networks whose training steps are faster on a CPU than torch's own.

Only train mode with gradients takes the fast way (and pooling without gradients, which has the same bits). In eval mode
they are torch's layers operation for operation, so that attacks, their engines and gradient rules see what they know.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

# Below about this many weights the overhead of our own function outweighs the faster product.
_LARGE = 2**16
# An operation that torch's own compiler emits and does not document: where a build lacks it, layers are torch's.
_HAS_PRODUCT = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


class Linear(nn.Linear):
    """`nn.Linear`; in training on a CPU a large layer's three matrix products are oneDNN's: equal up to rounding.

    On AMD's processors they are twice as fast as those of MKL, which torch takes otherwise.
    """

    def forward(self, x: Tensor) -> Tensor:
        large = _HAS_PRODUCT and self.in_features * self.out_features >= _LARGE
        if large and _trains_on_cpu(self, x) and x.ndim == 2 and x.dtype == torch.float32:
            result: Tensor = _OneDnnLinear.apply(x, self.weight, self.bias)
            return result
        return super().forward(x)


class MaxPool2x2(nn.MaxPool2d):
    """`nn.MaxPool2d(2)`; in training on a CPU by maxima of strided views, with the same bits, ties included.

    torch's own loop takes a third of a LeNet-5 training step.
    """

    def __init__(self) -> None:
        super().__init__(2)

    def forward(self, x: Tensor) -> Tensor:
        trains, shape = _trains_on_cpu(self, x), x.shape
        fast = trains or (x.device.type == "cpu" and not torch.is_grad_enabled())
        if not fast or len(shape) != 4 or shape[2] % 2 or shape[3] % 2:
            result: Tensor = super().forward(x)
        else:
            result = _MaxPool2x2.apply(x) if trains else _maximum(x)
        return result


class HalvingConv2d(nn.Conv2d):
    """`nn.Conv2d` with 4 x 4 kernels, stride 2 and padding 1, which halves the sides.

    In training on a CPU the input's gradient is one convolution of the output's, equal up to rounding: with few
    channels oneDNN's own takes several times as long as the forward pass, and an attack needs nothing else. Under
    autocast it is torch's own: what comes back is in half precision, the weights are not.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 4, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        fast = _trains_on_cpu(self, x) and x.requires_grad and not torch.is_autocast_enabled("cpu")
        if not fast or x.shape[2] % 2 or x.shape[3] % 2:
            return super().forward(x)
        result: Tensor = _HalvingConvolution.apply(x, self.weight, self.bias)
        return result


class _OneDnnLinear(torch.autograd.Function):
    """x W^T + b."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _product(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        for_x, for_weight, for_bias = ctx.needs_input_grad
        return (
            _product(gradient, weight.t()) if for_x else None,
            _product(gradient.t(), x.t()) if for_weight else None,
            gradient.sum(0) if for_bias else None,
        )


def _product(left: Tensor, right: Tensor, bias: Tensor | None = None) -> Tensor:
    """left (n, k) times right (m, k)^T plus bias (m,), whatever the strides: (n, m)."""
    result: Tensor = torch.ops.mkldnn._linear_pointwise(left, right, bias, "none", [], "")
    return result


class _MaxPool2x2(torch.autograd.Function):
    """Forward by maxima; backward by torch's own, which wants the flat index of each window's first maximum."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        largest = _maximum(x)
        ctx.save_for_backward(x, largest)
        return largest

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        x, largest = ctx.saved_tensors
        geometry = ([2, 2], [2, 2], [0, 0], [1, 1], False)  # kernel, stride, padding, dilation, ceil_mode
        result: Tensor = torch.ops.aten.max_pool2d_with_indices_backward(gradient, x, *geometry, _first(x, largest))
        return result


class _HalvingConvolution(torch.autograd.Function):
    """The pixels of each corner of the 2 x 2 cells are a 2 x 2 convolution of the output's gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return nn.functional.conv2d(x, weight, bias, stride=2, padding=1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        for_weight, for_bias = None, None
        if any(ctx.needs_input_grad[1:]):
            geometry = ([len(weight)], [2, 2], [1, 1], [1, 1], False, [0, 0], 1)  # of bias, stride, padding, ...
            wanted = [False, *ctx.needs_input_grad[1:]]
            _, for_weight, for_bias = torch.ops.aten.convolution_backward(gradient, x, weight, *geometry, wanted)
        return _from_corners(gradient, weight, x.shape), for_weight, for_bias


def _from_corners(gradient: Tensor, weight: Tensor, shape: torch.Size) -> Tensor:
    """The gradient (batch, in, H, W) behind a halving convolution, from the one (batch, out, H/2, W/2) before it.

    Input row 2q + r meets, by the kernel's row r + 1 - 2d, the output's row q + d: rows 3 and 1 where r = 0 and
    d = -1, 0; rows 2 and 0 where r = 1 and d = 0, 1. Columns alike.
    """
    batch, channels, height, width = shape
    rows, cells = torch.tensor([[3, 1], [2, 0]]), (height // 2, width // 2)
    # (out, in, corner's row, d, corner's column, d) -> (4 in, out, 2, 2)
    kernels = weight[:, :, rows][..., rows].permute(1, 2, 4, 0, 3, 5).flatten(0, 2)
    corners = nn.functional.conv2d(gradient, kernels, padding=1).view(batch, channels, 2, 2, cells[0] + 1, -1)
    result = gradient.new_empty(batch, channels, cells[0], 2, cells[1], 2)
    for r in (0, 1):
        for c in (0, 1):
            result[:, :, :, r, :, c] = corners[:, :, r, c, r : r + cells[0], c : c + cells[1]]
    return result.view(shape)


def _maximum(x: Tensor) -> Tensor:
    rows = torch.maximum(x[:, :, ::2], x[:, :, 1::2])
    return torch.maximum(rows[..., ::2], rows[..., 1::2])


def _first(x: Tensor, largest: Tensor) -> Tensor:
    """For every window the index, in its flattened plane, of its first element (row by row) that is the maximum."""
    height, width = x.shape[-2:]
    not_left = x[..., ::2, ::2] != largest
    below = not_left & (x[..., ::2, 1::2] != largest)
    right = (not_left & ~below) | (below & (x[..., 1::2, ::2] != largest))  # torch.where is five times slower
    corners = 2 * width * torch.arange(height // 2)[:, None] + 2 * torch.arange(width // 2)
    return torch.add(corners, below, alpha=width).add_(right)


def _trains_on_cpu(module: nn.Module, x: Tensor) -> bool:
    """Whether this is a training step by plain autograd: our functions know neither torch.func nor a second order."""
    plain = torch.is_grad_enabled() and not torch._C._are_functorch_transforms_active()
    return module.training and plain and x.device.type == "cpu"
