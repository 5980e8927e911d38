"""Where each rule may be put in a model: its published place, and the candidates that calibration tries."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from modules.linbp.gates.arms import places
from modules.linbp.gradient import linbp
from modules.linbp.rules.catalogue import Entry
from modules.linbp.starts import Start, all_starts, default_start, starting_at
from suite import gradients
from suite.errors import SuiteError
from suite.gradients import GradientRule
from suite.refs import format_sum, parse_call, parse_sum

FUNCTIONS: dict[str, Callable[..., nn.Module]] = {
    "linbp": linbp,
    "match": gradients.match,
    "softplus": gradients.softplus,
    "silu": gradients.silu,
    "softpool": gradients.softpool,
    "sgm": gradients.sgm,
    "guided": gradients.guided,
    "gated": gradients.gated,
    "pna": gradients.pna,
    "tgr": gradients.tgr,
    "vdc": gradients.vdc,
}  # fmt: skip
"""What the templates of the catalogue are made of."""


@dataclass(frozen=True)
class Arm:
    """A rule at a place of one model.

    rule: its name. gradient: as it is typed, the place among its arguments. at: the place in words. apply: the rule.
    """

    rule: str
    gradient: str
    at: str
    apply: GradientRule


@dataclass(frozen=True)
class Choice:
    """A rule's published place in a model, and the candidates, from the one that changes most to the one that changes
    least; none where there is nothing to choose."""

    published: Arm
    candidates: tuple[Arm, ...]


def choice(name: str, entry: Entry, model: nn.Module, x: Tensor, count: int) -> Choice:
    """Of a rule of the catalogue; x (>= 2, ...) holds typical inputs. Raises SuiteError where the model has none."""

    def arm(place: str | float, at: str) -> Arm:
        typed = format_sum(parse_sum(entry.template.format(place)))
        return Arm(name, typed, at, _made(typed))

    if entry.knob == "start":
        starts = all_starts(model, x)
        first = default_start(model, x) if entry.published == "zoo" else round(float(entry.published) * len(starts))
        if first is None:
            raise SuiteError("the model does not say where LinBP starts", f"leave out --rules {name}")
        made = {start.index: arm(start.index, start.path) for start in starts}
        return _tried(made[min(first, len(starts) - 1)], (made[k] for k in spaced(len(starts), count)), model, x)
    if entry.knob == "gate":
        place, starts = places(model, x)["block"], all_starts(model, x)
        made = {k: arm(f"start={k}" + _stop(place.stop, starts), starts[k].path) for k in range(place.stop)}
        return _tried(made[place.start], (made[k] for k in spaced(place.stop, count)), model, x)
    if entry.knob == "lam":
        factors = [round(k / (count + 1), 3) for k in range(1, count + 1)]
        published = float(entry.published)
        return _tried(arm(published, f"lam = {published:g}"), (arm(f, f"lam = {f:g}") for f in factors), model, x)
    return _tried(arm("", ""), (), model, x)


def own_choice(ref: str, rule: GradientRule, model: nn.Module, x: Tensor, count: int) -> Choice:
    """Of a rule as it was typed, which is its published place; calibrated is one rule alone that has a start."""
    typed = Arm(ref, ref, "as typed", rule)
    if len(parse_sum(ref)) > 1 or not _has_start(rule):
        return _tried(typed, (), model, x)
    starts = all_starts(model, x)
    call = parse_call(ref)
    others = (
        Arm(ref, str(type(call)(call.name, {**call.arguments, "start": k})), starts[k].path, starting_at(rule, str(k)))
        for k in spaced(len(starts), count)
    )
    return _tried(typed, others, model, x)


def spaced(total: int, count: int) -> list[int]:
    """At most `count` of the indices 0 to total - 1, evenly over them, both ends among them."""
    return sorted({int(index) for index in np.linspace(0, total - 1, count).round()})


@torch.no_grad()
def _tried(published: Arm, candidates: Iterable[Arm], model: nn.Module, x: Tensor) -> Choice:
    """Without the candidates that the model refuses. Raises SuiteError where it refuses the published place."""
    published.apply(model)(x[:2])
    return Choice(published, tuple(arm for arm in candidates if _accepted(arm, model, x)))


def _accepted(arm: Arm, model: nn.Module, x: Tensor) -> bool:
    try:
        arm.apply(model)(x[:2])
    except SuiteError:
        return False
    return True


def _made(typed: str) -> GradientRule:
    rules: list[GradientRule] = [partial(FUNCTIONS[call.name], **call.arguments) for call in parse_sum(typed)]
    return rules[0] if len(rules) == 1 else gradients.compose(*rules)


def _stop(stop: int, starts: tuple[Start, ...]) -> str:
    """The argument that ends the gates behind the last maps, where other rectifiers follow."""
    return f",stop={stop}" if stop < len(starts) else ""


def _has_start(rule: GradientRule) -> bool:
    return "start" in inspect.signature(rule.func if isinstance(rule, partial) else rule).parameters
