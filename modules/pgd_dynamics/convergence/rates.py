"""Exponents of trajectories, over eta and over the steps of a schedule, and the bounds on them.

An exponent is the slope of a least-squares line through logarithms, one for each network; the networks are independent.
"""

from collections.abc import Sequence

import polars as pl

from modules.pgd_dynamics.events import happened, step_of
from suite.claims import DIFFERS, Judgement, at_least
from suite.statistics import Estimate

HIT, NEAR, DISTANCE = "steps to the sphere", "steps to |Gamma| < sqrt(eta)", "distance of the output"
FLOOR = 1e-26  # of the squared distance at the first step read: below it a difference is rounding

_TRAJECTORY = ("beta", "network", "start")
_FIRST = pl.col("squared_distance").sort_by("step").first().over(_TRAJECTORY)


def measured(trajectories: pl.DataFrame) -> pl.DataFrame:
    """What Theorem 3.1 bounds: network, start, eta, slow, quantity and `amount`, null where it was never reached.

    There is a distance only where the output has a local minimum beside it.
    """
    has_distance = happened("near") & pl.col("minimum")
    quantities = {HIT: step_of("hit"), NEAR: step_of("near"), DISTANCE: pl.when(has_distance).then("distance")}
    keys = ("network", "start", "eta", "slow")
    return trajectories.sort("eta", maintain_order=True).select(*keys, **quantities).unpivot(
        index=keys, variable_name="quantity", value_name="amount"
    )  # fmt: skip


def over_eta(trajectories: pl.DataFrame) -> pl.DataFrame:
    """Exponents in eta: quantity, network, slope, expected; NaN for a network with a trajectory that never arrived.

    `expected` is the exponent of the distance that the stop at |Gamma| < sqrt(eta) gives by itself in this range: near
    the minimum the distance is |Gamma| / kappa, and |Gamma| falls by a factor rho a step. At the first step below
    sqrt(eta) its logarithm is uniform in (log sqrt(eta) + log rho, log sqrt(eta)), so that the distance goes like
    sqrt(eta rho) and its exponent tends to 1/2 for small eta, when rho tends to 1.
    """
    stop = pl.when(pl.col("quantity") == DISTANCE).then((pl.col("eta") * pl.col("slow")).sqrt())
    by = ("quantity", "network")
    return measured(trajectories).group_by(by, maintain_order=True).agg(
        slope=_slope(pl.col("eta").log(), _logarithm(pl.col("amount"))),
        expected=_slope(pl.col("eta").log(), _logarithm(stop)),
    )  # fmt: skip


def over_schedule(schedules: pl.DataFrame) -> pl.DataFrame:
    """Exponents of D_s in s + z over the last tenth of the steps: beta, network, slope, expected.

    A network's slope is the mean over its starts; NaN where one has less than three steps that are more than rounding.
    `expected` is the same of what `trajectories.scheduled` predicts; it tends to -4 kappa / beta.
    """
    squared = pl.col("squared_distance")
    used = schedules.filter(
        squared.is_finite() & (squared > FLOOR * _FIRST) & (pl.col("step") >= pl.col("step").max() / 10)
    )
    time, enough = (pl.col("step") + pl.col("z")).log(), pl.len() >= 3
    slopes = used.group_by(_TRAJECTORY).agg(
        slope=pl.when(enough).then(_slope(time, squared.log())),
        expected=pl.when(enough).then(_slope(time, pl.col("predicted"))),
    )
    every = schedules.select(_TRAJECTORY).unique(maintain_order=True).sort("beta", maintain_order=True)
    every = every.join(slopes, on=_TRAJECTORY, how="left", maintain_order="left")
    means = pl.col("slope", "expected").fill_null(float("nan")).mean()
    return every.group_by("beta", "network", maintain_order=True).agg(means)


def decay(schedules: pl.DataFrame) -> pl.DataFrame:
    """Every row's D_s / D_1 and (s + z) / z: beta, step, ratio, time."""
    return schedules.select(
        "beta", "step", ratio=pl.col("squared_distance") / pl.when(_FIRST > 0).then(_FIRST),
        time=1 + pl.col("step") / pl.col("z"),
    )  # fmt: skip


def bounded_in_eta(
    exponent: Estimate, bound: float, expected: float | None = None, lost: int = 0, conditions: Sequence[str] = ()
) -> Judgement:
    """A bound O(eta^p): the exponent is at least p, in the limit of small eta.

    Where it falls short of p, but not of what the stop alone gives in this range of eta, the limit is not reached.
    """
    judgement = at_least(exponent, bound, lost=lost, conditions=conditions)
    if judgement.verdict == DIFFERS and expected is not None and expected < bound and expected <= exponent.high:
        far = f"eta is not small enough: there the stop alone gives the exponent {expected:.3f}"
        return at_least(exponent, bound, conditions=[far])
    return judgement


def _slope(x: pl.Expr, y: pl.Expr) -> pl.Expr:
    """Of a least-squares line; NaN where x has one value only, or y a NaN."""
    return pl.cov(x, y) / x.var()


def _logarithm(values: pl.Expr) -> pl.Expr:
    """NaN where there is none."""
    return pl.when(values > 0).then(values).otherwise(float("nan")).log()
