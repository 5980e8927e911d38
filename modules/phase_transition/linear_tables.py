"""From rows per data set of `phase_transition.linear` to means and intervals; pure."""

from collections.abc import Iterator, Mapping, Sequence
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modules.phase_transition import theory
from suite.stats import mean_interval, wilson

Columns = Mapping[str, Any]
Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]
Array = NDArray[Any]

LEVEL = 0.05  # of a test
HALF = 0.25  # half of the mean p-value where nothing has changed
RESAMPLES = 500


def groups(columns: Columns, *names: str) -> Iterator[tuple[tuple[Any, ...], dict[str, Array]]]:
    """The rows with equal values of these columns, in the order in which they first occur."""
    arrays = {name: as_array(values) for name, values in columns.items()}
    keys = list(zip(*(arrays[name].tolist() for name in names), strict=True))
    places: dict[tuple[Any, ...], list[int]] = {}
    for place, key in enumerate(keys):
        places.setdefault(key, []).append(place)
    for key, rows in places.items():
        yield key, {name: values[rows] for name, values in arrays.items()}


def as_array(values: Any) -> Array:
    """A column as an array; a stored gap is NaN."""
    if isinstance(values, list) and any(value is None for value in values):
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    return np.asarray(values)


def by_step(paths: Columns) -> Iterator[Row]:
    """|theta^(t)(eps) - theta^(t)(0)| / |theta^(t)(0)| by step: means over the data sets whose training kept finite."""
    for (d, n, eps, over, step), cell in groups(paths, "d", "n", "eps", "eps_over_order", "step"):
        kept = cell["gone"] == 0
        mean = mean_interval(cell["apart"][kept] / cell["clean_norm"][kept])
        yield {
            "d": d, "n": n, "eps": eps, "eps_over_order": over, "step": step, "distance": mean.mean,
            "low": mean.low, "high": mean.high, "data_sets": mean.n, "diverged": int((~kept).sum()),
        }  # fmt: skip


def ends(paths: Columns, eps_star: Rows, sigma: float, norm: float) -> Iterator[Row]:
    """The trained models: how far they part, in units of Theorem 1 and of Theorem 2.

    over_std: |theta(eps) - theta(0)| / |Std|_F, with Lemma 1 mended; shrunk: |theta(eps)| / |theta(0)|; over_gap:
    (adversarial training loss - clean training loss) / E Delta. regime: small below eps_star, large from where the
    minimiser is expected to be 0, medium between (Fig. 1).
    """
    critical = {(row["d"], row["n"]): row["eps_star"] for row in eps_star}
    last = as_array(paths["step"]) == as_array(paths["step"]).max()
    final = {name: as_array(values)[last] for name, values in paths.items()}
    for (d, n, eps, over), cell in groups(final, "d", "n", "eps", "eps_over_order"):
        kept = cell["gone"] == 0
        star, collapse = critical[d, n], theory.collapse_order(n, d, sigma, norm)
        row: Row = {
            "d": d, "n": n, "eps_over_order": over, "eps": eps, "over_eps_star": star and eps / star,
            "regime": "large" if eps >= collapse else "small" if star is None or eps < star else "medium",
        }  # fmt: skip
        for name, values in (
            ("over_std", cell["apart"] / sqrt(theory.variance_trace(n, d, sigma, norm))),
            ("shrunk", cell["norm"] / cell["clean_norm"]),
            ("over_gap", (cell["loss"] - cell["clean_loss"]) / theory.generalisation_gap(n, d, sigma, norm)),
        ):
            mean = mean_interval(values[kept])
            row |= {name: mean.mean, f"{name}_low": mean.low, f"{name}_high": mean.high}
        yield row | {"data_sets": int(kept.sum()), "diverged": int((~kept).sum())}


def p_values(tested: Columns) -> Iterator[Row]:
    """Mean p-value of the parameters and of the loss by strength (the paper's curves), and how often it is below 5 %.

    rank_p: mean of the p-values by rank; group_p: of all trainings of a strength as one group.
    """
    for (d, n, eps, over), cell in groups(tested, "d", "n", "eps", "eps_over_order"):
        kept = cell["gone"] == 0
        for of in ("parameters", "loss"):
            values, ranks = (cell[name][kept] for name in (of, f"{of}_rank"))
            usable = values if np.isfinite(values).all() else ranks
            mean, below = mean_interval(usable), wilson(int((usable <= LEVEL).sum()), max(1, len(usable)))
            yield {
                "of": of, "d": d, "n": n, "eps_over_order": over, "eps": eps,
                "p": mean.mean, "low": mean.low, "high": mean.high, "law": "F" if usable is values else "rank",
                "rank_p": mean_interval(ranks).mean, "group_p": float(cell[f"{of}_group"][0]),
                "below_5": below.rate, "below_5_low": below.low, "below_5_high": below.high,
                "data_sets": mean.n, "diverged": int((~kept).sum()),
            }  # fmt: skip


def half_way(tested: Columns, eps_star: Rows, seed: int) -> Iterator[Row]:
    """The strength at which the mean p-value falls through 1/4, half of what it is under the null.

    In units of sqrt(d/n) and of the located eps_star; intervals are percentiles over data sets drawn with replacement
    (eps_star taken as it is).
    """
    critical = {(row["d"], row["n"]): row["eps_star"] for row in eps_star}
    for (d, n), cell in groups(tested, "d", "n"):
        repeats = len(np.unique(cell["repeat"]))
        order = theory.eps_star_order(n, d)
        eps = cell["eps"].reshape(repeats, -1)[0]
        gone = (cell["gone"] != 0).reshape(repeats, -1)
        for of in ("parameters", "loss"):
            values = cell[of] if np.isfinite(cell[of]).all() else cell[f"{of}_rank"]
            p = np.where(gone, np.nan, values.reshape(repeats, -1))
            rng = np.random.default_rng((seed, d, n))
            drawn = [_falls_through(eps, p[rng.integers(repeats, size=repeats)]) for _ in range(RESAMPLES)]
            low, high = percentiles(np.array(drawn))
            star = critical[d, n]
            row = {"of": of, "d": d, "n": n, "data_sets": repeats}
            for name, value in (("", _falls_through(eps, p)), ("_low", low), ("_high", high)):
                row |= {f"over_order{name}": gap(value / order), f"over_eps_star{name}": gap(value / (star or np.nan))}
            yield row


def percentiles(drawn: Array) -> tuple[float, float]:
    """2.5 and 97.5 %; NaN where one resample in forty or more has no value: the interval is then not known."""
    if not np.isfinite(drawn).mean() > 0.975:
        return np.nan, np.nan
    low, high = np.percentile(drawn[np.isfinite(drawn)], (2.5, 97.5))
    return float(low), float(high)


def gap(value: float) -> float | None:
    """The value, or nothing where it is none."""
    return float(value) if np.isfinite(value) else None


def _falls_through(eps: Array, p: Array) -> float:
    """Where the mean of p (R, E) over data sets last falls through HALF, linear in log eps; NaN where it does not."""
    counts = np.isfinite(p).sum(0)
    here = (eps > 0) & (counts > 0)
    x, mean = np.log(eps[here]), np.nansum(p[:, here], 0) / counts[here]
    above = np.flatnonzero(mean >= HALF)
    if not len(above) or above[-1] + 1 == len(mean):
        return float("nan")
    k = above[-1]
    share = (mean[k] - HALF) / (mean[k] - mean[k + 1])
    return float(np.exp(x[k] + share * (x[k + 1] - x[k])))
