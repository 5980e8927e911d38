"""`phase_transition.connectivity` analysed: from losses along paths to how high they climb, and the claims of Fig. 4.

Two numbers tell how high a path climbs: its barrier, the highest loss minus the larger loss of its two ends; and its
excess, the highest it rises above the straight line between the losses of the two ends (Frankle et al. 2020).
"""

from collections.abc import Iterator
from typing import Any

import polars as pl

from modules.phase_transition.connectivity.config import ConnectivityConfig
from suite.claims import Claim, Judgement, at_least, direction
from suite.statistics import Estimate, mean, mean_of, named, paired
from suite.tables import Shown

NUMBERS = ("barrier", "excess", "low_share", "start_loss", "end_loss", "asymmetry")

_FIGURE, _OURS = "Fig. 4", "ours"
_PATHS = {"eps": pl.Float64, "seed": pl.Int64, "path": pl.String, "t": pl.Float64, "loss": pl.Float64}


def barriers(paths: pl.DataFrame, ends: pl.DataFrame) -> pl.DataFrame:
    """A row for each strength, seed and path whose losses are finite.

    barrier: the path's highest loss minus the larger loss of its two ends, >= 0. excess: the most by which the loss is
    above the line between the losses of the two ends, >= barrier. low_share: of the path's points, those
    with a loss below the clean model's test loss R*: the low-loss region by the paper's own measure of a loss that
    training reaches. asymmetry: the loss of the adversarial end minus that of the clean one.
    """
    by, loss, t = ["eps", "seed", "path"], pl.col("loss"), pl.col("t")
    start, end = loss.first(), loss.last()
    thresholds = ends.filter(end="start").select("seed", threshold="clean_test_loss")
    points = paths.select(pl.col(name).cast(kind) for name, kind in _PATHS.items())
    points = points.filter(loss.is_finite().fill_null(value=False).all().over(by))
    points = points.join(thresholds, on="seed", how="left", maintain_order="left")
    return points.group_by(by, maintain_order=True).agg(
        barrier=loss.max() - pl.max_horizontal(start, end),
        excess=(loss - (1 - t) * start - t * end).max(),
        highest_at=t.get(loss.arg_max()),
        low_share=(loss < pl.col("threshold")).mean(),
        start_loss=start,
        end_loss=end,
        asymmetry=end - start,
        threshold=pl.col("threshold").first(),
    )


def means(barriers: pl.DataFrame) -> pl.DataFrame:
    """Of `barriers` over seeds, with Student's 95 % intervals: a row for each path and strength."""
    cells = barriers.sort("path", maintain_order=True).group_by("path", "eps", maintain_order=True)
    table = cells.agg(*(named(mean(name), name) for name in NUMBERS), threshold=pl.col("threshold").mean(), n=pl.len())
    return table.unnest(*NUMBERS)


def profiles(paths: pl.DataFrame) -> pl.DataFrame:
    """The loss at each point of each path: mean over the seeds where it is finite, with Student's 95 % interval."""
    points = paths.select(pl.col(name).cast(kind) for name, kind in _PATHS.items())
    finite = pl.when(pl.col("loss").is_finite()).then("loss")
    return points.group_by("path", "eps", "t", maintain_order=True).agg(mean(finite)).unnest("estimate")


def claims(barriers: pl.DataFrame, config: ConnectivityConfig) -> Iterator[Claim]:
    """What Sec. 5.2 reads off Fig. 4, over seeds; those without a curve are lost.

    At the smallest eps > 0 most of the curve lies in the low-loss region. From there to the largest eps the adversarial
    model moves out of the basin: its clean loss rises above the clean model's. Of the way between the paper says
    nothing: whether the excess rises is our question.
    """
    curve = barriers.filter(pl.col("eps") > 0, path="curve")
    if curve.is_empty():
        return
    small, large = min(eps for eps in config.eps if eps), max(config.eps)
    share = mean_of(curve.filter(eps=small)["low_share"], "seeds")
    judgement = at_least(share, 0.5, lost=config.seeds - share.n)
    yield Claim("most of the curve has a loss below R*", _FIGURE, judgement, f"eps {small:.4g}", share)
    if large > small:
        setting = f"eps {large:.4g} against {small:.4g}"
        for name, source, claim in (
            ("asymmetry", _FIGURE, "the loss of the adversarial end rises above that of the clean one"),
            ("excess", _OURS, "the excess of the curve rises"),
        ):
            rise, judgement = _rise(curve, name, small, large, config.seeds)
            yield Claim(claim, source, judgement, setting, rise)


def headline(means: pl.DataFrame) -> dict[str, Any]:
    """How high the curve climbs at each strength."""
    return {
        f"climb along the curve, eps {row['eps']:.4g}": Estimate(
            row["excess"], row["excess_low"], row["excess_high"], row["n"], "seeds"
        )
        for row in means.filter(path="curve").iter_rows(named=True)
    }


def shown(barriers: pl.DataFrame, claims: pl.DataFrame, config: ConnectivityConfig) -> Iterator[Shown]:
    """Means over seeds, and claims where there are any."""
    if barriers.is_empty():
        return
    about = f"{config.model} on {config.dataset}, {config.norm}, {config.initialisation} initial weights"
    seeds = f"{config.seeds} seed{'s' * (config.seeds > 1)}"
    intervals = [f"{name}{end}" for name in ("barrier", "excess") for end in ("", "_low", "_high")]
    columns = ("path", "eps", *intervals, "low_share", "start_loss", "end_loss", "n")
    yield Shown("means", f"{about}: clean training loss on the way to the adversarial model, {seeds}", columns)
    if len(claims):
        yield Shown("claims", "What Sec. 5.2 says, as numbers: mean over seeds, 95 % interval, and what follows")


def notes(ends: pl.DataFrame, paths: pl.DataFrame) -> Iterator[str]:
    """Models and curves that diverged."""
    for row in ends.filter("diverged").iter_rows(named=True):
        yield f"{row['end']} with eps {row['eps']}, seed {row['seed']} diverged: left out"
    whole = ends.filter(~pl.col("diverged"))
    connectable = whole.filter(end="end").join(whole.filter(end="start"), on="seed", how="semi", maintain_order="left")
    measured = paths.select(pl.col(name).cast(_PATHS[name]) for name in ("eps", "seed"))
    bent = connectable.join(measured, on=["eps", "seed"], how="anti", maintain_order="left")
    for eps, seed in bent.select("eps", "seed").iter_rows():
        yield f"the curve to eps {eps}, seed {seed} diverged: left out"


def _rise(curve: pl.DataFrame, name: str, small: float, large: float, seeds: int) -> tuple[Estimate, Judgement]:
    """By how much a number is larger at the larger strength, by seed, and whether that is above 0."""
    pairs = paired(curve, on=["seed"], column="eps", first=large, second=small, value=name).drop_nulls()
    rise = mean_of(pairs["first"] - pairs["second"], "seeds")
    return rise, direction(rise, lost=seeds - rise.n)
