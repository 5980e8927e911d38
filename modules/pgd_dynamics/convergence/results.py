"""`pgd_dynamics.convergence` analysed: exponents beside the paper's bounds, and its lemmas as claims of networks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import nan
from typing import Any

import polars as pl

from modules.pgd_dynamics.by_network import always
from modules.pgd_dynamics.convergence.config import ConvergenceConfig
from modules.pgd_dynamics.convergence.rates import (
    DISTANCE,
    NEAR,
    bounded_in_eta,
    decay,
    measured,
    over_eta,
    over_schedule,
)
from modules.pgd_dynamics.events import happened
from suite.claims import Claim, at_most
from suite.statistics import Estimate, mean
from suite.tables import Shown

BOUNDS = {NEAR: -2.0, DISTANCE: 0.5}
"""Exponents of Theorem 3.1's bounds in eta: O(eta^-2) and O(eta^(1/2)); a measured one is not below."""

SCHEDULED = -1.0
"""Exponent of Remark 3's bound on D_s in s + z; a measured one is not above."""

LARGEST_BETA = 4.0
"""In kappa: the proof needs D_{s+1} <= (1 - beta eta_s / 2) D_s, and a step leaves (1 - kappa eta_s)^2 of D_s."""

_IS_FINITE, _HAS_OUTPUT, _IS_MINIMUM = pl.col("finite"), happened("near"), pl.col("minimum")
_HAD_TIME = _IS_FINITE & (_HAS_OUTPUT | (pl.col("steps") >= pl.col("eta") ** -2))
"""What was given up before eta^-2 steps, the order that the theorem allows, refutes nothing."""


def by_eta(trajectories: pl.DataFrame) -> pl.DataFrame:
    """Quantiles over all trajectories of what Theorem 3.1 bounds, a row per quantity and eta."""
    amount = _finite("amount")
    return measured(trajectories).group_by("quantity", "eta", maintain_order=True).agg(
        **_quantiles(amount), n=amount.len(), never=pl.len() - amount.len()
    )  # fmt: skip


def by_step(schedules: pl.DataFrame) -> pl.DataFrame:
    """Medians over trajectories of D_s / D_1 and of (s + z) / z, a row per beta and step."""
    usable = decay(schedules).filter(pl.col("ratio").is_finite())
    by = ("beta", "step")
    return usable.group_by(by).agg(time=pl.col("time").median(), **_quantiles(pl.col("ratio")), n=pl.len()).sort(by)


def rates(trajectories: pl.DataFrame, schedules: pl.DataFrame) -> pl.DataFrame:
    """Fitted exponents with intervals over networks, beside the paper's bounds and what is expected.

    lost: networks without an exponent, since one of their trajectories did not arrive.
    """
    in_eta = over_eta(trajectories).with_columns(
        beta=pl.lit(None, pl.Float64), bound=pl.col("quantity").replace_strict(BOUNDS, default=None),
        quantity=pl.col("quantity") + ", in eta",
    )  # fmt: skip
    in_time = over_schedule(schedules).with_columns(
        bound=pl.lit(SCHEDULED),
        quantity=pl.format("D_s in s + z, beta = {} kappa", pl.col("beta").map_elements("{:g}".format, pl.String)),
    )
    fitted = pl.concat([in_eta, in_time], how="diagonal")
    return fitted.group_by("quantity", "beta", "bound", maintain_order=True).agg(
        mean(_finite("slope")), expected=_finite("expected").mean(), lost=pl.len() - _finite("slope").len()
    ).unnest("estimate")  # fmt: skip


def claims(
    trajectories: pl.DataFrame, networks: pl.DataFrame, rates: pl.DataFrame, config: ConvergenceConfig
) -> Iterator[Claim]:
    """Theorem 3.1, Lemmas 4.1 to 4.5 and Corollary 3.1; of steps and rates the paper speaks for BP alone."""
    t, conditions = trajectories, ["eta above eps^2"] * (max(config.etas) > 1)
    yield always("the loss stays finite", "Sec. 2", _units(t, _IS_FINITE))
    yield always("the output is on the sphere with |Gamma| < sqrt(eta)", "Theorem 3.1",
                 _units(t, _HAS_OUTPUT, _HAD_TIME), lost=_lost(t, _HAD_TIME), conditions=conditions)  # fmt: skip
    yield always("beside the output is a strict local minimum of L", "Theorem 3.1",
                 _units(t, _IS_MINIMUM, _HAS_OUTPUT), lost=_lost(t, _HAS_OUTPUT), conditions=conditions)  # fmt: skip
    if config.gradient == "bp":
        yield from _bounds(rates, conditions)
        yield from _beyond_the_theorem(t)
        yield from _lemmas(t)
        yield from _lemma_4_5(t, networks)


def headline(rates: pl.DataFrame) -> Mapping[str, Any]:
    """The exponents."""
    rows = rates.drop_nulls("value").iter_rows(named=True)
    return {row["quantity"]: Estimate.read(row, "networks") for row in rows}


def shown(config: ConvergenceConfig) -> Iterator[Shown]:
    """Exponents and claims."""
    setup = f"d = {config.d}, m = {config.m}, eps = {config.eps:g}, {config.loss} loss, {config.gradient}"
    yield Shown("rates", f"Fitted exponents ({setup}), 95 % intervals over networks")
    yield Shown("claims", "What the paper says and what was measured, 95 % intervals")


def _bounds(rates: pl.DataFrame, conditions: Sequence[str]) -> Iterator[Claim]:
    for row in rates.drop_nulls("bound").iter_rows(named=True):
        estimate, bound, beta = Estimate.read(row, of="networks"), row["bound"], row["beta"]
        if beta is None:
            quantity = row["quantity"].removesuffix(", in eta")
            judgement = bounded_in_eta(estimate, bound, row["expected"], row["lost"], conditions)
            yield Claim(f"{quantity} <= O(eta^{bound:g})", "Theorem 3.1", judgement, measured=estimate)
        else:
            outside = ["beta > 4 kappa, where the corollary's proof fails"] * (beta > LARGEST_BETA)
            judgement = at_most(estimate, bound, lost=row["lost"], conditions=outside)
            claim, setting = f"D_s <= O((s + z)^{bound:g})", f"beta = {beta:g} kappa"
            yield Claim(claim, "Cor. 3.1, Remark 3", judgement, setting, estimate)


def _beyond_the_theorem(t: pl.DataFrame) -> Iterator[Claim]:
    distance, contraction = pl.col("distance"), pl.col("contraction")
    within = distance * pl.col("curvature") <= 1.05 * pl.col("eta").sqrt()
    yield always("distance of the output <= 1.05 sqrt(eta) / kappa", "derived here",
                 _units(t, within, _HAS_OUTPUT & _IS_MINIMUM))  # fmt: skip
    went_on = _HAS_OUTPUT & (happened("settled") | (pl.col("steps") >= pl.col("eta") ** -2))
    yield always("no floor at sqrt(eta): constant eta goes on towards it", "beyond Theorem 3.1",
                 _units(t, pl.col("end_distance") < 0.5 * distance, went_on), lost=_lost(t, went_on))  # fmt: skip
    predicted = (contraction >= pl.col("fast") - 0.01) & (contraction <= pl.col("slow") + 0.01)
    yield always("contraction per step is 1 - eta' kappa", "derived here",
                 _units(t, predicted, (pl.col("settled") > pl.col("near")) & _IS_MINIMUM))  # fmt: skip


def _lemmas(t: pl.DataFrame) -> Iterator[Claim]:
    """Lemmas 4.1, 4.2 and 4.4: extremes over all steps, or points."""
    interior, sphere, error = pl.col("interior_decrease"), pl.col("sphere_decrease"), pl.col("tangent_error")
    inside, moved = t.filter(interior.is_finite()), t.filter(sphere.is_finite())
    for claim, source, units, column, holds in (
        ("an interior step lowers L by at least c eta, c > 0", "Lemma 4.1", inside, interior.min(), interior > 0),
        ("a step on the sphere lowers L by at least c eta^2, c > 0", "Sec. 4", moved, sphere.min(), sphere > 0),
        ("an outward step is tangential up to c |eta dL|^2 / eps, c <= 4", "Lemma 4.2", moved, error.max(), error <= 4),
    ):
        extreme = units.select(column.cast(pl.Float64)).item()
        n = units["network"].n_unique()
        c = Estimate(nan if extreme is None else extreme, nan, nan, n, "networks")
        yield replace(always(claim, source, _units(units, holds)), measured=c)
    yield always("no step on the sphere points inwards, where Lemma 4.2 is false", "Lemma 4.2",
                 _units(t, pl.col("inward") == 0))  # fmt: skip
    yield always("Xi is definite at the minimum, normal direction included", "Lemma 4.4",
                 _units(t, pl.col("definite"), _HAS_OUTPUT))  # fmt: skip


def _lemma_4_5(t: pl.DataFrame, networks: pl.DataFrame) -> Iterator[Claim]:
    """Where Eq. 6 holds the lemma promises; where it fails we show what happens all the same."""
    yield always("Eq. 6 holds (network, eta)", "Lemma 4.5", _units(networks, pl.col("eq_6")))
    known = t.join(networks.select("network", "eta_factor", "eq_6"), on=["network", "eta_factor"], how="left")
    for where, among, conditions in (
        ("where Eq. 6 holds", pl.col("eq_6"), ()), ("where Eq. 6 fails", ~pl.col("eq_6"), ("Eq. 6 fails",)),
    ):  # fmt: skip
        for claim, column in (
            ("never near a maximum", "near_maximum"),
            ("never leaves a minimum's set", "left_minimum"),
        ):
            yield always(claim, "Lemma 4.5", _units(known, pl.col(column) == 0, among), setting=where,
                         conditions=conditions)  # fmt: skip


def _units(frame: pl.DataFrame, holds: pl.Expr, among: pl.Expr | None = None) -> pl.DataFrame:
    """network and whether it `holds`, of the rows for which `among` is true."""
    return (frame if among is None else frame.filter(among)).select("network", holds=holds)


def _lost(t: pl.DataFrame, among: pl.Expr) -> int:
    """Networks with a trajectory that is not among those that a claim can be read off."""
    return t.filter(~among)["network"].n_unique()


def _finite(column: str) -> pl.Expr:
    return pl.col(column).filter(pl.col(column).is_finite())


def _quantiles(values: pl.Expr) -> dict[str, pl.Expr]:
    shares = {"median": 0.5, "tenth": 0.1, "ninetieth": 0.9}
    return {name: values.quantile(share, "linear") for name, share in shares.items()}
