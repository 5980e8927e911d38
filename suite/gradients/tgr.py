"""Token gradient regularisation: smaller token gradients without their extremes (Zhang et al., CVPR 2023)."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from suite.errors import SuiteError, did_you_mean
from suite.gradients.attention import FUSED, AttentionWatch
from suite.gradients.attention_map import attention_map
from suite.gradients.attenuation import Attenuation, Spreads
from suite.gradients.rectifiers import Function
from suite.gradients.rule import changing
from suite.gradients.straight_through import straight_through
from suite.gradients.view import Forward, View, view
from suite.gradients.watching import Watcher

MLPS: set[str] = {"torchvision.ops.misc.MLP", "timm.layers.mlp.Mlp"}
"""Full names of classes that are a transformer block's MLP, tokens to tokens (B, ..., channels); subclasses count."""


@changing("attention", "tokens")
def tgr(
    model: nn.Module, attention: float = 0.25, qkv: float = 0.75, mlp: float | str = 0.5, extremes: str = "zero"
) -> nn.Module:
    """The model whose token gradients are scaled and lose their extremes, for every sample by itself.

    Zhang, Huang, Wu, Lyu, Transferable Adversarial Attacks on Vision Transformers with Token Gradient Regularization
    (CVPR 2023), places and factors as in their released code. In every transformer block

        attention map A (heads, T, S)   g * attention; then, in each head, the rows and columns of the largest and of
                                        the smallest entry of g are 0
        queries, keys and values        g * qkv; then, in each channel, the largest and the smallest token are 0
        output of the MLP               g * mlp; then the same

    Released versions look for the extremes in the first sample of a batch and zero those places in all samples; here
    each sample has its own. They also hook the dropout of attention maps, which fused attention never calls.

    With `extremes=adaptive` those entries are not 0 but keep a share (suite.gradients.attenuation) that is smaller
    where gradients have grown on the way from the block behind: Ming, Ren, Wang, Feng, Boosting the Transferability of
    Adversarial Attack on Vision Transformer with Adaptive Token Tuning (NeurIPS 2024), whose own factors are
    `attention=0.45,qkv=0.7,mlp=0.65`. As in its released code, an entry in a row and in a column loses twice; queries,
    keys and values have spreads of their own. What it does to patches and layers besides is no rule of this kind.

    Args:
        model: any nn.Module that attends (suite.gradients.attention) and whose MLPs are recognised (MLPS); it is not
            touched.
        attention, qkv, mlp: factors in (0, 1]. `mlp=none` leaves the MLPs alone.
        extremes: `zero` or `adaptive`.

    Raises:
        SuiteError: a factor out of range, or another word for `extremes`; MLPs of a class that is not known. At the
            first forward pass: a model that does not attend, attention by einsum, by groups or with dropout in a fused
            function.

    Cost: that of the model; fused attention is computed a second time, with its map in memory. Differentiable once, in
    eager mode.
    """
    attention, qkv = _factor("attention", attention), _factor("qkv", qkv)
    if extremes not in ("zero", "adaptive"):
        raise SuiteError(f"extremes={extremes} of tgr", did_you_mean(str(extremes), ("zero", "adaptive")))
    adaptive = extremes == "adaptive"
    if mlp == "none":
        return view(model, Regularised(attention, qkv, 1.0, frozenset(), adaptive=adaptive))
    mlps = frozenset(path for path, module in model.named_modules() if _is_mlp(module))
    factor = _factor("mlp", mlp)
    if not mlps:
        raise SuiteError(
            "the model has no MLP of tokens that is recognised",
            f"recognised are {', '.join(sorted(MLPS))}; suite.gradients.tgr.MLPS takes more, and mlp=none leaves them",
        )
    return view(model, Regularised(attention, qkv, factor, mlps, adaptive=adaptive))


def _factor(name: str, value: float | str) -> float:
    if isinstance(value, bool | str) or not 0 < value <= 1:
        raise SuiteError(f"{name}={value} of tgr", "give a number in (0, 1]" + ", or none" * (name == "mlp"))
    return value


def _is_mlp(module: nn.Module) -> bool:
    return any(f"{kind.__module__}.{kind.__qualname__}" in MLPS for kind in type(module).__mro__)


class Regularised(Watcher):
    """The rule behind a view: attention by watching, the MLPs at paths by their results."""

    def __init__(self, attention: float, qkv: float, mlp: float, mlps: frozenset[str], *, adaptive: bool) -> None:
        watch = lambda: TokenWatch(attention=attention, qkv=qkv, adaptive=adaptive)  # noqa: E731
        super().__init__(frozenset({"attention", "tokens"}), watch, "attention")
        self.mlp, self.mlps = mlp, mlps

    def call(self, module: View, forward: Forward, /, *args: Any, **kwargs: Any) -> Any:
        """Runs one module call of the view."""
        watch = self.current()
        result = super().call(module, forward, *args, **kwargs)
        if module._view_path not in self.mlps:
            return result
        tokens, place = result.flatten(1, -2), watch.place("mlp") if isinstance(watch, TokenWatch) else None
        return _regularised(tokens, self.mlp, -2, Switch(True), place).view_as(result)


@dataclass
class Switch:
    """Whether a product's factors are queries and keys: known once a softmax has taken the product, or has not."""

    on: bool = False


_PRODUCTS: frozenset[Function] = frozenset({torch.matmul, torch.Tensor.matmul, torch.Tensor.__matmul__, torch.bmm})
_CARRIERS: frozenset[Function] = frozenset({
    torch.mul, torch.Tensor.mul, torch.Tensor.__mul__, torch.Tensor.__rmul__, torch.div, torch.Tensor.div,
    torch.Tensor.__truediv__, torch.add, torch.Tensor.add, torch.Tensor.__add__, torch.Tensor.masked_fill,
    torch.Tensor.view, torch.Tensor.reshape, torch.Tensor.float, torch.Tensor.to, torch.Tensor.unsqueeze,
})  # fmt: skip
_SOFTMAXES: frozenset[Function] = frozenset({F.softmax, torch.softmax, torch.Tensor.softmax})


@dataclass
class TokenWatch(AttentionWatch):
    """One forward pass whose attention is regularised."""

    attention: float = 1.0
    qkv: float = 1.0
    adaptive: bool = False
    spreads: dict[str, Spreads] = field(default_factory=dict)  # by kind of place
    scores: dict[int, tuple[Tensor, Switch]] = field(default_factory=dict)  # by identity: products that may be scores

    def place(self, kind: str) -> Attenuation | None:
        """The next place of a kind, where extremes adapt."""
        return self.spreads.setdefault(kind, Spreads()).place() if self.adaptive else None

    def other(self, function: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Runs a call that is no rectifier; products of two tensors wait for a softmax to say what they are."""
        place = 1 if function is torch.baddbmm else 0
        candidate = (function in _PRODUCTS or function is torch.baddbmm) and len(args) == place + 2
        if candidate and not any(self._is_map(each) for each in args) and args[place].dim() > 2:
            switch = Switch()
            query = _regularised(args[place], self.qkv, -2, switch, self.place("query"))
            key = _regularised(args[place + 1], self.qkv, -1, switch, self.place("key"))
            result = function(*args[:place], query, key, **kwargs)
            self.scores[id(result)] = result, switch
            return result
        known = self.scores.get(id(args[0])) if args else None
        if function in _SOFTMAXES and known is not None:
            known[1].on = True
        result = super().other(function, args, kwargs)
        if function in _CARRIERS and known is not None:
            self.scores[id(result)] = result, known[1]
        return result

    def fused(self, query: Tensor, key: Tensor, value: Tensor, *args: Any, **kwargs: Any) -> Any:
        """Runs one fused attention, and beside it the same with its map, for the gradient."""
        with torch.no_grad():
            result = FUSED(query, key, value, *args, **kwargs)
        q, k, v = (
            _regularised(each, self.qkv, -2, Switch(True), self.place(kind))
            for kind, each in (("query", query), ("key", key), ("value", value))
        )
        weights = attention_map("tgr", q, k, *args, **kwargs)
        return straight_through(_regularised_map(weights, self.attention, self.place("map")) @ v, result)

    def product(self, function: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Runs one product with an attention map."""
        if function not in _PRODUCTS:
            raise SuiteError(f"tgr knows products by @, matmul and bmm, and the model attends by {function.__name__}")
        weights, value = args
        regularised = _regularised(value, self.qkv, -2, Switch(True), self.place("value"))
        return function(_regularised_map(weights, self.attention, self.place("map")), regularised, **kwargs)


class _Tokens(torch.autograd.Function):
    """forward(x) = x; backward scales, and attenuates the largest and the smallest entry along an axis."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: float, axis: int, switch: Switch, place: Attenuation | None) -> Tensor:
        ctx.settings = factor, axis, switch, place
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None, None]:
        factor, axis, switch, place = ctx.settings
        if not switch.on:
            return gradient, None, None, None, None
        extremes = torch.cat([gradient.argmax(axis, keepdim=True), gradient.argmin(axis, keepdim=True)], axis)
        scaled = gradient * factor
        if place is None:
            return scaled.scatter(axis, extremes, 0), None, None, None, None
        left = (place.kept(scaled) * scaled).gather(axis, extremes)
        return place.passed_on(scaled.scatter(axis, extremes, left)), None, None, None, None


class _Map(torch.autograd.Function):
    """forward(A) = A; backward scales, and attenuates rows and columns of the largest and the smallest entry."""

    @staticmethod
    def forward(ctx: Any, weights: Tensor, factor: float, place: Attenuation | None) -> Tensor:
        ctx.settings = factor, place
        return weights.view_as(weights)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        factor, place = ctx.settings
        flat, keys = gradient.flatten(-2), gradient.shape[-1]
        rows, columns = (torch.arange(count, device=flat.device) for count in gradient.shape[-2:])
        hits = torch.zeros_like(gradient)  # how many rows and columns of extremes an entry is in
        for extreme in (flat.argmax(-1, keepdim=True), flat.argmin(-1, keepdim=True)):
            row, column = extreme // keys, extreme % keys
            hits = hits + (rows == row).unsqueeze(-1) + (columns == column).unsqueeze(-2)
        scaled = gradient * factor
        if place is None:
            return scaled * (hits == 0), None, None
        return place.passed_on(scaled * place.kept(scaled) ** hits), None, None


def _regularised(x: Tensor, factor: float, axis: int, switch: Switch, place: Attenuation | None) -> Tensor:
    return _Tokens.apply(x, factor, axis, switch, place)  # type: ignore[no-any-return]


def _regularised_map(weights: Tensor, factor: float, place: Attenuation | None) -> Tensor:
    return _Map.apply(weights, factor, place)  # type: ignore[no-any-return]
