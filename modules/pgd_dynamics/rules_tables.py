"""Statistics of `pgd_dynamics.rules`: per network the mean over its starts, then Student's interval over networks."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modules.pgd_dynamics.rates import gaps_as_nan
from modules.pgd_dynamics.watch import NEVER
from suite.stats import Mean, mean_interval

Rows = Sequence[Mapping[str, Any]]
Array = NDArray[np.float64]

MEASURED = ("near", "slant", "away", "gain", "asymmetry", "hit", "reached", "sooner")
_LANDSCAPE = ("d", "activation", "scale")


def by_landscape(ascents: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A row per landscape and rule: mean, low and high of each quantity, and the shares that never got there.

    `sooner` is by how many steps the rule had `share` of BP's gain before BP from the same start, where both got there.
    """
    columns = {name: gaps_as_nan(values) for name, values in ascents.items()}
    for name in ("hit", "reached"):
        columns[name] = np.where(columns[name] == NEVER, np.nan, columns[name].astype(np.float64))
    keys = list(zip(*(columns[name].tolist() for name in _LANDSCAPE), strict=True))
    for key in dict.fromkeys(keys):
        here = np.array([other == key for other in keys])
        landscape = {name: values[here] for name, values in columns.items()}
        bp = landscape["reached"][landscape["rule"] == "bp"]
        for rule in dict.fromkeys(landscape["rule"].tolist()):
            of = {name: values[landscape["rule"] == rule] for name, values in landscape.items()}
            of["sooner"] = bp - of["reached"]
            row = {**dict(zip(_LANDSCAPE, key, strict=True)), "rule": rule, "n": len(np.unique(of["network"]))}
            for name in MEASURED:
                interval = _over_networks(of["network"], of[name].astype(np.float64))
                row |= {name: interval.mean, f"{name}_low": interval.low, f"{name}_high": interval.high}
                row |= {"sooner_n": interval.n} if name == "sooner" else {}
            row["never_hit"] = float(np.isnan(of["hit"]).mean())
            yield row | {"never_reached": float(np.isnan(of["reached"]).mean())}


def arrivals(ascents: Mapping[str, Any], steps: int, degrees: float) -> Iterator[dict[str, Any]]:
    """A row per landscape, rule and network: how many of its starts come to a local maximum of the true loss, and when.

    share: that were at one at some step (`arrived`); ended: that end at one, by the slant there. steps: until then,
    where an ascent that never arrives counts with all `steps`. later: by how many steps later than BP from the same
    start, where both arrive; a gap without such a start.
    """
    columns = {name: gaps_as_nan(values) for name, values in ascents.items()}
    keys = list(zip(*(columns[name].tolist() for name in (*_LANDSCAPE, "network", "rule")), strict=True))
    places: dict[tuple[Any, ...], list[int]] = {}
    for place, key in enumerate(keys):
        places.setdefault(key, []).append(place)
    arrived = np.where(columns["arrived"] == NEVER, np.nan, columns["arrived"].astype(np.float64))
    for key, mine in places.items():
        later = arrived[mine] - arrived[places[*key[:-1], "bp"]]
        later = later[np.isfinite(later)]
        yield {
            **dict(zip((*_LANDSCAPE, "network", "rule"), key, strict=True)),
            "share": float(np.isfinite(arrived[mine]).mean()),
            "ended": float((columns["slant"][mine] <= degrees).mean()),
            "steps": float(np.nan_to_num(arrived[mine], nan=steps).mean()),
            "later": float(later.mean()) if len(later) else None,
            "starts": len(mine),
        }


def answers(rows: Rows) -> Iterator[dict[str, Any]]:
    """What is asked of LinBP, a row per landscape: at a maximum? how far from one? what gain? how many steps sooner?"""
    for key in dict.fromkeys(tuple(row[name] for name in _LANDSCAPE) for row in rows):
        of = {row["rule"]: row for row in rows if tuple(row[name] for name in _LANDSCAPE) == key}
        raw, same = of["linbp"], of["linbp, same length"]
        yield {
            **dict(zip(_LANDSCAPE, key, strict=True)),
            "at_maximum": raw["near"], "bp_at_maximum": of["bp"]["near"],
            "degrees_away": raw["away"], "away_low": raw["away_low"], "away_high": raw["away_high"],
            "gain_over_bp": raw["gain"], "gain_low": raw["gain_low"], "gain_high": raw["gain_high"],
            "bp_steps": of["bp"]["reached"],
            "sooner": raw["sooner"],
            "sooner_low": raw["sooner_low"],
            "sooner_high": raw["sooner_high"],
            "sooner_same_length": same["sooner"],
            "sooner_n": raw["sooner_n"],
            "never": raw["never_reached"],
            "asymmetry": raw["asymmetry"],
            "n": raw["n"],
        }  # fmt: skip


def _over_networks(networks: Array, values: Array) -> Mean:
    finite = np.isfinite(values)
    names, place = np.unique(networks[finite], return_inverse=True)
    if not len(names):
        return mean_interval([])
    return mean_interval(np.bincount(place, values[finite]) / np.bincount(place))
