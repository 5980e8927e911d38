"""From rows per network and per ascent to counts with intervals, and the paper's claims as tests on numbers; pure."""

from collections.abc import Iterator, Mapping, Sequence
from math import inf, isfinite, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from modules.pgd_dynamics.published import INDEPENDENT_MINIMA, INDEPENDENT_NETWORKS
from suite.stats import mcnemar_exact, mean_interval, wilson

if TYPE_CHECKING:
    from modules.pgd_dynamics.landscape import LandscapeConfig

Columns = Mapping[str, Sequence[Any]]
Row = dict[str, Any]
Mask = NDArray[np.bool_]


def cells(columns: Columns, *keys: str) -> Iterator[tuple[tuple[Any, ...], dict[str, NDArray[Any]]]]:
    """The table's parts by the values of those columns, in order of appearance, as arrays; gaps are None."""
    arrays = {name: np.array(list(values), dtype=object) for name, values in columns.items()}
    of_row = list(zip(*(columns[key] for key in keys), strict=True))
    for value in dict.fromkeys(of_row):
        mask = np.array([row == value for row in of_row])
        yield value, {name: array[mask] for name, array in arrays.items()}


def counts(minima: Columns) -> Iterator[Row]:
    """Per scale and ratio, over networks: the mean number of minima of L on the circle, how many have exactly one.

    on_ball: mean number of those that are minima on the whole ball. guaranteed: share of networks with eps < tau and l'
    of one sign. undecided: arcs of the circle, of all networks together, whose number of extrema is not proven.
    """
    for (scale, ratio), cell in cells(minima, "scale", "ratio"):
        number = cell["minima"].astype(float)
        mean = mean_interval(number)
        single = wilson(int((number == 1).sum()), len(number))
        sure = _guaranteed(cell)
        yield {
            "scale": scale, "ratio": ratio, "eps": cell["eps"][0],
            "minima": mean.mean, "low": mean.low, "high": mean.high, "most": int(number.max()),
            "single": single.rate, "single_low": single.low, "single_high": single.high, "n": mean.n,
            "on_ball": float(cell["on_ball"].astype(float).mean()),
            "guaranteed": float(sure.mean()), "undecided": int(cell["undecided"].sum()),
        }  # fmt: skip


def escape(escapes: Columns) -> Iterator[Row]:
    """Per scale, ratio and pace, over ascents: quartiles of the steps to 90 % of the gain, and where they end.

    Ascents that had not settled count as infinitely long. at_minimum: share that ended at a minimum of L on the circle;
    best: share whose last loss is at least 99 % of the way from the least to the largest loss on the circle.
    """
    for (pace, scale, ratio), cell in cells(escapes, "pace", "scale", "ratio"):
        quartiles = _quartiles(cell["steps_90"])
        yield {
            "pace": pace, "scale": scale, "ratio": ratio,
            "steps_90": quartiles[1], "lower_quartile": quartiles[0], "upper_quartile": quartiles[2],
            "settled": float(np.mean([steps is not None for steps in cell["steps_90"]])),
            "at_minimum": float(cell["at_minimum"].astype(bool).mean()),
            "best": float((cell["attained"].astype(float) > 0.99).mean()),
            "n": len(cell["attained"]), "networks": len(set(cell["network"])),
        }  # fmt: skip


def atlas(walks: Columns) -> Iterator[Row]:
    """Per activation and field, over ascents: where they end in the true landscape; intervals over networks.

    attained: mean last loss, 0 the least on the circle and 1 the largest. at_minimum: share of ascents that end at a
    minimum of L. to_minimum: median degrees to the nearest one. always: share of networks whose ascents all end at one.
    """
    for (activation, gradient), cell in cells(walks, "activation", "gradient"):
        attained = mean_interval(_means_by_network(cell, "attained"))
        at_minimum = _means_by_network(cell, "at_minimum")
        always = wilson(int((at_minimum == 1).sum()), len(at_minimum))
        yield {
            "activation": activation, "gradient": gradient, "steps_90": _quartiles(cell["steps_90"])[1],
            "attained": attained.mean, "low": attained.low, "high": attained.high,
            "at_minimum": float(at_minimum.mean()), "to_minimum": float(np.median(cell["to_minimum"].astype(float))),
            "always": always.rate, "always_low": always.low, "always_high": always.high,
            "n": len(cell["attained"]), "networks": attained.n,
        }  # fmt: skip


def beside(minima: Columns, config: "LandscapeConfig") -> Iterator[Row]:
    """The mean number of minima beside an independent simulation's, where that has the cell and the same setting.

    z: the difference over its standard error, with our variance for both samples, or if that is larger the rate of
    extra minima in both together, the variance of rare events.
    """
    if (config.m, config.beta, config.loss, config.y) != (1000, 1.0, "quadratic", 1.0):
        return
    for (scale, ratio), cell in cells(minima, "scale", "ratio"):
        reference = INDEPENDENT_MINIMA.get((scale, ratio))
        number = cell["minima"].astype(float)
        if reference is None or len(number) < 2:
            continue
        # Extra minima are rare events in regular cells: none among ours does not make their variance 0.
        extra = (number.sum() - len(number) + INDEPENDENT_NETWORKS * (reference - 1)) / (
            len(number) + INDEPENDENT_NETWORKS
        )
        error = sqrt(max(number.var(ddof=1), extra) * (1 / len(number) + 1 / INDEPENDENT_NETWORKS))
        difference = max(abs(number.mean() - reference) - 0.005, 0.0)  # theirs is rounded
        z = difference / error if difference else 0.0
        verdict = "agrees within sampling error" if z <= 1.96 else "differs"
        yield {
            "scale": scale, "ratio": ratio, "measured": float(number.mean()), "n": len(number),
            "independent": reference, "independent_n": INDEPENDENT_NETWORKS, "z": z, "verdict": verdict,
        }  # fmt: skip


def claims(minima: Columns, escapes: Columns) -> Iterator[Row]:
    """What the paper says of Fig. 1 and in Theorem 5.1."""
    number = {cell: _by_network(part, "minima") for cell, part in cells(minima, "scale", "ratio")}
    scales, ratios = sorted({scale for scale, _ in number}), sorted({ratio for _, ratio in number})
    small, large, low, high = scales[0], scales[-1], ratios[0], ratios[-1]
    regular = np.all([number[small, ratio] == 1 for ratio in ratios], axis=0)
    yield _share(f"one minimum at scale {small:g} for every ratio up to {high:g}", "Fig. 1 (a)-(c)", regular)
    if large > small:
        more = mean_interval((number[large, high] - number[small, high]).astype(float))
        yield _sign(f"more minima at scale {large:g} than at {small:g}, ratio {high:g}", "Fig. 1", more)
    if high > low:
        more = mean_interval((number[large, high] - number[large, low]).astype(float))
        yield _sign(f"more minima at ratio {high:g} than at {low:g}, scale {large:g}", "Fig. 1 (g), (i)", more)
        yield _share(f"one minimum at scale {large:g} with ratio {low:g}", "Fig. 1 (g)", number[large, low] == 1)
    everything = {name: np.array(list(values), dtype=object) for name, values in minima.items()}
    sure = _guaranteed(everything)
    if sure.any():
        single = everything["minima"][sure].astype(int) == 1
        yield _share("exactly one minimum where eps < tau and y - f keeps its sign", "Theorem 5.1", single)
    if large > small:
        yield from _sooner(escapes, small, large, ratios)


def _sooner(escapes: Columns, small: float, large: float, ratios: Sequence[float]) -> Iterator[Row]:
    """Whether a network's median ascent is sooner through at the small scale than at the large one, ratio by ratio."""
    steps = {cell: _median_by_network(part) for cell, part in cells(escapes, "pace", "scale", "ratio")}
    for pace in dict.fromkeys(pace for pace, _, _ in steps):
        for ratio in ratios:
            one, other = steps[pace, small, ratio], steps[pace, large, ratio]
            sooner, later = int((one < other).sum()), int((one > other).sum())
            rate = wilson(sooner, sooner + later) if sooner + later else None
            test = mcnemar_exact(sooner, later)
            sure = "reproduced" if sooner > later else "differs"
            yield {
                "claim": f"escapes sooner at scale {small:g} than at {large:g}, ratio {ratio:g}, {pace} steps",
                "source": "Fig. 1", "value": rate.rate if rate else None, "low": rate.low if rate else None,
                "high": rate.high if rate else None, "n": sooner + later,
                "verdict": sure if test.p_value < 0.05 else "cannot be told",
            }  # fmt: skip


def _share(claim: str, source: str, holds: Mask) -> Row:
    """A claim of all: reproduced where it holds for every one."""
    rate = wilson(int(holds.sum()), len(holds))
    verdict = "reproduced" if rate.rate == 1 else f"differs for {len(holds) - int(holds.sum())}"
    return {"claim": claim, "source": source, "value": rate.rate, "low": rate.low, "high": rate.high,
            "n": rate.n, "verdict": verdict}  # fmt: skip


def _sign(claim: str, source: str, mean: Any) -> Row:
    """A claim of a positive mean difference, paired by network."""
    sure = isfinite(mean.low) and (mean.low > 0 or mean.high < 0)
    verdict = "cannot be told" if not sure else "reproduced" if mean.low > 0 else "differs"
    return {"claim": claim, "source": source, "value": mean.mean, "low": mean.low, "high": mean.high,
            "n": mean.n, "verdict": verdict}  # fmt: skip


def _guaranteed(cell: Mapping[str, NDArray[Any]]) -> Mask:
    mask: Mask = (cell["eps_over_tau"].astype(float) < 1) & cell["one_sign"].astype(bool)
    return mask


def _by_network(cell: Mapping[str, NDArray[Any]], name: str) -> NDArray[np.int_]:
    values: NDArray[np.int_] = cell[name][np.argsort(cell["network"].astype(int))].astype(int)
    return values


def _median_by_network(cell: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
    numbers = sorted(set(cell["network"]))
    return np.array([_quartiles(cell["steps_90"][cell["network"] == number])[1] for number in numbers])


def _means_by_network(cell: Mapping[str, NDArray[Any]], name: str) -> NDArray[np.float64]:
    numbers = sorted(set(cell["network"]))
    return np.array([cell[name][cell["network"] == number].astype(float).mean() for number in numbers])


def _quartiles(steps: Sequence[int | None] | NDArray[Any]) -> list[float]:
    """Of steps where None is infinitely many: order statistics, so that infinity needs no arithmetic."""
    known = np.array([inf if step is None else step for step in steps], dtype=float)
    found: list[float] = np.quantile(known, (0.25, 0.5, 0.75), method="lower").tolist()
    return found
