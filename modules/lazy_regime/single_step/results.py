"""`lazy_regime.single_step` analysed: from one row per net, direction and test point to nets, powers and claims.

Nets of one d, m and C0 are independent; a net's points, and the nets of one run at several C0, are not.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import inf
from typing import Any

import numpy as np
import polars as pl

from modules.lazy_regime.generalising import TEST_ERROR
from modules.lazy_regime.single_step import claims as judged
from modules.lazy_regime.single_step.config import SingleStepConfig
from modules.lazy_regime.single_step.published import POWERS
from modules.lazy_regime.single_step.turning import turned_power
from suite.claims import Claim
from suite.statistics import Estimate, against, estimates, geometric_mean, log_log_slope, mean
from suite.tables import Shown

NET = ("d", "m", "c0", "run")

QUANTITIES = ("accuracy", "flipped", "distance", "cosine", "ratio", *POWERS)

FEWEST_POINTS = 20  # of a net, for the shape of their histogram


def nets(samples: pl.DataFrame, config: SingleStepConfig) -> pl.DataFrame:
    """A row per net and direction: means over the test points that the net gets right and that a step flips.

    n: points that it gets right; flipped: the share of them that some step flips; accuracy: of all test points.
    Standard deviations are over points. largest: of |delta| / |x|. radius_90: the radius over |x| within which
    nine of ten test points are wrong or flipped, so that the robust error there is 0.9 at least. ratio: geometric mean
    over points of delta over the gradient's delta.
    """
    right, zero = _is_right(), config.misclassified == "zero"  # wrong points count as flipped by 0
    used = right & pl.col("delta").is_finite() | ~right & zero
    delta = pl.when(right).then("delta").otherwise(0.0)
    sizes = {"gradient": pl.col("gradient").filter(right | zero), "eta": _eta(delta).filter(used)}
    sizes |= {"delta": delta.filter(used), "eta_over_norm": (_eta(delta) / pl.col("norm")).filter(used)}
    sizes["delta_over_norm"] = (delta / pl.col("norm")).filter(used)
    both = right & pl.all_horizontal((pl.col(name) > 0) & pl.col(name).is_finite() for name in ("delta", "reference"))
    pairs = against(samples, on=[*NET, "id"], column="direction", reference="bp", value="delta")
    of_nets = pairs.group_by(*NET, "direction", maintain_order=True).agg(
        pl.col("steps", "left", "distance").first(),
        accuracy=right.mean(),
        n=right.sum().cast(pl.Int64),
        flipped=pl.col("delta").is_finite().filter(right).mean(),
        **{name: size.mean() for name, size in sizes.items()},
        **{f"{name}_std": size.std(ddof=0) for name, size in sizes.items()},
        largest=(pl.col("delta") / pl.col("norm")).filter(right & pl.col("delta").is_finite()).max(),
        radius_90=pl.when(right).then(pl.col("delta") / pl.col("norm")).otherwise(0.0).quantile(0.9, "higher"),
        cosine=pl.col("cosine").filter(right).mean(),
        ratio=(pl.col("delta") / pl.col("reference")).filter(both).log().mean().exp(),
    )
    return of_nets.with_columns(note=_note())


def points(samples: pl.DataFrame, config: SingleStepConfig) -> pl.DataFrame:
    """The test points of the largest nets with the largest C0: what histograms are drawn from.

    delta and eta are infinite where no step flips.
    """
    largest = samples.filter(pl.col("d") == pl.col("d").max(), m=max(config.widths), c0=max(config.c0s))
    return largest.select(
        "run", "id", "margin", "norm", "gradient", "delta", "cosine", "direction", eta=_eta(pl.col("delta"))
    )


def settings(nets: pl.DataFrame) -> pl.DataFrame:
    """Per direction, d, m and C0 and for every quantity: the mean over nets with its interval."""
    by = ["direction", "d", "m", "c0", "quantity"]
    means = _long(nets, QUANTITIES).group_by(by, maintain_order=True).agg(mean("value")).unnest("estimate")
    return means.sort("direction", "m", "c0", "d", maintain_order=True)


def slopes(nets: pl.DataFrame, config: SingleStepConfig) -> pl.DataFrame:
    """Powers p of quantity = constant x d^p, per direction, m and C0; published: Theorem 3.1's, of the gradient.

    turned: the power over these d of our closed form for nets that use their whole ball, see `turning`.
    """
    found = _powers(nets, "d", "c0").with_columns(
        published=pl.col("quantity").replace_strict(POWERS, return_dtype=pl.Float64)
    )
    sizes = np.sort(nets["d"].unique().to_numpy()).astype(np.float64)
    derived = config.unit_norm and not config.biases
    turned = [
        turned_power(row["quantity"], sizes, row["c0"]) if derived and row["direction"] == "bp" else None
        for row in found.iter_rows(named=True)
    ]
    return found.with_columns(turned=pl.Series(turned, dtype=pl.Float64))


def generalising(nets: pl.DataFrame) -> pl.DataFrame:
    """Per m and C0: test accuracy, mean over runs of a run's mean over d; the lowest; how many nets generalise."""
    true, accuracy = nets.filter(direction="bp"), pl.col("accuracy")
    by = ["m", "c0"]
    of_runs = true.group_by(*by, "run", maintain_order=True).agg(accuracy.mean())
    means = of_runs.group_by(by, maintain_order=True).agg(mean("accuracy")).unnest("estimate")
    counts = true.group_by(by, maintain_order=True).agg(
        lowest=accuracy.min(),
        generalise=(accuracy >= 1 - TEST_ERROR).sum().cast(pl.Int64),
        nets=pl.len().cast(pl.Int64),
        left=pl.col("left").sum().cast(pl.Int64),
    )
    return means.join(counts, on=by, how="left", maintain_order="left").sort(by, maintain_order=True)


def growth(nets: pl.DataFrame) -> pl.DataFrame:
    """Powers p of quantity = constant x C0^p, per direction, m and d."""
    return _powers(nets, "c0", "d")


def directions(nets: pl.DataFrame, config: SingleStepConfig) -> pl.DataFrame | None:
    """Per d, m and C0, the step along the rule's direction over that along the gradient: geometric mean over nets.

    Below 1 the rule's direction flips with less. Each net's ratio is a geometric mean over its points. cosine: between
    the two directions.
    """
    if config.gradient == "bp":
        return None
    others = nets.filter(pl.col("direction") != "bp").sort("m", "c0", "d", maintain_order=True)
    cells = others.group_by("direction", "d", "m", "c0", maintain_order=True)
    return cells.agg(geometric_mean("ratio"), pl.col("cosine").mean()).unnest("estimate")


def shapes(points: pl.DataFrame, config: SingleStepConfig) -> pl.DataFrame:
    """Skewness and excess kurtosis over the points of each net (0 and 0 for a Gaussian), mean over nets.

    lost: nets with too few points that a step flips, or whose points are all alike.
    """
    used = _is_right() & pl.col("delta").is_finite()
    names, value = ("delta", "gradient", "eta"), pl.col("value")
    long = points.filter(direction="bp").select("run", *(pl.when(used).then(name).alias(name) for name in names))
    varied = (value.count() > FEWEST_POINTS) & (value.max() - value.min() > 1e-6 * value.mean())
    moments = {"skewness": value.skew(), "excess kurtosis": value.kurtosis()}
    of_nets = (
        long.unpivot(names, index="run", variable_name="quantity")
        .group_by("quantity", "run", maintain_order=True)
        .agg(**{name: pl.when(varied).then(moment) for name, moment in moments.items()})
        .unpivot([*moments], index="quantity", variable_name="moment")
        .sort("quantity", maintain_order=True)
    )
    means = of_nets.group_by("quantity", "moment", maintain_order=True).agg(mean("value")).unnest("estimate")
    return means.with_columns(lost=config.networks - pl.col("n"))


def claims(
    samples: pl.DataFrame, nets: pl.DataFrame, slopes: pl.DataFrame, growth: pl.DataFrame, shapes: pl.DataFrame,
    directions: pl.DataFrame | None, config: SingleStepConfig,
) -> Iterator[Claim]:  # fmt: skip
    """Fig. 2, 3 and 7 (5 and 6 at norm 1), Theorem 3.1, and LinBP's direction against the gradient's."""
    true = nets.filter(direction="bp")
    yield from judged.of_dimension(true, slopes.filter(direction="bp"), config)
    yield from judged.of_turning(true, slopes.filter(direction="bp"))
    yield from judged.of_radius(true, growth.filter(direction="bp"), config)
    yield from judged.of_shapes(true, shapes, config)
    yield from judged.of_theorem(samples.filter(_is_right(), direction="bp"), true)
    if directions is not None:
        yield from judged.of_directions(directions, config)


def headline(slopes: pl.DataFrame, config: SingleStepConfig) -> Mapping[str, Any]:
    """The three powers of d for the widest nets in the largest balls."""
    largest = slopes.filter(direction="bp", m=max(config.widths), c0=max(config.c0s))
    powers = {row["quantity"]: Estimate.read(row, "runs") for row in largest.iter_rows(named=True)}
    return {f"power of d in {name}": powers[name] for name in ("gradient", "eta", "delta")}


def shown() -> Iterator[Shown]:
    """The claims."""
    yield Shown("claims", "What the paper says, beside what was measured")


def _is_right() -> pl.Expr:
    """Whether the net classifies the point correctly; polars has NaN above all numbers."""
    return (pl.col("margin") > 0) & pl.col("margin").is_not_nan()


def _eta(delta: pl.Expr) -> pl.Expr:
    """delta over the gradient's length. No multiple of a zero gradient is a step but that of length 0."""
    otherwise = pl.when(delta > 0).then(inf).otherwise(0.0)
    return pl.when(pl.col("gradient") > 0).then(delta / pl.col("gradient")).otherwise(otherwise)


def _note() -> pl.Expr:
    """What to know about a net that is not what one expects."""
    return (
        pl.when(pl.col("n") == 0)
        .then(pl.lit("classifies no test point correctly: nothing to flip"))
        .when(pl.col("left") & (pl.col("steps") == 0))
        .then(pl.lit("left its ball at the first step: this is the net at initialisation"))
        .when("left")
        .then(pl.lit(""))
        .otherwise(pl.lit("never left its ball: the last iterate"))
    )


def _long(nets: pl.DataFrame, quantities: Sequence[str]) -> pl.DataFrame:
    """A row per net, direction and quantity."""
    return nets.unpivot(quantities, index=["direction", *NET], variable_name="quantity")


def _powers(nets: pl.DataFrame, x: str, fixed: str) -> pl.DataFrame:
    """Powers of x: least squares on logarithms for each run, Student's interval over the runs.

    lost: runs without a power, since somewhere they have no value (no correct point, no flip) or it is 0.
    """
    by, value = ["direction", "m", fixed, "quantity"], pl.col("value")
    places = _long(nets, [*POWERS]).filter(pl.col(x) > 0).sort("direction", "m", fixed, maintain_order=True)
    usable = ((value > 0) & value.is_finite()).fill_null(False)
    runs = places.with_columns(whole=usable.all().over(*by, "run"))
    fits = estimates(
        runs.filter("whole"), by, lambda cell: log_log_slope(cell[x], cell["value"], cell["run"], of="nets")
    )
    lost = runs.group_by(by, maintain_order=True).agg(
        lost=pl.col("run").filter(~pl.col("whole")).n_unique().cast(pl.Int64)
    )
    return lost.join(fits, on=by, how="left", maintain_order="left").select(
        *by, "value", "low", "high", pl.col("n").fill_null(0), "lost"
    )
