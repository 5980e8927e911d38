"""From rows per net to cells, places where robust accuracy passes one half, and their powers of d and m; pure."""

from collections.abc import Iterator, Mapping, Sequence
from math import exp, log
from typing import Any

import numpy as np

from modules.lazy_regime.transition import Transition, joint, power, transition, width
from suite.stats import Mean, mean_interval, wilson

Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]

ACROSS = {"dimension": "d", "width": "m"}
"""What a panel has on its horizontal axis: the variable of the power law."""
ALONG = {"dimension": "eps", "width": "radius"}
"""What it has on its vertical axis: where robust accuracy passes one half."""
PREDICTED = -0.5  # both powers: eps ~ 1 / sqrt d by Theorem 3.1, and the radius of the lazy ball ~ 1 / sqrt m


def cells(nets: Rows) -> Iterator[Row]:
    """Per panel, order and cell: robust accuracy, its mean over runs with Student's interval, Wilson's for one run.

    clean, robust_train, epochs, stalled, touching: means over the runs.
    """
    for (panel, order, d, m, eps, radius), mine in grouped(nets, "panel", "order", "d", "m", "eps", "radius"):
        accuracy = [row["robust"] for row in mine]
        mean = mean_interval(accuracy)
        if len(mine) == 1:
            one = wilson(round(accuracy[0] * mine[0]["n"]), mine[0]["n"])
            mean = Mean(one.rate, one.low, one.high, 1)
        yield {
            "panel": panel, "order": order, "d": d, "m": m, "eps": eps, "radius": radius,
            "robust": mean.mean, "low": max(mean.low, 0.0), "high": min(mean.high, 1.0), "runs": mean.n,
            **{name: float(np.mean([row[name] for row in mine]))
               for name in ("clean", "by_rule", "robust_train", "epochs", "stalled", "touching")},
        }  # fmt: skip


def transitions(nets: Rows) -> Iterator[Row]:
    """Per panel, order and d or m: the eps or radius at which robust accuracy passes one half, `at`, over runs.

    at, low, high: geometric mean and 95 % interval over runs, none unless every run passes one half on the grid
    (passing says how many do, beyond on which side the others would). steps: runs whose accuracy jumps within one gap
    of the grid, known to that gap only. scaled: at sqrt d or at sqrt m. width: the factor between accuracy of 10 % and
    90 %, the median run's, none where all are steps. misfit: root mean square of accuracy minus curve, the largest of
    the runs. touching: the share of neurons on the surface of their ball in the cell next to `at`: near 0 it is not the
    ball that stops them.
    """
    for (panel, order, d, m), mine in grouped(nets, "panel", "order", "d", "m"):
        found = list(by_run(mine, ALONG[panel]).values())
        known = [one for one in found if one is not None]
        mean = joint([one.low for one in known], [one.high for one in known])
        at, low, high = (_power_of_e(value) for value in (mean.mean, mean.low, mean.high))
        if len(known) < len(found):
            at = low = high = None
        slopes = [one.steepness for one in known if one.steepness is not None]
        yield {
            "panel": panel, "order": order, "d": d, "m": m, "along": ALONG[panel],
            "at": at, "low": low, "high": high,
            "scaled": at and at * {"dimension": d, "width": m}[panel] ** 0.5,
            "width": float(np.median([width(slope) for slope in slopes])) if slopes else None,
            "misfit": max((one.misfit for one in known), default=None),
            "touching": None if at is None else _touching(mine, ALONG[panel], at),
            "steps": len(known) - len(slopes), "passing": len(known), "runs": len(found),
            "beyond": _beyond(mine, found, ALONG[panel]),
        }  # fmt: skip


def powers(nets: Rows) -> Iterator[Row]:
    """Per panel and order: the power p of at = constant x d^p or m^p, least squares on logarithms for each run.

    Over the values of d or m at which every run passes one half (points), and over the upper half of four or more of
    them: where the two differ there is no one power, and the theory speaks of large d and m.
    """
    for (panel, order), mine in grouped(nets, "panel", "order"):
        places = {value: by_run(rows, ALONG[panel]) for (value,), rows in grouped(mine, ACROSS[panel])}
        usable = sorted(value for value, found in places.items() if all(found.values()))
        half = usable[len(usable) // 2 :] if len(usable) > 3 else []
        whole, upper = (_power([places[value] for value in values], values) for values in (usable, half))
        yield {
            "panel": panel, "order": order, "variable": ACROSS[panel],
            "power": _gap(whole.mean), "low": _gap(whole.low), "high": _gap(whole.high), "predicted": PREDICTED,
            "found": _verdict(whole), "points": len(usable), "values": len(places),
            "upper_from": half[0] if half else None, "upper": _gap(upper.mean), "upper_low": _gap(upper.low),
            "upper_high": _gap(upper.high), "upper_found": _verdict(upper) if half else "",
            "runs": len({row["run"] for row in mine}),
        }  # fmt: skip


def orders(nets: Rows) -> Iterator[Row]:
    """Per later order and width: the radius of the transition over that in the first order, paired by run.

    The last row of an order (m none) is the geometric mean over all widths, for the runs that have a pair at each.
    """
    mine = [row for row in nets if row["panel"] == "width"]
    places = {key: by_run(rows, "radius") for key, rows in grouped(mine, "order", "m")}
    names, widths = (list(dict.fromkeys(row[name] for row in mine)) for name in ("order", "m"))
    runs = sorted({row["run"] for row in mine})
    for name in names[1:]:
        limits: dict[tuple[int, int], tuple[float, float]] = {}
        for m, run in ((m, run) for m in widths for run in runs):
            other, first = places[name, m][run], places[names[0], m][run]
            if other and first:
                limits[m, run] = other.low - first.high, other.high - first.low
        of_widths: dict[int | None, list[tuple[float, float]]] = {
            m: [limits[m, run] for run in runs if (m, run) in limits] for m in widths
        }
        complete = [[limits[m, run] for m in widths] for run in runs if all((m, run) in limits for m in widths)]
        of_widths[None] = [
            (float(np.mean(low)), float(np.mean(high))) for low, high in (zip(*c, strict=True) for c in complete)
        ]
        for m, pairs in of_widths.items():
            mean = joint([low for low, _ in pairs], [high for _, high in pairs])
            ratio, low, high = (_power_of_e(value) for value in (mean.mean, mean.low, mean.high))
            yield {
                "order": name, "against": names[0], "m": m, "ratio": ratio, "low": low, "high": high,
                "pairs": mean.n, "runs": len(runs),
            }  # fmt: skip


def by_run(rows: Rows, along: str) -> dict[int, Transition | None]:
    """Where each run's robust accuracy passes one half."""
    return {
        run: transition([row[along] for row in mine], [row["robust"] for row in mine])
        for (run,), mine in grouped(rows, "run")
    }


def grouped(rows: Rows, *names: str) -> Iterator[tuple[tuple[Any, ...], list[Mapping[str, Any]]]]:
    """The rows with the same values under these names, in order of first appearance."""
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    yield from groups.items()


def _power(places: Sequence[Mapping[int, Transition | None]], values: Sequence[float]) -> Mean:
    """The power over these values, its mean over runs; all NaN for fewer than two values."""
    if len(values) < 2:
        return mean_interval([])
    of_runs = ([one for found in places if (one := found[run]) is not None] for run in places[0])
    limits = [power(values, ones) for ones in of_runs]
    return joint([low for low, _ in limits], [high for _, high in limits])


def _touching(rows: Rows, along: str, at: float) -> float:
    nearest = min({row[along] for row in rows}, key=lambda value: abs(log(value / at)))
    return float(np.mean([row["touching"] for row in rows if row[along] == nearest]))


def _beyond(rows: Rows, found: Sequence[Transition | None], along: str) -> str:
    """On which side of the grid the accuracy of runs that do not pass one half would: judged by their mean accuracy."""
    if all(found):
        return ""
    sides = set()
    for (_,), mine in grouped(rows, "run"):
        if transition([row[along] for row in mine], [row["robust"] for row in mine]) is None:
            robust = float(np.mean([row["robust"] for row in mine])) > 0.5
            sides.add("above the grid" if robust == (along == "eps") else "below the grid")
    return ", ".join(sorted(sides))


def _verdict(found: Mean) -> str:
    """An interval that holds 0 as well says nothing about a power, whatever else it holds."""
    return verdict(found.low, found.high, PREDICTED) if found.high < 0 or found.low > 0 else "cannot be told"


def verdict(low: float, high: float, predicted: float) -> str:
    if not np.isfinite([low, high]).all() or low <= min(0, predicted) <= max(0, predicted) <= high:
        return "cannot be told"
    near = low <= predicted <= high or max(abs(low - predicted), abs(high - predicted)) <= 0.1
    return "reproduced" if near else "differs"


def _power_of_e(value: float) -> float | None:
    return None if np.isnan(value) else exp(value)


def _gap(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
