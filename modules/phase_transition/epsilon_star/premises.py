"""What eps_star rests on: a loss that is nearly linear in eps, and a strength that does not hang on how it is read."""

from collections.abc import Iterator

import polars as pl

from modules.phase_transition.crossings import FACTORS, RUNNING, counts
from suite.claims import Claim, equivalence, power
from suite.statistics import geometric_mean_of, log_log_slope

TOLERANCE = 0.25  # of a power, ours: losses printed for CIFAR-10 rise like eps^0.86, those for SVHN like eps^4.8
CLOSE = 0.25  # how near is near, in units of eps_star: ours, as in `fine_tune`


def linear(losses: pl.DataFrame) -> Iterator[Claim]:
    """Fig. A.1: the adversarial training loss is approximately linear in eps, hence extrapolated by a line.

    Judged is the power of eps in its rise above the clean training loss, a power for each seed.
    """
    there = losses.filter(counts("train_loss"))
    clean = there.filter(pl.col("eps") == 0).select("model", "samples", "seed", clean="train_loss")
    risen = there.filter(pl.col("eps") > 0).join(clean, on=["model", "samples", "seed"], maintain_order="left")
    risen = risen.with_columns(rise=pl.col("train_loss") - pl.col("clean"))
    for (kind,), group in risen.group_by(["kind"], maintain_order=True):
        by_seed = group.filter((pl.col("rise") > 0) & (pl.len().over("seed") > 1))
        if len(by_seed):
            lost = group["seed"].n_unique() - by_seed["seed"].n_unique()
            measured = log_log_slope(by_seed["eps"], by_seed["rise"], by_seed["seed"], "seeds")
            judgement = power(measured, 1, TOLERANCE, lost=lost)
            yield Claim("the loss rises like eps^1", "Fig. A.1", judgement, str(kind), measured, 1)


def same_by_either_measure(crossings: pl.DataFrame) -> Iterator[Claim]:
    """eps_star by the loss of the selected weights over that by the epoch's running loss, paired by seed.

    The paper defines the former and reports the latter. A seed without a crossing by one of them is lost.
    """
    wide = crossings.with_columns(value=pl.when(outcome="bracketed").then("eps_star"))
    for name, group in wide.filter(pl.col("measure") != RUNNING[0]).group_by(*FACTORS, "measure", maintain_order=True):
        keys = [*FACTORS, "seed"]
        running = wide.filter(measure=RUNNING[0]).select(*keys, running="value")
        both = group.join(running, on=keys, how="left").select(over=pl.col("value") / pl.col("running"))
        ratios = both["over"].drop_nulls()
        measured = geometric_mean_of(ratios, "seeds")
        judgement = equivalence(measured, 1 - CLOSE, 1 + CLOSE, lost=len(both) - len(ratios))
        setting = f"{group['kind'][0]}, {name[-1]} over {RUNNING[0]}"
        yield Claim("eps_star is the same by either measure", "Sec. 5.1", judgement, setting, measured, 1)
