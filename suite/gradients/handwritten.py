"""Rectifiers that a model writes by hand: `x * (x > 0)`, `torch.where(x > 0, x, 0)`, `torch.maximum(x, zero)`.

A comparison with zero is remembered, through casts, until it meets the tensor that was compared. What is a rectifier
then is treated as one; what only looks like one is refused from a rule's start on, since it would silently keep its
derivative: any call that takes a tensor together with a mask of its own sign, and what takes the smaller of a tensor
and zero. Arithmetic that has no comparison in it, as (x + |x|) / 2 or x sigmoid(1.702 x), is not seen.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from suite.errors import SuiteError
from suite.gradients.rectifiers import Corners, Function, Written, is_constant

T = torch.Tensor
_ABOVE: frozenset[Function] = frozenset({torch.gt, torch.ge, T.gt, T.ge, T.__gt__, T.__ge__})
_BELOW: frozenset[Function] = frozenset({torch.lt, torch.le, T.lt, T.le, T.__lt__, T.__le__})
_NOT: frozenset[Function] = frozenset(
    {T.__invert__, T.logical_not, torch.logical_not, T.bitwise_not, torch.bitwise_not}
)
_CASTS: frozenset[Function] = frozenset({
    T.float, T.double, T.half, T.bfloat16, T.to, T.type, T.type_as, T.detach, T.view_as, T.expand_as, T.contiguous,
    T.clone, torch.clone,
})  # fmt: skip
_BOTH: frozenset[Function] = frozenset({
    torch.logical_and, T.logical_and, torch.logical_or, T.logical_or, torch.logical_xor, T.logical_xor, T.__and__,
    T.__or__, T.__xor__, torch.bitwise_and, T.bitwise_and, torch.bitwise_or, T.bitwise_or,
})  # fmt: skip
_STEPS: frozenset[Function] = frozenset({torch.heaviside, T.heaviside})
_SIGMOIDS: frozenset[Function] = frozenset({torch.sigmoid, T.sigmoid, torch.special.expit, torch.nn.functional.sigmoid})
_PRODUCTS: frozenset[Function] = frozenset({torch.mul, torch.multiply, T.mul, T.multiply, T.__mul__, T.__rmul__})
_CHOICES: frozenset[Function] = frozenset({torch.where, T.where})
_FILLS: frozenset[Function] = frozenset({
    T.masked_fill, torch.masked_fill, T.masked_fill_, T.__setitem__, T.masked_scatter, torch.masked_scatter,
    T.masked_scatter_, T.index_put, torch.index_put, T.index_put_, torch.index_put_,
})  # fmt: skip
_MINIMA: frozenset[Function] = frozenset({torch.minimum, T.minimum, torch.min, T.min, torch.fmin, T.fmin})
_UPPER: frozenset[Function] = frozenset({
    torch.clamp, T.clamp, T.clamp_, torch.clip, T.clip, torch.clamp_max, T.clamp_max, T.clamp_max_,
})  # fmt: skip
_MAXIMA: frozenset[Function] = frozenset({torch.maximum, T.maximum, torch.max, T.max, torch.fmax, T.fmax})
_MAKING: frozenset[Function] = _ABOVE | _BELOW | _NOT | _CASTS | _SIGMOIDS | _BOTH | _STEPS

WATCHED: frozenset[Function] = frozenset(_MAKING | _PRODUCTS | _CHOICES | _FILLS | _MAXIMA | _MINIMA | _UPPER)
"""Functions that are looked at; others, too, once a forward pass has compared something with zero."""

_SIGNS = ("above", "below", "mixed")
_HARMLESS: frozenset[Function] = frozenset({T.__getitem__, torch.masked_select, T.masked_select})  # they only pick
_NAMES: dict[Function, tuple[str, ...]] = {
    torch.where: ("condition", "input", "other"), T.where: ("self", "condition", "other"),
    **dict.fromkeys((T.masked_fill, torch.masked_fill, T.masked_fill_), ("input", "mask", "value")),
    torch.heaviside: ("input", "values"),
}  # fmt: skip


def positional(function: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """The arguments of a call in order, also those that it gives by name, as far as they are without a gap."""
    given = list(args)
    for name in _NAMES.get(function, ("input", "other"))[len(args) :]:
        if name not in kwargs:
            break
        given.append(kwargs[name])
    return tuple(given)


@dataclass(frozen=True)
class Mark:
    """What is known of a tensor: where `source` is above zero (`above`), or not (`below`), or a combination of these
    with others (`mixed`); or its `sigmoid`."""

    tensor: Tensor  # kept, so that no other takes its identity
    source: Tensor
    kind: str


@dataclass
class Handwritten:
    """What one forward pass has compared so far."""

    marks: dict[int, Mark] = field(default_factory=dict)

    def note(self, function: Function, args: tuple[Any, ...], result: Any) -> None:
        """Remembers the result of a call that compares with zero, or carries such a comparison on."""
        if function not in _MAKING or not args or not isinstance(args[0], Tensor) or not isinstance(result, Tensor):
            return
        known = self.marks.get(id(args[0]))
        if function in _ABOVE | _BELOW:
            if args[0].is_floating_point() and len(args) > 1 and is_constant(args[1], 0):
                self._mark(result, args[0], "above" if function in _ABOVE else "below")
        elif function in _SIGMOIDS:
            self._mark(result, args[0], "sigmoid")
        elif function in _STEPS:
            self._mark(result, args[0], "above")
        elif function in _BOTH:
            known = known or (self.marks.get(id(args[1])) if len(args) > 1 else None)
            if known is not None:
                self._mark(result, known.source, "mixed")
        elif function in _NOT and known is not None:
            self._mark(result, known.source, {"above": "below", "below": "above"}.get(known.kind, known.kind))
        elif function in _CASTS and known is not None:
            self._mark(result, known.source, known.kind)
        elif function is T.detach:
            self._mark(result, args[0], "itself")

    def rectifier(self, function: Function, args: tuple[Any, ...]) -> tuple[Written, Tensor] | None:
        """The rectifier, and what it rectifies, that this call is; None where it is none."""
        if function in _PRODUCTS:
            return self._product(function, args)
        if function in _MAXIMA:
            return _maximum(function, args)
        if function in _CHOICES:
            return self._choice(function, args)
        return None

    def refuse(self, function: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Raises SuiteError for a call that chooses by a tensor's sign and is no rectifier that is known."""
        given = [each for each in tree_leaves((args, kwargs)) if isinstance(each, Tensor)]
        if _is_a_minimum(function, args, kwargs):
            raise _refused(function, "takes the smaller of a tensor and zero")
        if not self.marks or function in _MAKING or function in _HARMLESS:
            return
        marks = [self.marks[id(each)] for each in given if id(each) in self.marks]
        signs = [mark.source for mark in marks if mark.kind in _SIGNS and mark.source.requires_grad]
        if signs and (function in _CHOICES | _FILLS or any(each is source for each in given for source in signs)):
            raise _refused(function, "chooses by the sign of a tensor")

    def _mark(self, tensor: Tensor, source: Tensor, kind: str) -> None:
        original = self.marks.get(id(source))
        if original is not None and original.kind == "itself":
            source = original.source
        self.marks[id(tensor)] = Mark(tensor, source, kind)

    def _product(self, function: Function, args: tuple[Any, ...]) -> tuple[Written, Tensor] | None:
        if len(args) != 2:
            return None
        for x, other, call in (
            (args[0], args[1], lambda z: function(z, args[1])),
            (args[1], args[0], lambda z: function(args[0], z)),
        ):
            mark = self.marks.get(id(other))
            if mark is not None and mark.source is x and mark.kind in ("above", "sigmoid"):
                return Written(call, function.__name__.strip("_"), Corners() if mark.kind == "above" else None), x
        return None

    def _choice(self, function: Function, args: tuple[Any, ...]) -> tuple[Written, Tensor] | None:
        if len(args) != 3:
            return None
        place = 1 if function is T.where else 0
        mark = self.marks.get(id(args[place]))
        chosen, otherwise = (0, 2) if place else (1, 2)
        if mark is None or mark.kind not in ("above", "below"):
            return None
        if mark.kind == "below":
            chosen, otherwise = otherwise, chosen
        if args[chosen] is not mark.source or not is_constant(args[otherwise], 0):
            return None
        return Written(partial(_replaced, function, args, chosen), "where", Corners()), mark.source


def _refused(function: Function, what: str) -> SuiteError:
    return SuiteError(
        f"the model {what} with {function.__name__.strip('_')}, perhaps a rectifier in other words",
        "write it with F.relu or F.leaky_relu, or choose a start behind it",
    )


def _is_a_minimum(function: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether it is min(x, 0), whose derivative is a gate: x - min(x, 0) is a ReLU."""
    if function in _UPPER:
        upper = kwargs.get("max", args[-1] if len(args) == (2 if "max" in function.__name__ else 3) else None)
        lower = kwargs.get("min", args[1] if len(args) == 3 else None)
        return lower is None and is_constant(upper, 0) and args[0].is_floating_point() and args[0].requires_grad
    if function not in _MINIMA or len(args) != 2 or not all(isinstance(each, Tensor) for each in args):
        return False
    return any(
        args[place].is_floating_point() and args[place].requires_grad and is_constant(args[1 - place], 0)
        for place in (0, 1)
    )


def _maximum(function: Function, args: tuple[Any, ...]) -> tuple[Written, Tensor] | None:
    if len(args) != 2 or not all(isinstance(each, Tensor) for each in args):
        return None
    for place in (0, 1):
        if args[place].is_floating_point() and is_constant(args[1 - place], 0):
            return Written(partial(_replaced, function, args, place), function.__name__, Corners()), args[place]
    return None


def _replaced(function: Callable[..., Any], args: tuple[Any, ...], place: int, x: Tensor) -> Any:
    return function(*args[:place], x, *args[place + 1 :])
