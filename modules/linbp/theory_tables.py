"""Statistics of the simulated studies, from columns with a row per run and step, as plain rows.

A cube is one quantity of them: by name, values (R, T) of R runs at the T steps that were read. Names are `bp` and
`linbp`, with `expected ` before them for the expected dynamics; and `held TRAJECTORY UNITS` for Eq. 21 and 22.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modules.linbp.simulation import DISTANCES, LOSSES, RULES, TRAJECTORIES
from suite.stats import mcnemar_exact, mean_interval, wilson

FAR = 10.0  # times the distance at the start: beyond it a run counts as diverged
TIE = 1e-9  # of the value at the start: below it a difference is rounding

Array = NDArray[np.float64]
Cube = Mapping[str, Array]


def join(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Columns of all parts, one after another."""
    parts = list(parts)
    return {name: np.concatenate([np.asarray(part[name]) for part in parts]) for name in parts[0]}


def cube(
    columns: Mapping[str, Any], names: Iterable[str], times: int, rows: NDArray[np.bool_] | slice = slice(None)
) -> dict[str, Array]:
    """The columns of these names as arrays (R, T); rows, all or some, are in the order of runs, then of steps."""
    return {name: columns[name][rows].reshape(-1, times) for name in names}


def names_held(columns: Iterable[str]) -> list[str]:
    """Which columns tell of Eq. 21 or 22."""
    return [name for name in columns if name.startswith("held ")]


def diverged(distance: Array) -> NDArray[np.bool_]:
    """Where l1 distances (R, T) are not finite, or more than FAR times those at the start."""
    return ~(distance <= FAR * distance[:, :1])


def of_the_training(
    columns: Mapping[str, Any], times: int
) -> Iterator[tuple[str, dict[str, Array], dict[str, NDArray[np.bool_]]]]:
    """The quantities of Fig. 2: name, cube, and by its names where a run has diverged, judged by the distance."""
    distance = cube(columns, DISTANCES, times)
    gone = {name: diverged(values) for name, values in distance.items()}
    yield "l1 distance", distance, gone
    loss = dict(zip(RULES, cube(columns, LOSSES, times).values(), strict=True))
    yield "loss", loss, {rule: gone[rule] | ~np.isfinite(loss[rule]) for rule in RULES}


def by_step(values: Cube, gone: Mapping[str, NDArray[np.bool_]], steps: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Means over the runs that have not diverged, with Student's 95 % interval, and those of the change since step 0.

    `gone` says by name where a run has diverged.
    """
    for name, series in values.items():
        *dynamics, rule = name.split()
        for k, step in enumerate(steps):
            here = ~gone[name][:, k]
            level, change = mean_interval(series[here, k]), mean_interval(series[here, k] - series[here, 0])
            yield {
                "dynamics": dynamics[0] if dynamics else "simulated", "gradient": rule, "step": step,
                "mean": level.mean, "low": level.low, "high": level.high,
                "change": change.mean, "change_low": change.low, "change_high": change.high,
                "n": level.n, "diverged": int((~here).sum()),
            }  # fmt: skip


def ahead(values: Cube, gone: Mapping[str, NDArray[np.bool_]], steps: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Whether LinBP has the smaller value, run by run: the gap BP - LinBP, and the share of runs with LinBP ahead.

    The gap is a mean over runs in which neither has diverged, with Student's interval. The share is of the runs that
    differ (`n`; `ties` do not), with Wilson's interval and the p-value of the sign test, two-sided and exact. A run
    that has diverged is behind one that has not.
    """
    for dynamics, prefix in zip(TRAJECTORIES, ("", "expected "), strict=True):
        names = [prefix + rule for rule in RULES]
        if not values.keys() >= set(names):
            continue
        for k, step in enumerate(steps):
            bp, linbp = (np.where(gone[name][:, k], np.inf, values[name][:, k]) for name in names)
            both = np.isfinite(bp) & np.isfinite(linbp)
            gap = mean_interval(bp[both] - linbp[both])
            near = TIE * values[names[0]][:, 0]
            first, second = int((linbp < bp - near).sum()), int((bp < linbp - near).sum())
            share = wilson(first, first + second) if first + second else None
            yield {
                "dynamics": dynamics, "step": step, "gap": gap.mean, "gap_low": gap.low, "gap_high": gap.high,
                "gap_n": gap.n, "share": share and share.rate, "low": share and share.low,
                "high": share and share.high, "n": first + second, "ties": len(bp) - first - second,
                "p_value": mcnemar_exact(first, second).p_value,  # among runs that differ it is the sign test
            }  # fmt: skip


def condition(values: Cube, steps: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Eq. 21 or 22 by step: the share of coordinates for which it has held so far, and of runs where it has for all.

    Steps at which the condition is not resolved are left out.
    """
    for name in values:
        _, trajectory, units = name.split(" ", 2)
        for k, step in enumerate(steps):
            held = values[name][:, k]
            if step == 0 or np.isnan(held).any():
                continue
            coordinates = mean_interval(held)
            runs = wilson(int((held == 1).sum()), len(held))
            yield {
                "trajectory": trajectory, "units": units, "step": step,
                "coordinates": coordinates.mean, "low": coordinates.low, "high": coordinates.high,
                "runs": runs.rate, "runs_low": runs.low, "runs_high": runs.high, "n": runs.n,
            }  # fmt: skip


def half_way(by_step: Sequence[Mapping[str, Any]]) -> int:
    """The step read at which BP's mean distance to the teacher is nearest to half of that at the start."""
    key = ("l1 distance", "simulated", "bp")
    rows = [row for row in by_step if (row["quantity"], row["dynamics"], row["gradient"]) == key and row["n"]]
    return int(min(rows, key=lambda row: abs(row["mean"] - rows[0]["mean"] / 2))["step"])
