"""Statistics of `lazy_regime.theory` from its rows per net and point, as plain rows.

Nets of one setting are independent; points of one net are not. Means are over the nets, with Student's interval; shares
are of all points of all nets, with Wilson's, which takes them as independent.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import inf, nan, sqrt
from typing import Any

import numpy as np

from modules.lazy_regime import theory
from suite.stats import Mean, mean_interval, wilson

Row = Mapping[str, Any]
Rows = Sequence[Row]

SETTING = ("d", "m", "c0")
EXPONENT = 2.4  # of the width in the theorem's condition m >= d^2.4, which we have from memory only
ROUNDING = 1e-4  # of float32 sums of some thousand terms, relatively


def groups(rows: Rows, *names: str) -> Iterator[tuple[dict[str, Any], list[Row]]]:
    """Rows with the same values under these names, in order of first appearance."""
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(row[name] for name in names), []).append(row)
    for key, mine in found.items():
        yield dict(zip(names, key, strict=True)), mine


def with_infinity(rows: Rows, *names: str) -> list[Row]:
    """The rows as they were before they were stored: tables keep an infinite step as a gap."""
    return [{**row, **{name: inf for name in names if row[name] is None}} for row in rows]


def over_nets(rows: Rows, value: Callable[[Row], float], of: Callable[[Sequence[float]], Any] = np.mean) -> Mean:
    """The mean over nets of a statistic over each net's points; NaN where it is infinite for a net."""
    per_net = [float(of([value(row) for row in mine])) for _, mine in groups(rows, "run")]
    return mean_interval(per_net) if np.isfinite(per_net).all() else Mean(nan, nan, nan, len(per_net))


def links(points: Rows, gamma: float) -> Iterator[dict[str, Any]]:
    """Each link of the proof beside its bound, per setting.

    extreme: the value nearest to the bound, or furthest beyond it; inside: the share of points at which the bound
    holds. `given W0` bounds use the net's own initial values and hold always; the others are theory.py's, with their
    gamma.
    """
    for setting, mine in groups(points, *SETTING):
        for statement, value, bound, upper in _statements(**setting, gamma=gamma):
            values = [value(row) for row in mine]
            slack = ROUNDING * max(1.0, *map(abs, values))
            inside = sum(v <= bound + slack if upper else v >= bound - slack for v in values)
            mean, share = over_nets(mine, value), wilson(inside, len(values))
            yield {
                **setting, "statement": statement, "mean": mean.mean, "low": mean.low, "high": mean.high,
                "extreme": max(values) if upper else min(values), "bound": bound, "side": "<=" if upper else ">=",
                "inside": share.rate, "inside_low": share.low, "inside_high": share.high, "n": share.n,
            }  # fmt: skip


def changes(around: Rows) -> Iterator[dict[str, Any]]:
    """How much the gradient changes in the ball of radius R = ratio |f| / ||grad f||, in units of ||grad f||."""
    for key, mine in groups(around, *SETTING, "ratio"):
        found = {
            name: over_nets(mine, lambda r, name=name: r[name] / r["gradient"])  # type: ignore[misc]
            for name in ("sampled", "sampled_largest", "on_the_way", "supremum")
        }
        holds = wilson(sum(row["outline"] < 0 for row in mine), len(mine))
        yield {
            **key, **{name: mean.mean for name, mean in found.items()},
            "low": found["supremum"].low, "high": found["supremum"].high, "allowed": 1 - 1 / key["ratio"],
            "radius": over_nets(mine, lambda r: r["radius"]).mean,
            "holds": holds.rate, "holds_low": holds.low, "holds_high": holds.high, "n": holds.n,
        }  # fmt: skip


def condition(points: Rows, around: Rows) -> Iterator[dict[str, Any]]:
    """Where the condition holds for some R, and whether a step of that length or a shorter one flips.

    holds: points with an R at which the outline is below 0, with the largest change found in place of the supremum, so
    that it can hold where the true condition does not, never the other way round. predicted: the smallest such R over
    the smallest flipping step, its median.
    """
    by_setting = {tuple(key.values()): mine for key, mine in groups(around, *SETTING)}
    for setting, mine in groups(points, *SETTING):
        smallest: dict[tuple[int, int], float] = {}
        for row in by_setting[tuple(setting.values())]:
            if row["outline"] < 0:
                point = row["run"], row["id"]
                smallest[point] = min(row["radius"], smallest.get(point, inf))
        sizes = {(row["run"], row["id"]): row["size"] for row in mine}
        flipped = [point for point, radius in smallest.items() if sizes[point] <= radius]
        share, all_flips = wilson(len(smallest), len(mine)), sum(np.isfinite(list(sizes.values())))
        yield {
            **setting, "n": len(mine), "holds": len(smallest), "share": share.rate, "low": share.low, "high":
            share.high, "holds_and_flipped": len(flipped), "flipped": int(all_flips), "flipped_without":
            int(sum(np.isfinite(size) for point, size in sizes.items() if point not in smallest)), "predicted":
            float(np.median([radius / sizes[p] for p, radius in smallest.items()])) if smallest else None,
        }  # fmt: skip


def sizes(points: Rows, worst: Rows) -> Iterator[dict[str, Any]]:
    """Median smallest flipping step of the nets at W0, as trained, and of the worst nets; per setting a mean over nets.

    scaled: median x sqrt d, which the theorem has bounded; unflipped: the share of points that no step flips. `worst,
    linear` is `theory.worst_flip`. A median over points that half are never flipped is infinite: no mean then.
    """
    named = [("initial" if row["c0"] == 0 else "trained", row, row["size"]) for row in points]
    named += [("worst found", row, row["size"]) for row in worst]
    named += [("worst, linear", row, row["linear"]) for row in worst]
    rows = [{"net": net, **{name: row[name] for name in (*SETTING, "run")}, "size": size} for net, row, size in named]
    for key, mine in groups(rows, *SETTING, "net"):
        found = over_nets(mine, lambda r: r["size"], np.median)
        unflipped = wilson(sum(row["size"] == inf for row in mine), len(mine))
        yield {
            **key, "median": _gap(found.mean), "low": _gap(found.low), "high": _gap(found.high),
            "scaled": _gap(found.mean * sqrt(key["d"])), "unflipped": unflipped.rate,
            "unflipped_low": unflipped.low, "unflipped_high": unflipped.high, "n": len(mine), "nets": found.n,
        }  # fmt: skip


def explicit(points: Rows, gamma: float) -> Iterator[dict[str, Any]]:
    """The proof with explicit constants per setting: whether it closes, and from which power of 10 on, at m = d^2.4."""
    closing = {c0: theory.closing_dimension(c0, EXPONENT, gamma) for c0 in {row["c0"] for row in points}}
    for setting, _ in groups(points, *SETTING):
        chain = theory.chain(**setting, gamma=gamma)
        yield {
            **setting, "value": chain.value, "gradient": chain.gradient, "difference": chain.difference,
            "size": chain.size, "margin": chain.margin, "closes": chain.closes, "closing_d": closing[setting["c0"]],
        }  # fmt: skip


def power(
    rows: Rows, variable: str, value: Callable[[Row], float], of: Callable[[Sequence[float]], Any] = np.mean
) -> tuple[Mean, list[float]]:
    """The power p of value = constant x variable^p, and the places that it was fitted to.

    Least squares on logarithms for each net seed, with `value` taken `of` each net's points; mean over seeds. A place
    where some net's value has no logarithm is left out for all of them: to leave out the net would be to choose.
    """
    at = {
        key[variable]: {of_net["run"]: float(of([value(row) for row in mine])) for of_net, mine in groups(cell, "run")}
        for key, cell in groups(rows, variable)
    }
    places = [place for place, values in at.items() if all(0 < v < inf for v in values.values())]
    if len(places) < 2:
        return mean_interval([]), places
    x, y = np.log(places), np.log([[at[place][run] for run in at[places[0]]] for place in places])
    return mean_interval(np.polyfit(x, y, 1)[0]), places


def _statements(d: int, m: int, c0: float, gamma: float) -> list[tuple[str, Callable[[Row], float], float, bool]]:
    """Name, measured quantity, bound, and whether that is an upper one."""
    changes = theory.sign_changes_bound(m, c0, gamma)
    return [
        ("4.1: |f|", lambda r: abs(r["value"]), theory.value_bound(m, c0, gamma), True),
        ("4.1: |f| - |f at W0|", lambda r: abs(r["value"]) - abs(r["initial_value"]), c0, True),
        ("4.1 given W0: |f| over its maximum", lambda r: abs(r["value"]) / r["ceiling"], 1.0, True),
        ("4.2: |grad f|", lambda r: r["gradient"], theory.gradient_bound(d, m, c0, gamma), False),
        ("4.2: |grad f - grad f at W0|", lambda r: r["drift"], theory.drift_bound(d, m, c0, gamma), True),
        ("4.3: neurons with another sign", lambda r: r["changed"], changes, True),
        ("4.3: neurons that the ball can change", lambda r: r["may_change"], changes, True),
        ("4.3 given W0: other signs - changeable", lambda r: r["changed"] - r["may_change"], 0.0, True),
    ]


def _gap(value: float) -> float | None:
    return None if np.isnan(value) else value
