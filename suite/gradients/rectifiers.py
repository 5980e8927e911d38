"""Which torch functions are rectifiers, and whether a call works in place.

Rectifier: an elementwise function that is the identity (up to a constant factor or a soft corner) on a
half-line or interval and bends elsewhere. Clamps count only where they are a rectifier written otherwise
(`min=0` without a maximum: ReLU; `min=0, max=6`: ReLU6), since models also clamp pixels.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

Function = Callable[..., Any]

_PLAIN: tuple[Function, ...] = (F.relu, torch.relu, torch.Tensor.relu, torch.relu_, torch.Tensor.relu_)
_ALWAYS: tuple[Function, ...] = (
    *_PLAIN,
    *(F.relu6, F.hardtanh, F.hardtanh_),
    *(F.leaky_relu, F.leaky_relu_, F.elu, F.elu_, F.celu, torch.celu, torch.celu_, F.selu, torch.selu, torch.selu_),
    *(F.silu, F.gelu, F.softplus, F.mish, F.hardswish),
    *(F.prelu, torch.Tensor.prelu, F.rrelu, torch.rrelu, torch.rrelu_),
)
_CLAMPS: tuple[Function, ...] = (
    *(torch.clamp, torch.clip, torch.Tensor.clamp, torch.Tensor.clip),
    *(torch.clamp_, torch.clip_, torch.Tensor.clamp_, torch.Tensor.clip_),
)
_CLAMP_MINS: tuple[Function, ...] = (
    *(torch.clamp_min, torch.clamp_min_, torch.Tensor.clamp_min, torch.Tensor.clamp_min_),
)
_THRESHOLDS: tuple[Function, ...] = (F.threshold, torch.threshold, torch.threshold_)

RECTIFIERS: frozenset[Function] = frozenset((*_ALWAYS, *_CLAMPS, *_CLAMP_MINS, *_THRESHOLDS))
"""Every function whose calls may be rectifiers; `is_rectifier` decides for one call."""

PLAIN_RELUS: frozenset[Function] = frozenset(_PLAIN)
"""ReLU by its name: backpropagation keeps its result, and so may a rule."""

PRELUS: frozenset[Function] = frozenset((F.prelu, torch.Tensor.prelu))
"""Those with a weight, their second argument."""

_RELUS = frozenset((*_PLAIN, *_CLAMP_MINS, *_THRESHOLDS))
_CONDITIONAL = frozenset((*_CLAMPS, *_CLAMP_MINS, *_THRESHOLDS))


def is_rectifier(function: Function, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Whether this call `function(*args, **kwargs)` is a rectifier of its first argument."""
    if function not in RECTIFIERS or not args or not _is_floating(args[0]):  # clamped indices are none
        return False
    if function not in _CONDITIONAL:
        return True
    first, second = _bound(args, kwargs, 1, "min", "threshold"), _bound(args, kwargs, 2, "max", "value")
    if function in _CLAMP_MINS:
        return is_constant(first, 0)
    if function in _CLAMPS:
        return is_constant(first, 0) and (second is None or is_constant(second, 6))
    return is_constant(first, 0) and is_constant(second, 0)


@dataclass(frozen=True)
class Corners:
    """A piecewise linear rectifier's derivative: 1 between `low` and `high`, `outside` elsewhere and on the corners."""

    low: float = 0.0
    high: float = inf
    outside: float | Tensor = 0.0

    @property
    def is_zero_outside(self) -> bool:
        """Whether nothing leaks."""
        return not isinstance(self.outside, Tensor) and self.outside == 0

    @property
    def is_relu(self) -> bool:
        """Whether they are those of ReLU."""
        return self.is_zero_outside and self == Corners()

    def gate(self, x: Tensor) -> Tensor:
        """Where x is between the corners (bool)."""
        return (x > self.low) & (x < self.high) if isfinite(self.high) else x > self.low


class Written:
    """A rectifier that is written as another function of x: `call(x)`, with that function's name."""

    def __init__(self, call: Callable[[Tensor], Any], name: str, corners: Corners | None) -> None:
        self.call, self.__name__, self.corners = call, name, corners

    def __call__(self, x: Tensor) -> Any:
        return self.call(x)


def corners(function: Function, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Corners | None:
    """The corners of this rectifier call; None where it is smooth or piecewise anything but linear (ELU, SiLU)."""

    def given(position: int, default: float, *names: str) -> float:
        value = _bound(args, kwargs, position, *names)
        return default if value is None else float(value.flatten()[0] if isinstance(value, Tensor) else value)

    if isinstance(function, Written):
        return function.corners
    if function is F.relu6:
        return Corners(high=6.0)
    if function in (F.hardtanh, F.hardtanh_):
        return Corners(given(1, -1.0, "min_val"), given(2, 1.0, "max_val"))
    if function in (F.leaky_relu, F.leaky_relu_):
        return Corners(outside=given(1, 0.01, "negative_slope"))
    if function in PRELUS:
        return Corners(outside=_by_channel(_bound(args, kwargs, 1, "weight"), args[0]))
    if function in _CLAMPS:
        return Corners(high=given(2, inf, "max"))
    return Corners() if function in _RELUS else None


def in_place(function: Function, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Whether this call of a rectifier writes its result into its argument."""
    return (
        function.__name__.endswith("_")
        or bool(kwargs.get("inplace", False))
        or (
            function in _INPLACE_POSITION
            and len(args) > _INPLACE_POSITION[function]
            and bool(args[_INPLACE_POSITION[function]])
        )
    )


# Position of `inplace` among the arguments of torch.nn.functional's functions.
_INPLACE_POSITION: Mapping[Function, int] = {
    F.relu: 1, F.relu6: 1, F.silu: 1, F.mish: 1, F.hardswish: 1, F.selu: 1,
    F.leaky_relu: 2, F.elu: 2, F.celu: 2, F.hardtanh: 3, F.threshold: 3, F.rrelu: 4,
}  # fmt: skip


def _bound(args: tuple[Any, ...], kwargs: Mapping[str, Any], position: int, *names: str) -> Any:
    if len(args) > position:
        return args[position]
    return next((kwargs[name] for name in names if name in kwargs), None)


def _is_floating(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.is_floating_point()


def _by_channel(weight: Tensor, x: Tensor) -> Tensor:
    """A PReLU's slopes (1,) or (C,), to be multiplied with x (B, C, ...)."""
    return weight.detach().view(-1, *[1] * (x.dim() - 2)) if weight.numel() > 1 else weight.detach()


def is_constant(value: Any, expected: float) -> bool:
    """Whether a bound, a number or a tensor that is not trained, has this value everywhere."""
    if isinstance(value, torch.Tensor):
        return not (value.requires_grad or value.is_meta) and bool((value == expected).all())
    return isinstance(value, int | float) and value == expected
