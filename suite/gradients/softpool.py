"""Max-pools that pass the gradient to their whole window: the second half of BPA."""

from dataclasses import dataclass
from math import isfinite
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from suite.errors import SuiteError
from suite.gradients.rectifiers import Function
from suite.gradients.rule import changing
from suite.gradients.straight_through import straight_through
from suite.gradients.view import Forward, view
from suite.gradients.watching import Watch, Watcher

_POOLS: dict[Function, int] = {
    F.max_pool1d: 1, torch.max_pool1d: 1, F.max_pool1d_with_indices: 1, torch.max_pool1d_with_indices: 1,
    F.max_pool2d: 2, torch.max_pool2d: 2, F.max_pool2d_with_indices: 2,
}  # fmt: skip
_ADAPTIVE: dict[Function, int] = {F.adaptive_max_pool1d: 1, F.adaptive_max_pool2d: 2}
_OTHERS: frozenset[Function] = frozenset({
    F.max_pool3d, torch.max_pool3d, F.max_pool3d_with_indices, F.adaptive_max_pool3d, F.fractional_max_pool2d,
    F.fractional_max_pool3d,
})  # fmt: skip


@changing("pools")
def softpool(model: nn.Module, temperature: float) -> nn.Module:
    """The model whose max-pools pass the gradient g of an output to all inputs x of its window, as softmax(t x) g.

    Wang, Tong, He, Rethinking the Backward Propagation for Adversarial Transferability (NeurIPS 2023), with
    t the temperature as they call it: it multiplies, and theirs is 10. t -> infinity is the max-pool's own derivative,
    t -> 0 that of average pooling. The weights count as constants. They are computed from x minus the window's maximum;
    the released code exponentiates t x itself, which overflows from x = 8.9 on.

    Args:
        model: any nn.Module with max-pools over one or two dimensions; it is not touched.
        temperature: > 0, in units of 1 / x.

    Raises:
        SuiteError: temperature out of range. At the first forward pass: a model without max-pools, pools over three
            dimensions, adaptive ones whose windows differ in size.

    Cost: that of the model, and memory for a window's worth of weights at every output of a pool.
    """
    if isinstance(temperature, bool | str) or not (temperature > 0 and isfinite(temperature)):
        raise SuiteError(
            f"temperature={temperature} of softpool", "give a positive number; large ones are close to backpropagation"
        )
    return view(model, Watcher(frozenset({"pools"}), lambda: PoolWatch(temperature=temperature), "max-pools"))


@dataclass
class PoolWatch(Watch):
    """One forward pass whose max-pools are softened."""

    temperature: float = 1.0

    def other(self, function: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Runs a call that is no rectifier."""
        if function in _OTHERS:
            raise SuiteError(
                f"softpool knows max-pools over one or two dimensions, and the model calls {function.__name__}",
                "leave softpool out",
            )
        if function not in _POOLS and function not in _ADAPTIVE:
            return function(*args, **kwargs)
        self.found += 1
        result = function(*args, **kwargs)
        pooled = result[0] if isinstance(result, tuple) else result
        if function in _POOLS:
            window = _window(_POOLS[function], *args[1:], **kwargs)
        else:
            window = _even_window(_ADAPTIVE[function], args[0], pooled)
        softened = straight_through(soft_pooled(args[0], pooled, window, self.temperature), pooled)
        return (softened, *result[1:]) if isinstance(result, tuple) else softened


@dataclass(frozen=True)
class Window:
    """Of a pool: size, step, padding and dilation in each dimension that is pooled."""

    size: tuple[int, ...]
    step: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]


def soft_pooled(x: Tensor, pooled: Tensor, window: Window, temperature: float) -> Tensor:
    """The mean of every window with weights softmax(temperature x), which count as constants, shaped like `pooled`."""
    dims = len(window.size)
    with torch.no_grad():
        values = _windows(x.detach(), pooled.shape[-dims:], window, -torch.inf)
        weights = torch.softmax(temperature * (values - values.amax(-1, keepdim=True)), -1)
    return (weights * _windows(x, pooled.shape[-dims:], window, 0.0)).sum(-1)


def _windows(x: Tensor, shape: torch.Size, window: Window, fill: float) -> Tensor:
    """(..., *shape, entries of a window), entries outside of x filled."""
    dims = len(shape)
    axes = range(x.dim() - dims, x.dim())  # each comes to hold windows, whose entries go to a new axis at the end
    for axis, count, size, step, padding, dilation in zip(
        axes, shape, window.size, window.step, window.padding, window.dilation, strict=True
    ):
        reach = dilation * (size - 1) + 1
        behind = (count - 1) * step + reach - padding - x.shape[axis]
        pad = [0, 0] * (x.dim() - 1 - axis) + [padding, behind]
        x = F.pad(x, pad, value=fill).unfold(axis, reach, step)[..., ::dilation]
    return x.flatten(-dims)


def _window(
    dims: int,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Window:
    """A pool's window by its arguments; how many outputs there are is read from the result."""
    size = _each(kernel_size, dims)
    return Window(size, _each(stride, dims) if stride else size, _each(padding, dims), _each(dilation, dims))


def _even_window(dims: int, x: Tensor, pooled: Tensor) -> Window:
    """An adaptive pool's window, where all are of one size."""
    pairs = list(zip(x.shape[-dims:], pooled.shape[-dims:], strict=True))
    if any(before % after for before, after in pairs):
        raise SuiteError(
            f"softpool: an adaptive max-pool takes {tuple(x.shape[-dims:])} to {tuple(pooled.shape[-dims:])}, "
            "by windows of several sizes",
            "leave softpool out",
        )
    size = tuple(before // after for before, after in pairs)
    return Window(size, size, (0,) * dims, (1,) * dims)


def _each(value: Any, dims: int) -> tuple[int, ...]:
    values = tuple(value) if isinstance(value, tuple | list) else (value,)
    return values * dims if len(values) == 1 else values
