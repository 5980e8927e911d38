"""Where LinBP may start in a model: every rectifier call, by index and by the module that makes it."""

import inspect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from modules.linbp.names import BP
from suite.errors import SuiteError
from suite.gradients import find_path, rectifier_calls
from suite.gradients.rule import GradientRule
from suite.refs import parse_argument


@dataclass(frozen=True)
class Start:
    """One start.

    index: of the rectifier call, 0 the first: what `linbp(start=...)` takes. path: of the module that makes the call,
    without what all paths begin with. stage: the part of the model that this is in, for axes.
    """

    index: int
    path: str
    stage: str


def all_starts(model: nn.Module, x: Tensor) -> tuple[Start, ...]:
    """A start at every rectifier call of `model(x)`, in order. Raises SuiteError where there is none."""
    calls = rectifier_calls(model, x[:1])
    if not calls:
        raise SuiteError("the model calls no rectifier", "LinBP changes nothing in it; choose another model")
    paths = _without_common_prefix([call.path for call in calls])
    firsts = [path.split(".")[0] for path in paths]
    # A model that keeps everything in one container (VGG's `features`) has no stages: its layers are as good.
    stages = firsts if len(set(firsts)) > 2 else paths
    return tuple(Start(*described) for described in zip(range(len(calls)), paths, stages, strict=True))


def default_start(model: nn.Module, x: Tensor) -> int | None:
    """The rectifier call at which `linbp` without a start begins in this model; None where the model does not say."""
    start, total = getattr(model, "linbp_start", None), len(rectifier_calls(model, x[:1]))
    if not isinstance(start, str):
        return None if start is None else start % total
    path, entries = find_path(model, start), list[int]()

    def at_module(entered: str, before: int) -> None:
        if entered == path or entered.startswith(f"{path}."):  # of a container, a model may call the contents alone
            entries.append(before)

    rectifier_calls(model, x[:1], at_module=at_module)
    return entries[0] if entries and entries[0] < total else None


def starting_at(rule: GradientRule, start: str) -> GradientRule:
    """A resolved rule, its arguments bound, with another start: an index as text, or `none`.

    Raises SuiteError where the rule has no start.
    """
    if not isinstance(rule, partial) or "start" not in inspect.signature(rule.func).parameters:
        name = rule.func.__name__ if isinstance(rule, partial) else "a sum of rules"
        raise SuiteError(f"{name} has no start of its own", "choose a gradient rule that has, such as linbp")
    return partial(rule.func, **{**rule.keywords, "start": parse_argument(start)})


@torch.no_grad()
def applicable(model: nn.Module, rule: GradientRule, x: Tensor, starts: Iterable[str]) -> dict[str, GradientRule]:
    """The rule from BP and from each start on, in order; without those that it refuses in this model.

    Guo et al.'s variant, for one, needs a residual branch behind the start. Raises its SuiteError where it refuses all.
    """
    rules = {BP: starting_at(rule, BP)}
    refused: SuiteError | None = None
    for start in starts:
        candidate = starting_at(rule, start)
        try:
            candidate(model)(x[:1])
        except SuiteError as error:
            refused = error
        else:
            rules[start] = candidate
    if refused and len(rules) == 1:
        raise refused
    return rules


def _without_common_prefix(paths: Sequence[str]) -> list[str]:
    """`network.layer1.0`, `network.relu` -> `layer1.0`, `relu`; the module that holds all others is the `stem`."""
    parts = [path.split(".") for path in paths]
    common = 0
    while len({tuple(path[: common + 1]) for path in parts}) == 1 and len(set(paths)) > 1:
        common += 1
    return [".".join(path[common:]) or "stem" for path in parts]
