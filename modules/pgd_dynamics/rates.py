"""Exponents fitted to trajectories: over eta, and over the steps of a schedule; from columns with a row a trajectory.

An exponent is the slope of a least-squares line through logarithms, one for each network from the means over its
starts; the networks are independent, and Student's interval is over them.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modules.pgd_dynamics.watch import NEVER
from suite.stats import mean_interval

Columns = Mapping[str, Any]
Array = NDArray[np.float64]

FLOOR = 1e-26  # of the squared distance at the first step read: below it a difference is rounding
OVER_ETA = {
    # quantity: (column, exponent of the paper's bound or None, what it bounds)
    "steps to the sphere": ("hit", None),
    "steps to |Gamma| < sqrt(eta)": ("near", -2.0),
    "distance of the output": ("distance", 0.5),
}


def over_eta(trajectories: Columns) -> Iterator[dict[str, Any]]:
    """Theorem 3.1: the exponents of steps and distance in eta, beside the bounds O(eta^-2) and O(eta^(1/2))."""
    for quantity, (column, bound) in OVER_ETA.items():
        etas, values = _logarithms(trajectories, "eta", column)
        expected = _overshot(trajectories) if column == "distance" else None
        yield _row(f"{quantity}, in eta", slopes(np.log(etas), values), bound, expected)


def _overshot(trajectories: Columns) -> float:
    """The exponent that the stop at |Gamma| < sqrt(eta) gives by itself in the range of eta that was run.

    Near the minimum the distance is |Gamma| / kappa, and |Gamma| falls by a factor rho a step: at the first step below
    sqrt(eta) its logarithm is uniform in (log sqrt(eta) + log rho, log sqrt(eta)), so that the distance goes like
    sqrt(eta rho) and its exponent tends to 1/2 for small eta, when rho tends to 1.
    """
    etas, rho = _logarithms(trajectories, "eta", "slow")
    fitted = slopes(np.log(etas), (np.log(etas) + rho) / 2)
    return float(fitted[np.isfinite(fitted)].mean()) if np.isfinite(fitted).any() else float("nan")


def over_schedule(schedules: Columns) -> Iterator[dict[str, Any]]:
    """Cor. 3.1, Remark 3: the exponent of D_s in s + z, over the last tenth of the steps; the bound is -1.

    Expected is the exponent over the same steps of what `trajectories.scheduled` predicts; it tends to -4 kappa / beta.
    """
    columns = {name: gaps_as_nan(values) for name, values in schedules.items()}
    squared = columns["squared_distance"]
    resolved = squared > FLOOR * _first_squared(columns)
    columns["logarithm"] = np.log(np.where(resolved, squared, np.nan))
    used = resolved & (columns["step"] >= columns["step"].max() / 10)
    for beta in np.unique(columns["beta"]):
        here = used & (columns["beta"] == beta)
        chosen = {name: values[here] for name, values in columns.items()}
        networks = np.unique(columns["network"])
        measured = np.array([_exponent(chosen, network, "logarithm") for network in networks])
        predicted = [_exponent(chosen, network, "predicted") for network in networks]
        expected = np.mean([value for value in predicted if np.isfinite(value)] or [np.nan])
        yield _row(f"D_s in s + z, beta = {beta:g} kappa", measured, -1.0, float(expected), float(beta))


def by_eta(trajectories: Columns) -> Iterator[dict[str, Any]]:
    """For the figure: quantiles over all trajectories of what Theorem 3.1 bounds, a row per eta and quantity."""
    etas = np.asarray(trajectories["eta"])
    for quantity, (column, _) in OVER_ETA.items():
        for eta in sorted(set(etas.tolist())):
            values = _reached(trajectories, column)[etas == eta]
            values = values[np.isfinite(values)]
            low, middle, high = np.quantile(values, (0.1, 0.5, 0.9)) if len(values) else [np.nan] * 3
            yield {
                "quantity": quantity, "eta": eta, "median": middle, "tenth": low, "ninetieth": high,
                "n": len(values), "never": int((etas == eta).sum()) - len(values),
            }  # fmt: skip


def by_step(schedules: Columns) -> Iterator[dict[str, Any]]:
    """For the figure: medians over trajectories of D_s / D_1 and of (s + z) / z, a row per beta and step."""
    columns = {name: gaps_as_nan(values) for name, values in schedules.items()}
    first = _first_squared(columns)
    ratio = columns["squared_distance"] / np.where(first > 0, first, np.nan)
    time = 1 + columns["step"] / columns["z"]
    keys = np.stack([columns["beta"], columns["step"]], 1)
    for beta, step in np.unique(keys, axis=0):
        here = (keys == (beta, step)).all(1) & np.isfinite(ratio)
        if here.any():
            low, middle, high = np.quantile(ratio[here], (0.1, 0.5, 0.9))
            yield {
                "beta": beta, "step": int(step), "time": float(np.median(time[here])),
                "median": middle, "tenth": low, "ninetieth": high, "n": int(here.sum()),
            }  # fmt: skip


def gaps_as_nan(values: Any) -> "NDArray[Any]":
    """A table's column as an array; tables hold a gap where a number is not finite."""
    if any(value is None for value in values):
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    return np.asarray(values)


def slopes(x: Array, y: Array) -> Array:
    """Least-squares slopes of y (n, K) over x (K,), a value for each of n lines; NaN where a line has a gap."""
    centred = x - x.mean()
    spread = float((centred**2).sum())
    slope: Array = (y - y.mean(1, keepdims=True)) @ centred / spread if spread > 0 else np.full(len(y), np.nan)
    return slope


def _logarithms(columns: Columns, by: str, of: str) -> tuple[Array, Array]:
    """The values of `by` (K,), and means over starts of log `of` (networks, K); NaN where one is missing."""
    keys, networks = np.asarray(columns[by]), np.asarray(columns["network"])
    levels, names = np.unique(keys), np.unique(networks)
    values = _reached(columns, of)
    logarithm = np.log(np.where(values > 0, values, np.nan))
    table = [[logarithm[(networks == name) & (keys == level)].mean() for level in levels] for name in names]
    return levels, np.array(table)


def _reached(columns: Columns, name: str) -> Array:
    """A column as numbers; NaN where the event never happened, or no output is there to measure a distance from."""
    values = gaps_as_nan(columns[name]).astype(np.float64)
    if name == "distance":
        return np.where((np.asarray(columns["near"]) != NEVER) & np.asarray(columns["minimum"]), values, np.nan)
    return np.where(values == NEVER, np.nan, values)


def _first_squared(schedules: Columns) -> Array:
    """Of every row, the squared distance at the first step read of the same trajectory."""
    names = ("beta", "network", "start")
    keys = list(zip(*(np.asarray(schedules[name]).tolist() for name in names), strict=True))
    steps = np.asarray(schedules["step"])
    first = {
        key: value
        for key, value, step in zip(keys, schedules["squared_distance"], steps, strict=True)
        if step == steps.min()
    }
    return np.array([first[key] for key in keys])


def _exponent(columns: Columns, network: int, of: str) -> float:
    """The slope of a logarithm over log(s + z), the mean over a network's starts; NaN without at least three steps."""
    fitted = []
    for start in np.unique(columns["start"][columns["network"] == network]):
        here = (columns["network"] == network) & (columns["start"] == start)
        x = np.log(columns["step"][here] + columns["z"][here])
        fitted.append(slopes(x, columns[of][here][None])[0] if len(x) >= 3 else np.nan)
    return float(np.mean(fitted)) if fitted else float("nan")


def _row(
    quantity: str, fitted: Array, bound: float | None, expected: float | None, beta: float | None = None
) -> dict[str, Any]:
    interval = mean_interval(fitted[np.isfinite(fitted)])
    return {
        "quantity": quantity, "beta": beta, "bound": bound, "expected": expected, "exponent": interval.mean,
        "low": interval.low, "high": interval.high, "n": interval.n,
    }  # fmt: skip
