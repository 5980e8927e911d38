"""The arms of `linbp.gates`: a gate at a position is a gradient rule, placed by the model's own rectifiers."""

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from modules.linbp.gates.names import BP, arm_name
from modules.linbp.gradient import linbp
from suite.errors import SuiteError
from suite.gradients import GradientRule, RectifierCall, bp, gated, rectifier_calls
from suite.gradients.residual import Branch, branches

OPEN = 0.5
"""How often a random gate is open: between 0, which cuts the branch, and 1, which is `linear`; an even coin tells
nothing of the image, and is right as often as wrong about a gate that is open half of the time."""


@dataclass(frozen=True)
class Place:
    """Rectifier calls of a model in order of execution: from `start` up to, but without, `stop`.

    block: path of the residual block; empty in a net without.
    """

    position: str
    start: int
    stop: int
    block: str


def places(model: nn.Module, x: Tensor) -> dict[str, Place]:
    """Where the positions are in a model; x (B, ...) holds typical inputs.

    In a residual net: `branch`, the rectifiers in the branch of the last residual block; `addition`, the first one
    behind the block's addition; `block`, both together. In any other net `block` alone: the last two rectifiers of maps
    (B, C, H, W) with more than one position, which is where a gate has a pattern in space.

    Raises SuiteError where there are none.
    """
    try:
        path, branch = list(branches(model).items())[-1]
    except SuiteError:
        return {"block": _last_maps(rectifier_calls(model, x[:1]))}
    inside, behind = _of_branch(model, x, branch)
    return {
        "block": Place("block", inside.start, behind, path),
        "branch": Place("branch", inside.start, inside.stop, path),
        "addition": Place("addition", inside.stop, behind, path),
    }


def arms(gates: tuple[str, ...], positions: tuple[str, ...]) -> list[tuple[str, str]]:
    """(gate, position) of each arm: every gate at the first position, the first gate at the others."""
    return [(gate, positions[0]) for gate in gates] + [(gates[0], position) for position in positions[1:]]


def rules(
    gates: tuple[str, ...], positions: tuple[str, ...], at: dict[str, Place], seed: int
) -> dict[str, GradientRule]:
    """The gradient rule of each arm by its name, backpropagation first; `at` is what `places` found.

    Raises SuiteError for a position, or a gate, that the model does not have.
    """
    chosen: dict[str, GradientRule] = {BP: bp}
    for gate, position in arms(gates, positions):
        if position not in at or (gate == "guo" and not at[position].block):
            raise SuiteError(
                f"{gate} at {position}: the model has no residual block",
                "take other surrogates, or --positions block and gates other than guo",
            )
        chosen[arm_name(gate, position, positions[0])] = _rule(gate, at[position], seed)
    return chosen


def _rule(gate: str, place: Place, seed: int) -> GradientRule:
    if gate == "guo":
        return partial(linbp, start=place.block, variant="guo")
    p = OPEN if gate == "random" else None
    return partial(gated, gate=gate, start=place.start, stop=place.stop, p=p, seed=seed)


def _of_branch(model: nn.Module, x: Tensor, branch: Branch) -> tuple[range, int]:
    """The calls in a branch, and the number of calls up to and with the first one behind it."""
    before = dict[str, int]()

    def entered(path: str, count: int) -> None:
        before.setdefault(path, count)

    calls = rectifier_calls(model, x[:1], at_module=entered)
    start, end = before[branch.first], before[branch.last]
    while end < len(calls) and (calls[end].path == branch.last or calls[end].path.startswith(f"{branch.last}.")):
        end += 1
    if start == end or end == len(calls):
        raise SuiteError(
            "the last residual block has no rectifier in its branch, or none behind its addition",
            "choose another surrogate",
        )
    return range(start, end), end + 1


def _last_maps(calls: tuple[RectifierCall, ...]) -> Place:
    maps = [call.index for call in calls if len(call.shape) == 4 and torch.Size(call.shape[2:]).numel() > 1]
    if len(maps) < 2 or maps[-1] != maps[-2] + 1:
        raise SuiteError("the model does not rectify two maps one after the other", "choose another surrogate")
    return Place("block", maps[-2], maps[-1] + 1, "")
