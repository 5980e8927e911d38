"""Where a model attends: by torch's fused function, by `nn.MultiheadAttention`, or by a softmax in a matrix product.

Fused attention is `F.scaled_dot_product_attention(q, k, v)`. Written by hand it is any softmax whose result, through
dropout, casts, masks and changes of shape, is a factor of a matrix product (`@`, matmul, bmm, einsum): the softmax at a
classifier's end is none.
"""

from dataclasses import dataclass, field
from functools import cache
from types import FunctionType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from suite.gradients.rectified import undisturbed
from suite.gradients.rectifiers import Function
from suite.gradients.trace import Interception
from suite.gradients.view import Forward, view
from suite.gradients.watching import Watch, Watcher

T = torch.Tensor
FUSED: Function = F.scaled_dot_product_attention
_MULTI_HEAD: Function = F.multi_head_attention_forward
_SOFTMAXES: frozenset[Function] = frozenset({F.softmax, torch.softmax, T.softmax})
_CARRIERS: frozenset[Function] = frozenset({
    F.dropout, torch.dropout, T.to, T.type, T.type_as, T.float, T.half, T.double, T.bfloat16, T.contiguous, T.clone,
    T.view, T.reshape, torch.reshape, T.transpose, torch.transpose, T.permute, torch.permute, T.flatten, torch.flatten,
    T.unsqueeze, torch.unsqueeze, T.squeeze, torch.squeeze, T.expand, T.__getitem__, T.masked_fill, torch.masked_fill,
    T.mul, torch.mul, T.__mul__, T.__rmul__, T.div, T.__truediv__,
})  # fmt: skip
_PRODUCTS: frozenset[Function] = frozenset({
    torch.matmul, T.matmul, T.__matmul__, torch.bmm, T.bmm, torch.baddbmm, torch.einsum, torch.mm, T.mm,
})  # fmt: skip


@dataclass
class AttentionWatch(Watch):
    """One forward pass that notes every attention; subclasses change what happens there."""

    weights: dict[int, Tensor] = field(default_factory=dict)  # by identity: attention maps so far, kept alive
    places: list[tuple[str, str]] = field(default_factory=list)  # path and torch function of each attention

    def other(self, function: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Runs a call that is no rectifier."""
        if function is _MULTI_HEAD:
            with Interception(self):  # attention is within
                return _undispatched(function)(*args, **kwargs)
        if function is FUSED:
            self._found(function)
            return self.fused(*args, **kwargs)
        if function in _PRODUCTS and any(self._is_map(each) for each in args):
            self._found(function)
            return self.product(function, args, kwargs)
        result = function(*args, **kwargs)
        if function in _SOFTMAXES or (function in _CARRIERS and args and self._is_map(args[0])):
            self.weights[id(result)] = result
        return result

    def fused(self, query: Tensor, key: Tensor, value: Tensor, *args: Any, **kwargs: Any) -> Any:
        """Runs one fused attention."""
        return FUSED(query, key, value, *args, **kwargs)

    def product(self, function: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Runs one product with an attention map."""
        return function(*args, **kwargs)

    def _is_map(self, value: Any) -> bool:
        return isinstance(value, Tensor) and id(value) in self.weights

    def _found(self, function: Forward) -> None:
        self.found += 1
        self.places.append((self.running[-1], function.__name__))


@torch.no_grad()
def attention_calls(model: nn.Module, x: Tensor) -> tuple[tuple[str, str], ...]:
    """(module path, torch function) of every attention of `model(x)`, in order, by one forward pass.

    The function is `scaled_dot_product_attention`, or the product with the attention map where it is written by hand.
    """
    watch = AttentionWatch()
    undisturbed(view(model, Watcher(frozenset(), lambda: watch)), (x,), {})
    return tuple(watch.places)


@cache
def _undispatched(function: Function) -> Function:
    """A function of torch's in Python that runs its body, where torch would hand it over once more as a whole."""
    space = {**function.__globals__, "has_torch_function": lambda arguments: False}
    body = FunctionType(function.__code__, space, function.__name__, function.__defaults__, function.__closure__)
    body.__kwdefaults__ = function.__kwdefaults__
    return body
