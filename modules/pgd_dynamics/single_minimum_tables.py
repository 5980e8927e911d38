"""From rows per network to shares, fitted thresholds and their power law in d and m; pure."""

from collections.abc import Iterator, Mapping, Sequence
from math import exp, log, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from suite.stats import wilson

STEEPEST = 50.0  # of a fitted share: at the grids in use it cannot be told from a step
_PREDICTED = {"d": 0.5, "m": 0.0}  # tau ~ sqrt(d) for x near 0, whatever the width
Floats = NDArray[np.float64]
Columns = Mapping[str, Sequence[Any]]
Row = dict[str, Any]


def cells(columns: Columns, *keys: str) -> Iterator[tuple[tuple[Any, ...], dict[str, NDArray[Any]]]]:
    """The table's parts by the values of those columns, in order of appearance, as arrays; gaps are None."""
    arrays = {name: np.array(list(values), dtype=object) for name, values in columns.items()}
    of_row = list(zip(*(columns[key] for key in keys), strict=True))
    for value in dict.fromkeys(of_row):
        mask = np.array([row == value for row in of_row])
        yield value, {name: array[mask] for name, array in arrays.items()}


def shares(minima: Columns) -> Iterator[Row]:
    """Per loss, d, m and eps, over networks: the share with exactly one minimum, and what may be missing.

    guaranteed: share with eps < tau and l' of one sign. missing: estimated share of the sphere whose descents would end
    at minima that were not found.
    """
    for (loss, d, m, radius), cell in cells(minima, "loss", "d", "m", "radius"):
        number = _number(cell)
        single = wilson(int((number == 1).sum()), len(number))
        yield {
            "loss": loss, "d": d, "m": m, "radius": radius, "eps": cell["eps"][0],
            "single": single.rate, "low": single.low, "high": single.high, "n": single.n,
            "minima": float(number.mean()), "one_sign": float(cell["one_sign"].astype(bool).mean()),
            "guaranteed": float(_guaranteed(cell).mean()),
            "missing": float((cell["once"].astype(float) / cell["starts"].astype(float)).mean()),
            "unsettled": int(cell["unsettled"].sum()),
        }  # fmt: skip


def thresholds(minima: Columns, resamples: int, seed: int) -> Iterator[Row]:
    """Per loss, d and m: eps50 and steepness k of share = 1 / (1 + (eps / eps50)^k), fitted by maximum likelihood.

    Intervals are percentiles over networks drawn with replacement. tau: the median at the smallest eps.
    eps50 is None where the share does not fall through
    one half on the grid.
    """
    for (loss, d, m), cell in cells(minima, "loss", "d", "m"):
        eps, single = _single(cell)
        fitted = _half_way(eps, single.mean(0))
        drawn = np.array([_half_way(eps, single[rows].mean(0))[0] for rows in _draws(len(single), resamples, seed)])
        low, high = _percentiles(drawn)
        smallest = cell["eps"] == cell["eps"].min()
        tau = float(np.median((cell["eps"] / cell["eps_over_tau"])[smallest].astype(float)))
        yield {
            "loss": loss, "d": d, "m": m, "eps50": _gap(fitted[0]), "low": _gap(low), "high": _gap(high),
            "steepness": _gap(fitted[1]), "eps50_over_sqrt_d": _gap(fitted[0] / d**0.5), "tau": tau,
            "n": len(single),
        }  # fmt: skip


def curve(minima: Columns, resamples: int, seed: int) -> Iterator[Row]:
    """Per loss, the powers p and q of eps50 = constant d^p m^q by least squares on logarithms, with the constant.

    A variable of one value has no power. `predicted` is what tau ~ sqrt(d) gives.
    """
    for (loss,), cell in cells(minima, "loss"):
        columns = {name: list(values) for name, values in cell.items()}
        blocks = [(key, *_single(part)) for key, part in cells(columns, "d", "m")]
        half_way = [(*key, _half_way(eps, single.mean(0))[0]) for key, eps, single in blocks]
        point, known = _power_law(half_way), sum(np.isfinite(row[-1]) for row in half_way)
        drawn = []
        for resample in range(resamples):
            rng = np.random.default_rng((seed, resample))
            rows = [
                (*key, _half_way(eps, single[rng.integers(len(single), size=len(single))].mean(0))[0])
                for key, eps, single in blocks
            ]
            drawn.append(_power_law(rows))
        for name, value in point.items():
            low, high = _percentiles(np.array([powers.get(name, nan) for powers in drawn]))
            predicted = _PREDICTED.get(name)
            yield {
                "loss": loss, "variable": name, "power": value, "low": _gap(low), "high": _gap(high),
                "predicted": predicted, "n": known, "verdict": _verdict(predicted, low, high),
            }  # fmt: skip


def claims(minima: Columns) -> Iterator[Row]:
    """Theorem 5.1 with tau = B_l / H, and descent against the exact count in the plane."""
    everything = {name: np.array(list(values), dtype=object) for name, values in minima.items()}
    sure = _guaranteed(everything)
    checks = [("one minimum where eps < tau and l' keeps its sign", "Theorem 5.1", (_number(everything) == 1)[sure])]
    if 2 in minima["d"]:
        plane = everything["d"] == 2
        same = everything["found"][plane].astype(int) == everything["exact"][plane].astype(int)
        checks.append(("descent finds all minima of the circle (d = 2)", "circle.py", same))
    for claim, source, holds in checks:
        if len(holds):
            rate = wilson(int(holds.sum()), len(holds))
            yield {
                "claim": claim, "source": source, "value": rate.rate, "low": rate.low, "high": rate.high, "n": rate.n,
                "verdict": "holds" if rate.rate == 1 else f"fails for {rate.n - int(holds.sum())}",
            }  # fmt: skip


def _verdict(predicted: float | None, low: float, high: float) -> str:
    if predicted is None:
        return ""
    if not np.isfinite([low, high]).all():
        return "cannot be told"
    return "as predicted" if low <= predicted <= high else "differs"


def _number(cell: Mapping[str, NDArray[Any]]) -> NDArray[np.int_]:
    """The number of minima: exact where it is known, else what descent found."""
    known = np.array([value is not None for value in cell["exact"]])
    number: NDArray[np.int_] = np.where(known, cell["exact"], cell["found"]).astype(int)
    return number


def _guaranteed(cell: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
    mask: NDArray[np.bool_] = (cell["eps_over_tau"].astype(float) < 1) & cell["one_sign"].astype(bool)
    return mask


def _single(cell: Mapping[str, NDArray[Any]]) -> tuple[Floats, NDArray[np.bool_]]:
    """eps ascending (E,), and whether each network has one minimum there (networks, E)."""
    eps = np.unique(cell["eps"].astype(float))
    columns = [_number({n: v[cell["eps"] == e] for n, v in cell.items()}) == 1 for e in eps]
    return eps, np.stack(columns, 1)


def _half_way(eps: Floats, share: Floats) -> tuple[float, float]:
    """eps50 and k of share = 1 / (1 + (eps / eps50)^k), maximum likelihood; NaN where share stays on a side of 1/2."""
    if share.min() > 0.5 or share.max() < 0.5:
        return nan, nan

    def minus_log_likelihood(parameters: Floats) -> float:
        logit = np.exp(parameters[1]) * (parameters[0] - np.log(eps))
        return float((share * np.logaddexp(0, -logit) + (1 - share) * np.logaddexp(0, logit)).sum())

    below = share >= 0.5
    begin = log(np.sqrt(eps[below].max() * eps[~below].min())) if (~below).any() else log(eps.max())
    bounds = [(log(eps.min()), log(eps.max())), (log(0.1), log(STEEPEST))]
    found = minimize(minus_log_likelihood, np.array([begin, log(3.0)]), bounds=bounds, method="L-BFGS-B").x
    return exp(found[0]), exp(found[1])


def _power_law(rows: Sequence[tuple[float, float, float]]) -> dict[str, float]:
    """Least squares of log eps50 on log d and log m, from rows (d, m, eps50): powers of what varies; the constant."""
    d, m, eps50 = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    known = np.isfinite(eps50)
    varying = {name: values for name, values in (("d", d), ("m", m)) if len(np.unique(values[known])) > 1}
    if known.sum() <= len(varying):
        return {}
    design = np.stack([np.ones(known.sum()), *(np.log(values[known]) for values in varying.values())], 1)
    solution = np.linalg.lstsq(design, np.log(eps50[known]), rcond=None)[0]
    return {**dict(zip(varying, solution[1:].tolist(), strict=True)), "constant": exp(solution[0])}


def _draws(n: int, resamples: int, seed: int) -> Iterator[NDArray[np.int_]]:
    return (np.random.default_rng((seed, resample)).integers(n, size=n) for resample in range(resamples))


def _percentiles(drawn: Floats) -> tuple[float, float]:
    """95 % of the resamples that have a value; NaN where a tenth of them has none."""
    known = drawn[np.isfinite(drawn)]
    if len(known) < 0.9 * len(drawn) or not len(known):
        return nan, nan
    low, high = np.quantile(known, (0.025, 0.975)).tolist()
    return low, high


def _gap(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
