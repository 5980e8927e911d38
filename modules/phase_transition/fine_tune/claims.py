"""What is claimed of fine-tuning: by Xing et al. 2022 of its cost, its agreement and Table 4; by us of other rules."""

from collections.abc import Iterator, Mapping
from math import log
from typing import Any

import polars as pl

from modules.phase_transition.crossings import RUNNING
from modules.phase_transition.fine_tune.costs import CHEAPEST, WHOLE
from modules.phase_transition.fine_tune.published import Printed
from suite.claims import Claim, Judgement, at_most, direction, equivalence, number
from suite.statistics import Estimate, against, geometric_mean_of, mean_of

CHEAP = 0.2  # "at least 80 % reduction" (Xing et al., App. A)
CLOSE = 0.25  # how near is near, in units of eps_star from scratch: ours; Table 4's own ratios go from 0.52 to 1.42
PRECISION = 0.1  # of a printed eps_star, relative
ONE_CHEAP, ALL_CHEAP = f"one costs at most {CHEAP:.0%} of one from scratch", f"all cost at most {CHEAP:.0%} of all"

OURS = "ours"
_APPENDIX = "App. A"


def cheap(costs: pl.DataFrame) -> Iterator[Claim]:
    """By passes, so that neither the machine nor its load matters: the share is exact, and a single number.

    The paper compares one training with one; all with all also depends on how many strengths each way takes.
    """
    for row in costs.filter(pl.col("what").is_in([CHEAPEST, WHOLE])).drop_nulls("share").iter_rows(named=True):
        for claim, share, source in ((ONE_CHEAP, row["share_each"], _APPENDIX), (ALL_CHEAP, row["share"], OURS)):
            exact = Estimate(share, share, share, 1, "schedules")
            yield Claim(claim, source, at_most(exact, CHEAP + 1e-9), _setting(row), exact)


def close(estimates: pl.DataFrame) -> Iterator[Claim]:
    """The geometric mean of eps_star by fine-tuning over that from scratch, paired by seed, is within CLOSE of 1.

    A seed without one of the two is lost: it could turn the answer.
    """
    compared = estimates.filter(measure=RUNNING[0]).drop_nulls("scratch_outcome")
    for row in _by(compared, "attack", "gradient", "method", values="ratio"):
        ratio = geometric_mean_of(row["values"], "seeds")
        judgement = equivalence(ratio, 1 - CLOSE, 1 + CLOSE, lost=row["lost"])
        yield Claim(f"within {CLOSE:.0%} of from scratch", _APPENDIX, judgement, _setting(row), ratio)


def rules(estimates: pl.DataFrame) -> Iterator[Claim]:
    """eps_star under another gradient rule over that under the first, paired by seed; the paper has one rule."""
    chosen = estimates.filter(method="least-squares")
    if chosen["gradient"].n_unique() < 2:
        return
    first = chosen["gradient"][0]
    on = ["measure", "attack", "seed"]
    pairs = against(chosen, on=on, column="gradient", reference=first, value="eps_star")
    others = pairs.filter(pl.col("gradient") != first).with_columns(over=pl.col("eps_star") / pl.col("reference"))
    for row in _by(others, "measure", "attack", "gradient", values="over"):
        ratio = geometric_mean_of(row["values"], "seeds")
        judgement = direction(mean_of([log(value) for value in row["values"]], "seeds"), lost=row["lost"])
        judgement = Judgement(judgement.verdict, f"logarithm of the ratio: {judgement.note}")
        setting = _setting({**row, "method": "least-squares"})
        yield Claim(f"larger than under {first}", OURS, judgement, setting, ratio)


def one_step(estimates: pl.DataFrame) -> Iterator[Claim]:
    """ "Using FGM leads to a good estimate": eps_star by FGM over that by PGD, paired by seed, within CLOSE of 1."""
    there = estimates.filter(measure=RUNNING[0])
    pgd = there.filter(pl.col("attack").str.starts_with("pgd"))
    if not len(pgd):
        return
    reference = pgd.filter(attack=pgd["attack"][0]).select("gradient", "method", "seed", reference="eps_star")
    fgm = there.filter(pl.col("attack").str.starts_with("fgm"))
    pairs = fgm.join(reference, on=["gradient", "method", "seed"], how="left", maintain_order="left")
    pairs = pairs.with_columns(over=pl.col("eps_star") / pl.col("reference"))
    for row in _by(pairs, "attack", "gradient", "method", values="over"):
        ratio = geometric_mean_of(row["values"], "seeds")
        judgement = equivalence(ratio, 1 - CLOSE, 1 + CLOSE, lost=row["lost"])
        yield Claim(f"FGM's eps_star is within {CLOSE:.0%} of PGD's", _APPENDIX, judgement, _setting(row), ratio)


def table_4(estimates: pl.DataFrame, printed: Mapping[tuple[str, str], Printed]) -> Iterator[Claim]:
    """eps_star beside Table 4's, in its unit; any other setting than the table's leaves nothing to judge."""
    rows = _by(estimates.filter(measure=RUNNING[0], gradient="bp"), "attack", "method", values="eps_star")
    for row in rows:
        if (row["attack"], row["method"]) not in printed:
            continue
        value, same_settings = printed[row["attack"], row["method"]]
        mean = mean_of([255 * star for star in row["values"]], "seeds", "1/255")
        conditions = [] if same_settings else ["other settings than the table's"]
        rounding = 0.5 * 10.0 ** -len(f"{value:g}".partition(".")[2])
        judgement = number(mean, value, PRECISION * value, rounding=rounding, lost=row["lost"], conditions=conditions)
        setting = _setting({**row, "gradient": "bp"})
        yield Claim(f"eps_star is {value:g}/255", "Table 4", judgement, setting, mean, value)


def _by(frame: pl.DataFrame, *columns: str, values: str) -> Iterator[dict[str, Any]]:
    """For each group the values that seeds have, and how many seeds have none: all values are above 0."""
    there = (pl.col(values) > 0).fill_null(value=False)
    groups = frame.group_by(*columns, maintain_order=True)
    return groups.agg(values=pl.col(values).filter(there), lost=(~there).sum()).iter_rows(named=True)


def _setting(row: Mapping[str, Any]) -> str:
    """Measure where several are judged, inner attack, gradient rule, and method or way."""
    return ", ".join(row[name] for name in ("measure", "attack", "gradient", "method", "what") if name in row)
