"""Virtual dense connections: shallow blocks also get the gradients of deeper ones (Zhang et al., AAAI 2024)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn

from suite.errors import SuiteError
from suite.gradients.attention import AttentionWatch
from suite.gradients.attention_map import attention_map
from suite.gradients.residual import branches
from suite.gradients.rule import changing
from suite.gradients.straight_through import straight_through
from suite.gradients.view import Forward, View, view
from suite.gradients.watching import Watch, Watcher


@changing("attention", "branches")
def vdc(
    model: nn.Module, attention: float = 0.25, mlp: float = 0.5, weight: float = 0.1, decay: float = 0.5
) -> nn.Module:
    """The model whose blocks get, beside their own gradient, those that deeper blocks have under backpropagation.

    Zhang, Huang, Xu, Wu, Lyu, Improving the Adversarial Transferability of Vision Transformers with Virtual Dense
    Connection (AAAI 2024), places and factors as in the released code for ViT. Blocks are numbered from the last one
    on, k = 0, 1, ...; g_k is backpropagation's gradient and h_k the one that arrives under this rule

        of block k's attention map      h_k attention + sum_{j<k} weight decay^j g_j
        where its MLP branch begins     h_k mlp + sum_{j<k} weight decay^j g_j + weight decay g

    g is the gradient of the last block's result. The released code takes that of the class token alone, which is the
    same where the head looks at that token alone; and its hooks on the dropout of attention maps are never called in
    models with fused attention.

    Args:
        model: any nn.Module that attends (suite.gradients.attention), with transformer blocks that are recognised, all
            of one shape (suite.gradients.residual); it is not touched.
        attention, mlp: factors in (0, 1] of the blocks' own gradients.
        weight: of the last block's gradient in the others, >= 0.
        decay: in (0, 1], from one block to the one before it.

    Raises:
        SuiteError: numbers out of range; no transformer block that is recognised. At the first forward pass: a model
            that does not attend, attention by einsum, by groups or with dropout in a fused function, blocks of several
            shapes, a part of the model called alone (reentrant gradient checkpointing does that).

    Cost: one forward pass and two backward passes, of which the first ends at the first block; fused attention is
    computed a second time, with its map in memory. Differentiable once, in eager mode.
    """
    for name, value in (("attention", attention), ("mlp", mlp), ("decay", decay)):
        if isinstance(value, bool | str) or not 0 < value <= 1:
            raise SuiteError(f"{name}={value} of vdc", "give a number in (0, 1]")
    if isinstance(weight, bool | str) or not 0 <= weight < float("inf"):
        raise SuiteError(f"weight={weight} of vdc", "give a number >= 0")
    blocks = _transformer_blocks(model)
    return view(model, DenselyConnected(attention, mlp, (weight, decay), blocks))


def _transformer_blocks(model: nn.Module) -> dict[str, str]:
    """Where the MLP branch of each transformer block begins -> the block: the second branch of those that have two."""
    firsts = [branch.first for branch in branches(model).values()]
    found = {block: [*own] for block, own in groupby(firsts, lambda first: first.rpartition(".")[0])}
    blocks = {own[1]: block for block, own in found.items() if len(own) == 2}
    if not blocks:
        raise SuiteError(
            f"none of the model's {len(found)} residual blocks has two branches, as a transformer block has",
            "choose a rule about what it has, such as sgm; suite.gradients.residual.BLOCKS takes more blocks",
        )
    return blocks


@dataclass(eq=False)
class Place:
    """A place that gets a connection: what it makes of a gradient, once `added` is known; until then nothing."""

    factor: float
    added: Tensor | None = None


@dataclass(eq=False)
class Connections:
    """One forward pass: places and what they gave, in order of execution; results of the blocks."""

    attention: list[tuple[Place, Tensor]] = field(default_factory=list)
    mlp: list[tuple[Place, Tensor]] = field(default_factory=list)
    results: list[Tensor] = field(default_factory=list)

    def known(self, logits: Tensor, gradient: Tensor, settings: tuple[float, float]) -> None:
        """Works out what is added at every place: backpropagation once, from the gradient of the logits."""
        weight, decay = settings
        for place, _ in (*self.attention, *self.mlp):
            place.added = None
        places = [tensor for _, tensor in (*self.attention, *self.mlp)]
        found = torch.autograd.grad(
            logits, [*places, self.results[-1]], gradient, retain_graph=True, allow_unused=True, materialize_grads=True
        )
        count, head = len(self.attention), found[-1] * weight * decay
        _connect(self.attention, found[:count], torch.zeros_like(found[0]), settings)
        _connect(self.mlp, found[count:-1], head, settings)


def _connect(
    places: Sequence[tuple[Place, Tensor]], gradients: Sequence[Tensor], first: Tensor, settings: tuple[float, float]
) -> None:
    """From the last block on: each gets the sum of what those behind it have, `first` before all."""
    (weight, decay), total = settings, first
    for number, ((place, _), gradient) in enumerate(zip(reversed(places), reversed(gradients), strict=True)):
        place.added = total
        total = total + weight * decay**number * gradient


class DenselyConnected(Watcher):
    """The rule behind a view; `blocks` by the first modules of their MLP branches."""

    def __init__(self, attention: float, mlp: float, settings: tuple[float, float], blocks: dict[str, str]) -> None:
        super().__init__(frozenset({"attention", "branches"}), lambda: DenseWatch(factor=attention), "attention")
        self.mlp, self.settings, self.firsts, self.blocks = mlp, settings, {*blocks}, {*blocks.values()}

    def call(self, module: View, forward: Forward, /, *args: Any, **kwargs: Any) -> Any:
        """Runs one module call of the view."""
        watch, path = self.current(), module._view_path
        if isinstance(watch, DenseWatch) and path in self.firsts:
            args = (watch.placed(watch.connections.mlp, self.mlp, args[0]), *args[1:])
        result = super().call(module, forward, *args, **kwargs)
        if isinstance(watch, DenseWatch) and path in self.blocks:
            watch.connections.results.append(result)
        return result

    def finished(self, module: View, watch: Watch, result: Any) -> Any:
        """The result of the whole model, whose gradient begins with a pass of backpropagation."""
        connections = watch.connections if isinstance(watch, DenseWatch) else Connections()
        if not connections.attention or not (isinstance(result, Tensor) and result.requires_grad):
            return result
        if module._view_path:
            raise SuiteError(
                f"vdc connects the blocks of the whole model, and {module._view_path!r} is called alone",
                "call the model, and leave gradient checkpointing out",
            )
        for named in (connections.attention, connections.mlp):
            shapes = sorted({tuple(tensor.shape[1:]) for _, tensor in named})
            if len(shapes) > 1:
                told = ", ".join("x".join(map(str, shape)) for shape in shapes)
                raise SuiteError(
                    f"vdc adds gradients of blocks of one shape, and here they are {told}", "use tgr or pna"
                )
        return _BackpropagationFirst.apply(result, _Pass(result, connections, self.settings))


@dataclass
class DenseWatch(AttentionWatch):
    """One forward pass whose attention maps are places."""

    factor: float = 1.0
    connections: Connections = field(default_factory=Connections)

    def placed(self, places: list[tuple[Place, Tensor]], factor: float, x: Tensor) -> Tensor:
        """A tensor as a new place among others; itself where no gradient is asked for."""
        if not (torch.is_grad_enabled() and x.requires_grad):
            return x
        place = Place(factor)
        result: Tensor = _Connected.apply(x, place)
        places.append((place, result))
        return result

    def fused(self, query: Tensor, key: Tensor, value: Tensor, *args: Any, **kwargs: Any) -> Any:
        """Runs one fused attention, and beside it the same with its map, for the gradient."""
        with torch.no_grad():
            result = super().fused(query, key, value, *args, **kwargs)
        weights = attention_map("vdc", query, key, *args, **kwargs)
        return straight_through(self.placed(self.connections.attention, self.factor, weights) @ value, result)

    def product(self, function: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Runs one product with an attention map."""
        if function in (torch.einsum, torch.baddbmm):
            raise SuiteError(f"vdc knows products by @, matmul and bmm, and the model attends by {function.__name__}")
        placed = [
            self.placed(self.connections.attention, self.factor, each) if self._is_map(each) else each for each in args
        ]
        return function(*placed, **kwargs)


@dataclass(frozen=True, eq=False)
class _Pass:
    """What the second backward pass needs to run the first."""

    logits: Tensor
    connections: Connections
    settings: tuple[float, float]


class _Connected(torch.autograd.Function):
    """forward(x) = x; backward as the place says."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, place: Place) -> Tensor:
        ctx.place = place
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        place = ctx.place
        return (gradient if place.added is None else place.factor * gradient + place.added), None


class _BackpropagationFirst(torch.autograd.Function):
    """forward(logits) = logits; backward tells all places what to add, and goes on."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, whole: _Pass) -> Tensor:
        ctx.whole = whole
        return logits.view_as(logits)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        if torch.is_grad_enabled():
            raise SuiteError("a rule with vdc cannot be differentiated twice", "leave vdc out")
        ctx.whole.connections.known(ctx.whole.logits, gradient, ctx.whole.settings)
        return gradient, None
