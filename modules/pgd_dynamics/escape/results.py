"""`pgd_dynamics.escape` analysed: steps to leave local minima of the loss, and what the paper says of Fig. 2 and 3."""

from collections.abc import Iterator, Mapping
from math import inf
from typing import Any

import numpy as np
import polars as pl

from modules.pgd_dynamics.escape import pairs
from modules.pgd_dynamics.escape.config import EscapeConfig
from modules.pgd_dynamics.escape.kinds import KINDS, MINIMUM
from suite.claims import Claim, majority
from suite.statistics import Estimate, cluster_rate, estimates, median, named
from suite.tables import Shown

SHARE = 0.9
STATIONARY = 0.9999  # least cosine of gradient and outward normal at the end: within 0.8 degrees

CELL = ("epoch", "scale", "ratio")
WAY = (*CELL, "rule", "gradient")
_START = ("seed", *CELL, "id")
_OF = "networks"
_IS_MINIMUM = pl.col("kind") == MINIMUM

EQUIVARIANT = (
    "a ReLU network without biases is scale-equivariant, so that with a fixed raw step a larger ball takes more steps "
    "by construction, whatever the landscape"
)


def starts(maxima: pl.DataFrame) -> pl.DataFrame:
    """Per epoch, scale and ratio: how many descents ended at a local minimum, and why others were discarded.

    pinned: share of the minima where the gradient points out of the ball, so that projection holds an ascent.
    least_curvature: median of the smallest tangential curvature in units of |gradient| / eps, 1 for a linear function;
    null for ReLU networks.
    """
    counts = {kind.replace(" ", "_"): (pl.col("kind") == kind).sum() for kind in KINDS}
    return maxima.group_by(CELL).agg(
        pl.col("eps").first(),
        tried=pl.len(),
        **counts,
        pinned=_exceeds("outward", 0).filter(_IS_MINIMUM).mean(),
        least_curvature=pl.col("lowest").cast(pl.Float64).filter(_IS_MINIMUM).median(),
    ).sort(CELL)  # fmt: skip


def ascents(trajectories: pl.DataFrame) -> pl.DataFrame:
    """A row for each ascent: losses, steps to 90 %, and how it ends.

    to_90: steps until 90 % of the rise to the best final loss that any ascent from that start reached; null where it
    did not get there. to_90_of_final: until 90 % of its own last loss, the plain reading, which is 0 where the rise
    is small beside the loss. to_90_of_rise: until 90 % of its own rise, which says little of an ascent that did not
    leave. stationary: ended on the sphere, the true gradient outward.
    """
    losses = _losses(trajectories)
    frame = trajectories.drop("loss").with_columns(
        start_loss=losses[:, 0],
        end_loss=losses[:, -1],
        stationary=_exceeds("end_radius", 1 - 1e-6) & _exceeds("end_outward", STATIONARY),
    )
    frame = frame.with_columns(best_loss=pl.col("end_loss").max().over(_START))
    first, last, best = (frame[name].to_numpy() for name in ("start_loss", "end_loss", "best_loss"))
    return frame.with_columns(
        to_90=_first_steps(losses, first + SHARE * (best - first), best > first),
        to_90_of_final=_first_steps(losses, SHARE * last),
        to_90_of_rise=_first_steps(losses, first + SHARE * (last - first), last > first),
    )


def escape(ascents: pl.DataFrame) -> pl.DataFrame:
    """Per epoch, scale, ratio, step rule and gradient rule: medians over starts, and the share that got away.

    to_90: infinite where half of the starts did not get there; its limits are exact for independent starts, and those
    of one network are not: seed_low and seed_high are the range of the medians of single networks. reached: the share
    that got there, its limits by networks.
    """
    steps = pl.col("to_90").cast(pl.Float64).fill_null(inf)
    medians = ascents.group_by(WAY).agg(
        pl.col("eps").first(),
        pl.col("start_loss", "end_loss", "best_loss", "to_90_of_final", "first_step", "apart").median(),
        named(median(steps), "to_90"),
        n=pl.len(),
        seeds=pl.col("seed").n_unique(),
        to_90_of_rise=pl.col("to_90_of_rise").cast(pl.Float64).fill_null(inf).median(),
        stationary=pl.col("stationary").mean(),
    )
    networks = ascents.group_by(*WAY, "seed").agg(steps=steps.median()).group_by(WAY).agg(
        seed_low=pl.col("steps").min(), seed_high=pl.col("steps").max()
    )  # fmt: skip
    reached = estimates(ascents, WAY, lambda part: cluster_rate(part["to_90"].is_not_null(), part["seed"], _OF))
    reached = reached.select(*WAY, reached="value", reached_low="low", reached_high="high")
    return medians.unnest("to_90").join(networks, on=WAY).join(reached, on=WAY).sort(WAY)


def curves(trajectories: pl.DataFrame) -> pl.DataFrame:
    """Medians over starts at every step: the loss, and the share of the rise to the best final loss."""
    first, last = pl.col("loss").list.first(), pl.col("loss").list.last()
    risen = trajectories.with_columns(rise=last.max().over(_START) - first)
    return pl.concat(_curve(part) for part in risen.sort(WAY).partition_by(WAY, maintain_order=True))


def comparisons(ascents: pl.DataFrame, config: EscapeConfig) -> pl.DataFrame:
    """Pairs of cells, start by start: how many speak for what is claimed, how many against, and how many for neither.

    value: share of all that speak for it, with limits by networks; n counts the networks.
    """
    outcomes, by = pairs.outcomes(ascents, config.steps), ("claim", "source", "rule", "gradient", "cell")
    counts = outcomes.group_by(by, maintain_order=True).agg(
        in_favour=pl.col("holds").sum(), against=(~pl.col("holds")).sum(), undecided=pl.col("holds").null_count()
    )
    return counts.join(estimates(outcomes, by, _share), on=by, maintain_order="left")


def claims(ascents: pl.DataFrame, config: EscapeConfig) -> Iterator[Claim]:
    """Each claim of Fig. 2 and 3 as that of a majority of its pairs, for every step rule; a network has one voice."""
    by = ("claim", "source", "rule", "gradient")
    for (claim, source, rule, gradient), part in pairs.outcomes(ascents, config.steps).group_by(
        by, maintain_order=True
    ):
        by_construction = claim == pairs.SMALLER_SCALE[0] and (rule, config.activation) == ("raw", "relu")
        yield Claim(
            str(claim),
            str(source),
            majority(part["holds"], part["seed"], of=_OF, conditions=[EQUIVARIANT] if by_construction else []),
            f"{rule} steps" if gradient == "bp" else f"{rule} steps, {gradient}",
            _share(part),
        )


def headline(starts: pl.DataFrame) -> Mapping[str, Any]:
    """How many descents ended at local minima."""
    tried, minima = int(starts["tried"].sum()), int(starts["minimum"].sum())
    return {"starts": tried, "local_minima": minima, "discarded": tried - minima}


def notes(ascents: pl.DataFrame, config: EscapeConfig) -> Iterator[str]:
    """Where raw steps are longer than the ball is wide, and the bound of the theory."""
    raw = ascents.filter(rule="raw", gradient="bp")
    over = raw.filter(pl.col("first_step") > 2)
    if len(over):
        eps = float(over.select(pl.col("eps").max()).item())
        yield (
            f"eta = {config.eta:g}: the first raw step is longer than the ball is wide in {len(over)} of {len(raw)} "
            f"ascents, up to eps = {eps:.3g} (Theorem 3.1 asks for eta < eps^2, at most {eps**2:.3g} there)"
        )


def shown(config: EscapeConfig) -> Iterator[Shown]:
    """Starts, steps and claims."""
    of = f"{config.model} / {config.dataset}, {config.activation}, {config.samples} samples x {config.seeds} networks"
    yield Shown("starts", f"Local minima of the loss on the sphere: {of}")
    limits = ("to_90", "to_90_low", "to_90_high", "reached", "reached_low", "reached_high")
    columns = (*WAY, "n", "first_step", "start_loss", "end_loss", *limits, "to_90_of_final", "stationary")
    yield Shown(
        "escape", f"Median steps to 90 % of the rise to the best final loss; first_step is in eps: {of}", columns
    )
    yield Shown("claims", "What the paper says of Fig. 2 and 3, of most pairs of starts; networks are counted")


def _exceeds(column: str, least: float) -> pl.Expr:
    """Whether a number is larger; NaN, the cosine of a gradient that is 0, is not."""
    return (pl.col(column) > least) & pl.col(column).is_not_nan()


def _share(outcomes: pl.DataFrame) -> Estimate:
    """The share of pairs that speak for a claim."""
    return cluster_rate(outcomes["holds"].fill_null(False), outcomes["seed"], _OF)


def _curve(way: pl.DataFrame) -> pl.DataFrame:
    losses, rise = _losses(way), way["rise"].to_numpy()
    risen = losses[rise > 0]
    share = (risen - risen[:, :1]) / rise[rise > 0, None] if len(risen) else np.zeros_like(losses)
    steps = {"step": np.arange(losses.shape[1]), "loss": np.median(losses, 0), "share": np.median(share, 0)}
    return way.select(WAY).head(1).join(pl.DataFrame(steps).with_columns(n=len(way)), how="cross")


def _losses(trajectories: pl.DataFrame) -> np.ndarray:
    """(N, T + 1), in nats."""
    return np.array(trajectories["loss"].to_list(), dtype=np.float64)


def _first_steps(losses: np.ndarray, levels: np.ndarray, rises: np.ndarray | None = None) -> pl.Series:
    """The first step (N,) whose loss reaches the level; null where none does, or where the loss does not rise."""
    reaches = losses >= levels[:, None]
    known = reaches.any(1) if rises is None else reaches.any(1) & rises
    return pl.select(pl.when(pl.lit(pl.Series(known))).then(pl.lit(pl.Series(reaches.argmax(1))))).to_series()
