"""Another gate in the backward pass: what happens when a rectifier's 0/1 derivative is not the image's own.

A rectifier's gate is its derivative, 1 where it is active and 0 elsewhere. LinBP replaces it by 1. Which property of
the gate matters is asked by replacing it otherwise: by its mean, by that of another image, by itself shuffled. The
forward pass keeps the true gates, bit for bit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from suite.errors import SuiteError, did_you_mean
from suite.gradients.keyed import keys, uniform
from suite.gradients.rectified import Rectified, between
from suite.gradients.rectifiers import PLAIN_RELUS, Corners, corners
from suite.gradients.rule import changing
from suite.gradients.straight_through import bridged, chained, leaking, linear, weighted
from suite.gradients.trace import Trace
from suite.gradients.view import Forward

Substitution = Callable[[Tensor, Tensor, int], Tensor]
"""Gates (B, ...) of 0 and 1, what is drawn by the samples (B,), the rectifier call's index -> what stands in their
place, to be broadcast to their shape."""


@changing("rectifiers")
def gated(
    model: nn.Module,
    gate: str,
    start: str | int = "all",
    stop: str | int | None = None,
    p: float | None = None,
    seed: int = 0,
) -> nn.Module:
    """The model whose rectifiers from `start` up to `stop` have another gate in the backward pass.

    With m the gate of a sample at a rectifier, 0 or 1, the derivative becomes

        linear    1 (what linbp does)
        half      (1 + m) / 2
        rate      the mean of m over the positions of the same channel in the same sample: for maps (B, C, H, W)
        permuted  m of another sample of the batch: the next one in the order of the samples' keys
        shuffled  m with the positions of each channel's map in another order, the same for all channels of a sample
        random    1 with probability p, else 0, independently in every entry

    For a leaky ReLU of slope a it is a + (1 - a) times that; `linear` is 1 there too.

    Draws are keyed by the values of the sample that the model is given, the seed and the rectifier: neither the rest of
    the batch nor its order matters, and every iterate of an attack draws anew. Only `permuted` depends on which other
    samples are in the batch; equal samples share a partner, and a batch in which all are equal is refused, that of one
    sample too: so attack whole batches, without early stop.

    Args:
        model: any nn.Module; it is not touched.
        gate: `linear`, `half`, `rate`, `permuted`, `shuffled` or `random`.
        start: where it begins, as in LinBP: a module path, the index of a rectifier call, `all` or `none`.
        stop: the first rectifier call behind that has its own gate again: a module path, an index; None: there is none.
        p: of `random` only: in [0, 1].
        seed: of `permuted`, `shuffled` and `random`.

    Raises:
        SuiteError: another gate, p missing or out of range, a start or stop that does not exist
            (suite.gradients.between). At the first forward pass: a rectifier that is not piecewise linear (GELU); maps
            of one position or none for `rate` and `shuffled`, which would be the gate itself; see `permuted`.

    Cost: that of the model, and a sort of the positions for `shuffled`. Twice differentiable, since the gates count as
    constants. Parts under gradient checkpointing are refused by gates that draw: they do not see the sample.
    """
    if gate not in GATES:
        raise SuiteError(f"gate={gate} of gated", did_you_mean(str(gate), [*GATES]))
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise SuiteError(f"seed={seed} of gated", "give an integer")
    if gate == "random" and (p is None or isinstance(p, bool | str) or not 0 <= p <= 1):
        raise SuiteError(f"p={p} of gated(gate=random)", "give a number in [0, 1]: how often the gate is open")
    if gate != "random" and p is not None:
        raise SuiteError(f"p is an argument of gated(gate=random), not of gate={gate}", "leave it out")
    chosen = partial(_random, p) if gate == "random" else GATES[gate]
    return between(model, start, stop, lambda first, end: Gated(first, end, gate, chosen, seed))


class Gated(Rectified):
    """The rule behind a view: `substitution` makes one gate of another."""

    def __init__(
        self, start: str | int, stop: str | int | None, gate: str, substitution: Substitution, seed: int
    ) -> None:
        super().__init__(start, stop=stop)
        self.gate, self.substitution, self.seed = gate, substitution, seed

    def new_trace(self, first: int | None = None, end: int | None = None) -> "GateTrace":
        """A forward pass that is so many rectifier calls before the start and the stop."""
        return GateTrace(first=first, end=end, rule=self)


@dataclass
class GateTrace(Trace):
    """A forward pass that knows its samples, which draws are keyed by."""

    rule: Gated | None = None
    x: Tensor | None = None  # what the whole model is given
    own_drawn: Tensor | None = None

    def enter(self, path: str, is_start: bool, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Notes the samples as the model itself is entered."""
        if path == "" and args and isinstance(args[0], Tensor):
            self.x = args[0]
        return super().enter(path, is_start, args)

    def rectify(self, function: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Runs one rectifier call."""
        begun, index = self.begun, self.calls
        self.calls += 1
        if not begun:
            return function(*args, **kwargs)
        assert self.rule is not None
        at = corners(function, args, kwargs)
        if at is None:
            raise SuiteError(
                f"gated replaces the gates of piecewise linear rectifiers, and the model calls {function.__name__}",
                "it knows ReLU, ReLU6, leaky ReLU, hardtanh; choose a start behind the others, or leaky(slope=...)",
            )
        if self.rule.gate == "linear":
            return linear(function, args, kwargs)
        if self.rule.gate == "half" and function in PLAIN_RELUS:
            return bridged(lambda x, y: chained(x, y.detach(), y.detach(), _HALF), function, args, kwargs)

        def bridge(x: Tensor, y: Tensor) -> Tensor:
            gates = y.detach().sign() if at.is_relu else at.gate(x).to(x.dtype)  # the sign is the faster of the two
            return weighted(x, y.detach(), self._derivative(gates, at, index))

        return bridged(bridge, function, args, kwargs)

    def _derivative(self, gates: Tensor, at: Corners, index: int) -> Tensor:
        assert self.rule is not None
        drawn = self._drawn() if self.rule.gate in DRAWN else torch.zeros(0, dtype=torch.int64)
        gates = self.rule.substitution(gates, drawn, index)
        return gates if at.is_zero_outside else at.outside + (1 - at.outside) * gates

    def _drawn(self) -> Tensor:
        """(B,) int64: the samples' keys, or of `permuted` the places of their partners; once a pass."""
        if self.own_drawn is None:
            if self.x is None:
                raise SuiteError(
                    "the rule draws by the samples, and did not see the model's input",
                    "give the input as the first argument, and do not checkpoint parts of the model",
                )
            assert self.rule is not None
            drawn = keys(self.x, self.rule.seed)
            self.own_drawn = _partners(drawn) if self.rule.gate == "permuted" else drawn
        return self.own_drawn


def _linear(gates: Tensor, drawn: Tensor, index: int) -> Tensor:
    return torch.ones_like(gates)


def _half(gates: Tensor, drawn: Tensor, index: int) -> Tensor:
    return (1 + gates) / 2


def _rate(gates: Tensor, drawn: Tensor, index: int) -> Tensor:
    means = _positions(gates, "rate").mean(2)
    return means.view(*means.shape, *[1] * (gates.dim() - 2))


def _shuffled(gates: Tensor, drawn: Tensor, index: int) -> Tensor:
    maps = _positions(gates, "shuffled")
    order = uniform(drawn, maps.shape[2], index).argsort(1)
    return maps.gather(2, order.unsqueeze(1).expand_as(maps)).reshape(gates.shape)


def _permuted(gates: Tensor, partners: Tensor, index: int) -> Tensor:
    return gates.index_select(0, partners)


def _partners(drawn: Tensor) -> Tensor:
    """(B,): for each sample the first one with the next key, in their order."""
    distinct, place = drawn.unique(return_inverse=True)
    if len(distinct) < 2:
        raise SuiteError(
            "gate=permuted takes another sample's gates, and the batch has no other", "give two samples that differ"
        )
    first = torch.full_like(distinct, len(drawn)).scatter_reduce_(
        0, place, torch.arange(len(drawn), device=drawn.device), "amin"
    )
    return first[(place + 1) % len(distinct)]


def _random(p: float | None, gates: Tensor, drawn: Tensor, index: int) -> Tensor:
    return (uniform(drawn, gates[0].numel(), index) < (p or 0)).to(gates.dtype).view(gates.shape)


GATES: Mapping[str, Substitution] = {
    "linear": _linear,
    "half": _half,
    "rate": _rate,
    "permuted": _permuted,
    "shuffled": _shuffled,
    "random": partial(_random, None),
}
"""What may stand in place of a gate."""

_HALF = leaking(0.5)

DRAWN = frozenset({"permuted", "shuffled", "random"})


def _positions(gates: Tensor, gate: str) -> Tensor:
    """Maps (B, C, H, W) with one axis of positions: (B, C, H W)."""
    if gates.dim() < 4 or gates[0, 0].numel() < 2:
        raise SuiteError(
            f"gate={gate} is about the positions of a channel, and a rectifier has {tuple(gates.shape[1:])} a sample",
            "choose start and stop around maps of more than one position",
        )
    return gates.flatten(2)
