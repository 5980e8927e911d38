"""eps_star of linear regression, per size d/n by its definition and by Theorem 1, and its power of d/n; pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicHermiteSpline, PchipInterpolator
from scipy.stats import t as student

from modules.phase_transition import theory
from modules.phase_transition.linear_tables import Columns, Row, gap, groups, percentiles
from suite.stats import mean_interval, wilson

Floats = NDArray[np.float64]

RESAMPLES = 200
RANGES: dict[str, Callable[[float], bool]] = {"d/n <= 0.2": lambda r: r <= 0.2, "d/n >= 5": lambda r: r >= 5}
POWERS = (
    # column, what it is, range, the paper's power of d/n, the one derived here, that of the next term over the first
    ("eps_star", "eps_star (losses)", "d/n <= 0.2", 0.5, 1.0, 1.0),
    ("eps_star", "eps_star (losses)", "d/n >= 5", 0.5, 0.5, -0.5),
    ("parted", "eps_star (parameters)", "d/n <= 0.2", 0.5, 0.5, 0.5),
    ("parted", "eps_star (parameters)", "d/n >= 5", 0.5, 0.5, -0.5),
    ("delta", "Delta", "d/n <= 0.2", 0.5, 1.0, 1.0),
    ("rise", "loss change / Delta at sqrt(d/n)", "d/n <= 0.2", 0.0, -0.5, 0.5),
)


def located(minima: Columns, sigma: float, norm: float, seed: int) -> Iterator[Row]:
    """Per size, a row with two critical strengths and more, with 95 % bootstrap intervals over data sets.

    eps_star: where the adversarial training loss reaches the clean test loss, both in expectation, by definition; None
    where it does not (`bound` says why). parted: where the mean square of |theta_hat(eps) - theta_hat(0)| reaches the
    clean estimate's mean squared distance from its expectation, Theorem 1's measure. delta: E Delta; rise: Theorem 2's
    (adversarial - clean training loss) / Delta at sqrt(d/n). spread: that mean squared distance, beside tr Var mended
    and as printed. above_at_0, never: shares of data sets whose own losses cross at no eps, being apart already, or
    not even at theta = 0.
    """
    for (d, n), cell in groups(minima, "d", "n"):
        R = len(np.unique(cell["repeat"]))
        by_eps = {name: values.reshape(R, -1) for name, values in cell.items()}
        one = {name: values[:, 0] for name, values in by_eps.items()}
        order, eps = theory.eps_star_order(n, d), by_eps["eps"][0]
        rng = np.random.default_rng((seed, d, n))
        resamples = [np.arange(R), *(rng.integers(R, size=R) for _ in range(RESAMPLES))]
        drawn = [_strengths({name: v[rows] for name, v in by_eps.items()}, order, sigma, norm) for rows in resamples]
        row: Row = {"d": d, "n": n, "d_over_n": d / n, "order": order}
        for name in ("eps_star", "parted", "delta", "rise"):
            low, high = percentiles(np.array([values[name] for values in drawn[1:]]))
            row |= {name: gap(drawn[0][name]), f"{name}_low": gap(low), f"{name}_high": gap(high)}
        spread = mean_interval(one["spread2"])
        yield row | {
            "eps_star_over_order": gap(drawn[0]["eps_star"] / order),
            "parted_over_order": gap(drawn[0]["parted"] / order),
            "first_order": theory.eps_star_first_order(n, d, sigma, norm) if d < n else None,
            "bound": _bound(drawn[0], eps[-1]),
            "collapse": float(one["collapse"].mean()),
            "unchanged": float(one["unchanged"].mean()) if d >= n else None,
            "delta_expected": theory.generalisation_gap(n, d, sigma, norm),
            "spread": spread.mean, "spread_low": spread.low, "spread_high": spread.high,
            "variance": theory.variance_trace(n, d, sigma, norm),
            "variance_printed": theory.lemma_1_printed(n, d, sigma),
            "above_at_0": wilson(int((one["loss"] > one["clean_test"]).sum()), R).rate,
            "never": wilson(int((one["y2"] <= one["clean_test"]).sum()), R).rate,
            "gap": float(by_eps["gap"].max()), "data_sets": R,
        }  # fmt: skip


def growth(located: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    """Powers p of log quantity = c + p log(d/n) by least squares, for small and large d/n, with Student's intervals.

    leading: p with a term b (d/n)^q fitted beside it, q the power of what comes next at finite d/n. An interval is over
    sizes: it holds what the curve misses beside what data sets scatter.
    """
    for column, quantity, name, paper, derived, following in POWERS:
        used = [(row["d_over_n"], row[column]) for row in located if RANGES[name](row["d_over_n"])]
        used = [(ratio, value) for ratio, value in used if value is not None and value > 0]
        ratio, value = np.array(used, dtype=np.float64).reshape(-1, 2).T
        row: Row = {"quantity": quantity, "range": name}
        for label, columns in (("power", []), ("leading", [ratio**following])):
            power, low, high = _power(np.log(ratio), np.log(value), columns)
            row |= {label: gap(power), f"{label}_low": gap(low), f"{label}_high": gap(high)}
        yield row | {"paper": paper, "derived": derived, "sizes": len(used)}


def adjusted_mean(values: Floats, controls: Floats) -> Floats:
    """Expectations (E,) of values (R, E), given controls (R, C) of expectation 0: the intercepts of the regression.

    The mean squares of the noise and of y are known in expectation and carry most of the scatter of a training loss.
    """
    design = np.column_stack([np.ones(len(controls)), controls])
    fitted: Floats = np.linalg.lstsq(design, values, rcond=None)[0][0]
    return fitted


def _strengths(cell: Mapping[str, Floats], order: float, sigma: float, norm: float) -> dict[str, float]:
    """The bootstrapped quantities of `located` from columns (R, E) of one size, eps = 0 first."""
    eps = cell["eps"][0]
    controls = np.stack([cell["noise2"][:, 0] - sigma**2, cell["y2"][:, 0] - sigma**2 - norm**2], 1)
    over = adjusted_mean(cell["loss"] - cell["clean_test"], controls)
    loss = CubicHermiteSpline(eps, over, adjusted_mean(cell["slope"], controls))
    return {
        "eps_star": _crossing(loss, eps, over),
        "parted": _reaches(eps, cell["apart2"].mean(0), float(cell["spread2"][:, 0].mean())),
        "delta": -float(over[0]),
        "rise": float(loss(order) - over[0]) / -float(over[0]) if order <= eps[-1] else float("nan"),
        "at_rest": float(adjusted_mean((cell["y2"] - cell["clean_test"])[:, :1], controls)[0]),
    }


def _crossing(over: CubicHermiteSpline, eps: Floats, values: Floats) -> float:
    """Where the curve through these values last rises through 0; NaN where it does not."""
    below = np.flatnonzero(values < 0)
    if not len(below) or below[-1] + 1 == len(values):
        return float("nan")
    roots = over.solve(0.0, extrapolate=False)
    return float(roots[(roots >= eps[below[-1]]) & (roots <= eps[below[-1] + 1])].max())


def _reaches(eps: Floats, apart2: Floats, spread2: float) -> float:
    """Where the root of the mean squared distance first reaches that of the spread; NaN where it does not."""
    if not apart2.max() > spread2:
        return float("nan")
    return float(PchipInterpolator(eps, np.sqrt(apart2)).solve(spread2**0.5, extrapolate=False).min())


def _bound(found: Mapping[str, float], largest: float) -> str:
    """What is known of an eps_star that was not found."""
    if np.isfinite(found["eps_star"]):
        return ""
    if found["delta"] <= 0:
        return "< 0: the clean training loss is above the clean test loss"
    if found["at_rest"] <= 0:
        return "is infinite: the clean model tests no better than the predictor 0"
    return f"> {largest:.3g}"


def _power(x: Floats, y: Floats, columns: Sequence[Floats]) -> tuple[float, float, float]:
    """Slope of y over x, with other columns fitted beside it, and its interval; NaN where they do not determine it."""
    design = np.column_stack([x, np.ones(len(x)), *columns])
    freedom = len(y) - design.shape[1]
    if freedom < 1 or np.linalg.matrix_rank(design) < design.shape[1]:
        return float("nan"), float("nan"), float("nan")
    coefficients, (squares,) = np.linalg.lstsq(design, y, rcond=None)[:2]
    error = float(squares / freedom * np.linalg.inv(design.T @ design)[0, 0]) ** 0.5
    half = float(student.ppf(0.975, freedom)) * error
    slope = float(coefficients[0])
    return slope, slope - half, slope + half
