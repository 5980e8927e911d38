"""From measured test points to rows per net, means over runs, log-log slopes and the comparison of directions; pure."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from math import exp
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suite.stats import mean_interval

if TYPE_CHECKING:
    from modules.lazy_regime.single_step import SingleStepConfig

Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]

POWERS = {"gradient": 0.5, "eta": -1.0, "delta": -0.5, "eta_over_norm": -1.0, "delta_over_norm": -0.5}
"""Theorem 3.1's powers of d, for |x| = 1: of |grad f|, of the step eta, of the perturbation delta = eta |grad f|."""

TOLERANCE = 0.1  # of a power: what curves on a printed page can tell


def nets(columns: Mapping[str, Any], config: "SingleStepConfig") -> Iterator[Row]:
    """A row per net and direction: means over the test points that the net gets right and that a step flips.

    n: points that it gets right; flipped: the share of them that some step flips; accuracy: of all test points.
    Standard deviations are over points. ratio: geometric mean over points of delta over the gradient's delta.
    """
    values = {name: np.asarray(column) for name, column in columns.items()}
    for (c0, run), of_net in _groups(values, "c0", "run"):
        baseline = of_net["delta"][of_net["direction"] == 0]
        for (direction,), cell in _groups(of_net, "direction"):
            name = config.gradient if direction else "bp"
            facts = {"d": int(cell["d"][0]), "m": int(cell["m"][0]), "c0": float(c0), "run": int(run)}
            facts |= {"steps": int(cell["steps"][0]), "left": bool(cell["left"][0])}
            yield {
                **facts, "distance": float(cell["distance"][0]), "direction": name,
                **_of_points(cell, baseline, config.misclassified == "zero"), "note": _note(cell),
            }  # fmt: skip


def points(columns: Mapping[str, Any], config: "SingleStepConfig") -> dict[str, Any]:
    """The test points of the nets with the largest C0: what histograms are drawn from.

    delta and eta are infinite, which a table shows as a gap, where no step flips.
    """
    values = {name: np.asarray(column) for name, column in columns.items()}
    kept = {name: column[values["c0"] == max(config.c0s)] for name, column in values.items()}
    names = np.array(["bp", config.gradient])[kept["direction"]]
    own = {name: kept[name] for name in ("run", "id", "margin", "norm", "gradient", "delta", "cosine")}
    return {**own, "eta": _divided(kept["delta"], kept["gradient"]), "direction": names}


def numbers(table: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """The columns of the table `points` as arrays, with NaN in its gaps."""
    text = {"direction"}
    return {name: np.array(column, dtype=None if name in text else float) for name, column in table.items()}


def settings(found: Rows) -> Iterator[Row]:
    """Per direction, d, m and C0 and for every quantity: the mean over runs with its interval."""
    for (direction, m, c0, d), cell in _grouped(found, "direction", "m", "c0", "d"):
        for name in ("accuracy", "flipped", "distance", "cosine", "ratio", *POWERS):
            mean = mean_interval([row[name] for row in cell if row[name] is not None])
            yield {
                "direction": direction, "d": d, "m": m, "c0": c0, "quantity": name,
                "mean": _gap(mean.mean), "low": _gap(mean.low), "high": _gap(mean.high), "n": mean.n,
            }  # fmt: skip


def slopes(found: Rows, variable: str) -> Iterator[Row]:
    """Powers p of quantity = constant x variable^p, `variable` being d or c0, for every value of the other.

    Least squares on logarithms for every run on its own; the interval is Student's over the runs' powers. A run without
    a value somewhere (no correct point, no flip) has no power. Prediction: Theorem 3.1's for d; growth, > 0, for C0.
    """
    other = "c0" if variable == "d" else "d"
    for (direction, m, fixed), cell in _grouped(found, "direction", "m", other):
        for name, predicted in POWERS.items():
            powers = [
                power
                for _, rows in _grouped(cell, "run")
                if (power := _power([(row[variable], row[name]) for row in rows])) is not None
            ]
            mean = mean_interval(powers)
            yield {
                "direction": direction, "m": m, other: fixed, "quantity": name, "power": _gap(mean.mean),
                "low": _gap(mean.low), "high": _gap(mean.high), "n": mean.n,
                **({"predicted": predicted, "found": verdict(mean.low, mean.high, predicted)} if variable == "d"
                   else {"found": _trend(mean.low, mean.high)}),
            }  # fmt: skip


def directions(found: Rows) -> Iterator[Row]:
    """Per d, m and C0, along the rule's direction against along the gradient, over runs.

    ratio: geometric mean of delta over the gradient's delta on the same points; < 1 where the rule's direction flips
    with less. cosine: between the directions.
    """
    others = [row for row in found if row["direction"] != "bp"]
    for (direction, m, c0, d), cell in _grouped(others, "direction", "m", "c0", "d"):
        logs = mean_interval([float(np.log(row["ratio"])) for row in cell if row["ratio"] is not None])
        cosine = mean_interval([row["cosine"] for row in cell if row["cosine"] is not None])
        known = logs.n > 1
        yield {
            "direction": direction, "d": d, "m": m, "c0": c0, "ratio": _gap(exp(logs.mean)) if logs.n else None,
            "low": exp(logs.low) if known else None, "high": exp(logs.high) if known else None,
            "cosine": _gap(cosine.mean), "n": logs.n,
            "shorter": "cannot be told" if not known or logs.low <= 0 <= logs.high
            else direction if logs.high < 0 else "bp",
        }  # fmt: skip


def verdict(low: float, high: float, predicted: float) -> str:
    """Whether an interval of a power holds the prediction or lies within TOLERANCE of it.

    One that holds 0 as well tells nothing.
    """
    if not np.isfinite([low, high]).all() or low <= min(0, predicted) <= max(0, predicted) <= high:
        return "cannot be told"
    near = low <= predicted <= high or max(abs(low - predicted), abs(high - predicted)) <= TOLERANCE
    return "reproduced" if near else "differs"


def _trend(low: float, high: float) -> str:
    if not np.isfinite([low, high]).all():
        return "cannot be told"
    return "grows" if low > 0 else "falls" if high < 0 else "neither"


def _of_points(cell: Mapping[str, NDArray[Any]], baseline: NDArray[Any], wrong_is_zero: bool) -> Row:
    right = cell["margin"] > 0
    flips = right & np.isfinite(cell["delta"])
    used = flips | ~right if wrong_is_zero else flips
    delta = np.where(right, cell["delta"], 0)[used]
    eta, norm = _divided(delta, cell["gradient"][used]), cell["norm"][used]
    of_points = {
        "gradient": cell["gradient"][right | wrong_is_zero], "eta": eta, "delta": delta,
        "eta_over_norm": eta / norm, "delta_over_norm": delta / norm,
    }  # fmt: skip
    both = flips & np.isfinite(baseline) & (baseline > 0) & (cell["delta"] > 0)
    row: Row = {"accuracy": float(right.mean()), "n": int(right.sum())}
    row["flipped"] = float(flips.sum() / right.sum()) if right.any() else None
    row |= {name: _mean(values) for name, values in of_points.items()}
    row |= {f"{name}_std": float(values.std()) if len(values) else None for name, values in of_points.items()}
    row["cosine"] = _mean(cell["cosine"][right])
    row["ratio"] = exp(float(np.log(cell["delta"][both] / baseline[both]).mean())) if both.any() else None
    return row


def _note(cell: Mapping[str, NDArray[Any]]) -> str:
    """What to know about a net that is not what one expects."""
    if not (cell["margin"] > 0).any():
        return "classifies no test point correctly: nothing to flip"
    if cell["left"][0] and cell["steps"][0] == 0:
        return "left its ball at the first step: this is the net at initialisation"
    return "" if cell["left"][0] else "never left its ball: the last iterate"


def _power(pairs: Sequence[tuple[float, float | None]]) -> float | None:
    """The slope of log y on log x; None with a value missing, zero, or at fewer than two x."""
    known = [(x, y) for x, y in pairs if x > 0]
    if len({x for x, _ in known}) < 2 or any(y is None or not y > 0 for _, y in known):
        return None
    x, y = np.log(np.array(known, dtype=float)).T
    return float(np.polyfit(x, y, 1)[0])


def _divided(numerator: NDArray[Any], denominator: NDArray[Any]) -> NDArray[Any]:
    """Infinite where the denominator alone is zero: no multiple of a zero gradient is a step but that of length 0."""
    otherwise = np.where(numerator > 0, np.inf, 0.0)
    quotient: NDArray[Any] = np.divide(numerator, denominator, out=otherwise, where=denominator > 0)
    return quotient


def _groups(
    values: Mapping[str, NDArray[Any]], *names: str
) -> Iterator[tuple[tuple[Any, ...], dict[str, NDArray[Any]]]]:
    """The rows of columns with the same values under these names, in order of first appearance."""
    keys = list(zip(*(values[name].tolist() for name in names), strict=True))
    places: dict[tuple[Any, ...], list[int]] = {}
    for place, key in enumerate(keys):
        places.setdefault(key, []).append(place)
    for key, rows in places.items():
        yield key, {name: column[rows] for name, column in values.items()}


def _grouped(rows: Rows, *names: str) -> Iterator[tuple[tuple[Any, ...], list[Mapping[str, Any]]]]:
    def key(row: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(row[name] for name in names)

    for values, group in groupby(sorted(rows, key=key), key):
        yield values, list(group)


def _mean(values: NDArray[Any]) -> float | None:
    return float(values.mean()) if len(values) else None


def _gap(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
