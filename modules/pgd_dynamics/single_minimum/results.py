"""`pgd_dynamics.single_minimum` analysed: shares of networks with one minimum, where they halve, and Theorem 5.1."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import polars as pl

from modules.pgd_dynamics.by_network import always
from modules.pgd_dynamics.single_minimum.config import SingleMinimumConfig
from modules.pgd_dynamics.single_minimum.fits import Cells, Rows
from suite.claims import Claim, power
from suite.statistics import Estimate, bootstrap_of, rate, slope_of
from suite.statistics.frames import COLUMNS
from suite.tables import Shown

PREDICTED = {"d": 0.5, "m": 0.0}
"""Powers of tau = B_l / H for x near 0: sqrt(d), whatever the width."""

TOLERANCE = 0.25
"""Of a power: half-way to the next one that a simple argument could give, 0 or 1 in place of 1/2."""

NETWORK = ("d", "m", "network")  # networks of other d or m share a seed, not their signs a_r
_NUMBER = pl.coalesce(pl.col("exact").cast(pl.Int64), "found")
_IS_GUARANTEED = (pl.col("eps_over_tau") < 1) & pl.col("one_sign")


def shares(minima: pl.DataFrame) -> pl.DataFrame:
    """Per loss, d, m and eps, over networks: the share with exactly one minimum, and what may be missing.

    guaranteed: share with eps < tau and l' of one sign. missing: estimated share of the sphere whose descents would end
    at minima that were not found.
    """
    cells = minima.group_by("loss", "d", "m", "radius", maintain_order=True).agg(
        pl.col("eps").first(),
        rate(_NUMBER == 1),
        minima=_NUMBER.mean(),
        one_sign=pl.col("one_sign").mean(),
        guaranteed=_IS_GUARANTEED.mean(),
        missing=(pl.col("once") / pl.col("starts")).mean(),
        unsettled=pl.col("unsettled").sum(),
    )
    return cells.unnest("estimate")


def thresholds(minima: pl.DataFrame, config: SingleMinimumConfig) -> pl.DataFrame:
    """Per loss, d and m: eps50 and steepness k of share = 1 / (1 + (eps / eps50)^k), fitted by maximum likelihood.

    eps50 is null where the share does not fall through one half on the grid. Intervals are of a bootstrap of networks.
    tau: the median at the smallest eps.
    """
    rows = []
    for (loss,), part in minima.group_by("loss", maintain_order=True):
        cells = _cells(part)
        fits = _bootstrapped(cells.named, config)
        for place, key in enumerate(zip(cells.d, cells.m, strict=True)):
            eps50, steepness = (fits[f"{name} {place}"].columns() for name in ("eps50", "steepness"))
            rows.append([loss, *key, *eps50.values(), steepness["value"]])
    by = {"loss": pl.String, "d": pl.Int64, "m": pl.Int64}
    tau = (pl.col("eps") / pl.col("eps_over_tau")).filter(pl.col("eps") == pl.col("eps").min()).median()
    taus = minima.group_by(by.keys()).agg(tau=tau)
    table = pl.DataFrame(rows, schema={**by, **COLUMNS, "steepness": pl.Float64}, orient="row")
    table = table.join(taus, on=list(by), maintain_order="left")
    return table.with_columns(eps50_over_sqrt_d=pl.col("value") / pl.col("d").sqrt())


def curve(minima: pl.DataFrame, config: SingleMinimumConfig) -> pl.DataFrame:
    """Per loss, the powers p and q of eps50 = constant d^p m^q by least squares on logarithms, with the constant.

    A variable of one value has no power. `predicted` is what tau ~ sqrt(d) gives.
    """
    rows = [
        [loss, variable, *estimate.columns().values(), PREDICTED.get(variable)]
        for (loss,), part in minima.group_by("loss", maintain_order=True)
        for variable, estimate in _bootstrapped(_cells(part).power_law, config).items()
    ]
    schema = {"loss": pl.String, "variable": pl.String, **COLUMNS, "predicted": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def claims(minima: pl.DataFrame, curve: pl.DataFrame, slopes: pl.DataFrame) -> Iterator[Claim]:
    """Theorem 5.1 with tau = B_l / H, descent against the exact count in the plane, powers of the threshold and B_l."""
    single = minima.with_columns(holds=_NUMBER == 1).filter(_IS_GUARANTEED)
    yield always("one minimum where eps < tau and l' keeps its sign", "Theorem 5.1", single, network=NETWORK,
                 setting="tau = B_l / H, sampled")  # fmt: skip
    plane = minima.filter(d=2)
    if len(plane):
        counted = plane.with_columns(holds=pl.col("found") == pl.col("exact"))
        yield always("descent finds all minima of the circle", "circle.py", counted, network=NETWORK, setting="d = 2")
    for row in curve.drop_nulls("predicted").iter_rows(named=True):
        measured = Estimate.read(row, of="networks")
        judgement = power(measured, row["predicted"], TOLERANCE)
        claim = f"eps50 grows as tau near x = 0, like {row['variable']}^{row['predicted']:g}"
        yield Claim(claim, "derived here", judgement, f"{row['loss']} loss", measured)
    yield from _steepness(slopes)


def _steepness(slopes: pl.DataFrame) -> Iterator[Claim]:
    """Lemma 4.3: B_l is of order 1, whatever m and d; powers of its median, fitted together, intervals over sizes.

    With it |Gamma| >= script L B_l sqrt(1 - cos^2), cos of the angle between df and delta, is no more than Pythagoras.
    The lemma bounds cos alone, not |cos|, by beta; so it would be false wherever f is lowest on a sphere: there cos is
    -1 and Gamma 0.
    """
    sizes = slopes.group_by("d", "m", maintain_order=True).agg(pl.col("slope").median())
    logs = {name: np.log(sizes[name].to_numpy()) for name in ("m", "d", "slope")}
    varying = [name for name in ("m", "d") if sizes[name].n_unique() > 1]
    for name in varying:
        measured = slope_of(logs[name], logs["slope"], [logs[other] for other in varying if other != name])
        claim = f"the least slope B_l at eps = 1 / log(1 + m) is of order 1, like {name}^0"
        yield Claim(claim, "Lemma 4.3", power(measured, 0, TOLERANCE), "", measured, 0)


def headline(curve: pl.DataFrame) -> Mapping[str, Any]:
    """The powers and the constant of each loss."""
    rows = curve.drop_nulls("value").iter_rows(named=True)
    return {f"{row['loss']}, power of {row['variable']}": Estimate.read(row, "networks") for row in rows}


def shown(config: SingleMinimumConfig) -> Iterator[Shown]:
    """Thresholds, their powers, and the claims."""
    of = f"{config.networks} networks, scale {config.scale:g}, y = {config.y:g}, {config.starts} starts each"
    yield Shown("thresholds", f"eps50, at which half of the networks have one minimum ({of}), 95 % bootstrap intervals")
    yield Shown("curve", "eps50 = constant d^p m^q, least squares; 95 % bootstrap intervals")
    yield Shown("claims", "Theorem 5.1 with tau = B_l / H, Lemma 4.3, and what descent found beside the exact count")


def _cells(minima: pl.DataFrame) -> Cells:
    """One loss's rows as arrays; cells in the order in which they were measured."""
    parts = minima.partition_by("d", "m", maintain_order=True)
    ordered = [part.with_columns(single=_NUMBER == 1).sort("eps", "network") for part in parts]
    keys = np.array([part.select("d", "m").row(0) for part in parts])
    eps = np.stack([part["eps"].unique().sort().to_numpy() for part in ordered])
    single = np.stack([part["single"].to_numpy().reshape(eps.shape[1], -1).T for part in ordered], 1)
    return Cells(keys[:, 0], keys[:, 1], eps, single.astype(float))


def _bootstrapped(statistic: Callable[[Rows], dict[str, float]], config: SingleMinimumConfig) -> dict[str, Estimate]:
    return bootstrap_of(statistic, range(config.networks), "networks", resamples=config.resamples, seed=config.seed)
