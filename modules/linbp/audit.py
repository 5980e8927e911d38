"""Can an attack's numbers be believed? Signs that a gradient is masked or that an attack is not done.

What a model hides from an attack is no robustness (Athalye, Carlini, Wagner, ICML 2018, Sec. 3.1; Carlini et al.,
2019). A sign is no proof, and silence is none either: only a stronger attack shows that one was weak.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from math import ceil
from typing import Any

import polars as pl

from suite.refs import format_number
from suite.statistics import PairedTest, holm_of, mcnemar_of

LEVEL = 0.05  # of the tests together (Holm)
STILL_RISING = 0.02  # share of the images that the last quarter of the steps may still fool

SCHEMA = {"flag": pl.String, "gradient": pl.String, "eps": pl.Float64, "evidence": pl.String, "remedy": pl.String}

HIDDEN = "try --loss stable_ce, --attack autoattack (its Square needs no gradient), or images made on another model"

HIDDEN_AT_HOME = "the surrogate may hide its gradient: try --loss stable_ce, or more steps"


@dataclass(frozen=True)
class Flag:
    """A reason to doubt a row.

    Args:
        flag: its name.
        gradient: the rule that it is about; empty for all.
        eps: the strength that it is about; None for all.
        evidence: what was seen.
        remedy: what to try.
    """

    flag: str
    gradient: str
    eps: float | None
    evidence: str
    remedy: str


def table(flags: Iterable[Flag]) -> pl.DataFrame:
    """A row for each flag, in the columns of SCHEMA, also where there is none."""
    return pl.DataFrame([asdict(flag) for flag in flags], schema=SCHEMA)


def lines(audit: pl.DataFrame) -> Iterator[str]:
    """A warning for each flag."""
    for row in audit.iter_rows(named=True):
        at = "" if row["eps"] is None else f"eps {format_number(row['eps'])}"
        where = ", ".join(part for part in (row["gradient"], at) if part)
        yield f"{row['flag']}{f' ({where})' if where else ''}: {row['evidence']}; {row['remedy']}"


def beside(cells: pl.DataFrame, audit: pl.DataFrame) -> pl.DataFrame:
    """The table with a column `audit`: flags that concern a row's `gradient` and `eps`; empty where there is none."""
    keys = cells.select("gradient", "eps").unique()
    both = keys.join(audit, how="cross", suffix="_flagged").filter(
        ((pl.col("gradient_flagged") == "") | (pl.col("gradient_flagged") == pl.col("gradient")))
        & (pl.col("eps_flagged").is_null() | (pl.col("eps_flagged") == pl.col("eps")))
    )
    flags = both.group_by("gradient", "eps").agg(audit=pl.col("flag").unique(maintain_order=True).str.join(", "))
    joined = cells.join(flags, on=["gradient", "eps"], how="left", maintain_order="left")
    return joined.with_columns(pl.col("audit").fill_null(""))


def wrapped(flag: str, said: Iterable[str], remedy: str, gradient: str = "") -> Iterator[Flag]:
    """Cautions as flags."""
    for line in said:
        yield Flag(flag, gradient, None, line, remedy)


def outputs(probe: Mapping[str, Any]) -> Iterator[Flag]:
    """Outputs that an attack takes for what they are not (`suite.attacks.OutputProbe`)."""
    if probe["probabilities"]:
        yield Flag(
            "probabilities", "", None, "the outputs are >= 0 and sum to 1, like a softmax: its gradient vanishes",
            "give the model without its last softmax",
        )  # fmt: skip
    if probe["stochastic"]:
        yield Flag(
            "stochastic", "", None, f"two calls differ on {probe['stochastic']:.0%} of the images",
            "switch the noise or dropout off, or attack the mean over many calls",
        )  # fmt: skip


def unbounded(probes: Mapping[str, Mapping[str, int]]) -> Iterator[Flag]:
    """Rules under which an attack without a bound leaves images as they are (`suite.attacks.UnboundedProbe`)."""
    for gradient, probe in probes.items():
        if probe["fooled"] < probe["images"]:
            still = f", and the loss of {probe['not_risen']} does not rise" if probe["not_risen"] else ""
            evidence = f"an attack without a bound fools {probe['fooled']} of {probe['images']} images only{still}"
            yield Flag("unbounded attack fails", gradient, None, evidence, "success under a bound says little")


def weaker_with_more(samples: pl.DataFrame, steps: Sequence[int | None]) -> Iterator[Flag]:
    """Success that falls where it can only rise: with eps at the last step, and from the first step to the last.

    McNemar's test on the same images; all tests are one family (Holm).

    Args:
        samples: a row per image, rule and eps; `fooled` holds a boolean for each of `steps`.
        steps: of the readings in `fooled`.
    """
    cases = [*_by_eps(samples), *_by_steps(samples, steps)]
    adjusted = holm_of([test.p_value for _, test in cases])
    for (flag, test), p_value in zip(cases, adjusted, strict=True):
        if p_value < LEVEL and test.only_first > test.only_second:
            lost = f"{test.only_first} images are fooled before and not after, {test.only_second} the other way round"
            yield replace(flag, evidence=f"{lost} (p = {p_value:.2g})")


def transfer_beats_white_box(shown: pl.DataFrame) -> Iterator[Flag]:
    """Images that fool another model more often than the one whose gradient made them.

    McNemar's test on the same images; all tests are one family (Holm).

    Args:
        shown: a row per image, set and model that it is shown to: id, method, eps, surrogate, gradient, victim, fooled.
    """
    keys = ["method", "eps", "surrogate", "gradient"]
    home = shown.filter(pl.col("victim") == pl.col("surrogate")).select("id", *keys, "fooled")
    cases = [
        (named, rows, _paired(rows, home.join(rows.select(keys).unique(), on=keys)))
        for named, rows in shown.filter(pl.col("victim") != pl.col("surrogate")).group_by(
            *keys, "victim", maintain_order=True
        )
    ]
    adjusted = holm_of([test.p_value for _, _, test in cases])
    for ((method, eps, surrogate, gradient, victim), rows, test), p_value in zip(cases, adjusted, strict=True):
        if p_value < LEVEL and test.only_first > test.only_second:
            evidence = (
                f"{method} from {surrogate} fools {victim} alone on {test.only_first} of {len(rows)} images and "
                f"{surrogate} alone on {test.only_second} (p = {p_value:.2g})"
            )
            yield Flag("transfer beats the white box", str(gradient), float(eps), evidence, HIDDEN_AT_HOME)


def still_rising(samples: pl.DataFrame, steps: Sequence[int | None]) -> Iterator[Flag]:
    """Attacks whose last quarter of steps still fools new images: more steps would fool more."""
    last = steps[-1]
    if last is None or last < 4 or ceil(0.75 * last) not in steps:
        return
    earlier = pl.col("fooled").list.get(steps.index(ceil(0.75 * last)))
    cells = samples.group_by("gradient", "eps", maintain_order=True).agg(
        new=(pl.col("fooled").list.last() & ~earlier).mean()
    )
    for row in cells.filter(pl.col("new") > STILL_RISING).iter_rows(named=True):
        yield Flag(
            "not converged", row["gradient"], row["eps"],
            f"the last {last - ceil(0.75 * last)} of {last} steps still fool {row['new']:.1%} of the images more",
            "take more steps",
        )  # fmt: skip


def _by_eps(samples: pl.DataFrame) -> Iterator[tuple[Flag, PairedTest]]:
    for (gradient,), rows in samples.group_by("gradient", maintain_order=True):
        radii = sorted(rows["eps"].unique())
        last = rows.select("id", "eps", fooled=pl.col("fooled").list.last())
        for smaller, larger in pairwise(radii):
            test = _paired(last.filter(eps=smaller), last.filter(eps=larger))
            flag = Flag("weaker than in a smaller ball", str(gradient), larger, "", "use more or shorter steps")
            yield flag, test


def _by_steps(samples: pl.DataFrame, steps: Sequence[int | None]) -> Iterator[tuple[Flag, PairedTest]]:
    if 1 not in steps or steps[-1] in (None, 1):
        return
    for (gradient, eps), rows in samples.group_by("gradient", "eps", maintain_order=True):
        one, many = (
            rows.select("id", fooled=pl.col("fooled").list.get(place)) for place in (steps.index(1), len(steps) - 1)
        )
        flag = Flag("one step beats many", str(gradient), float(eps), "", "try shorter steps, or another start")
        yield flag, _paired(one, many)


def _paired(first: pl.DataFrame, second: pl.DataFrame) -> PairedTest:
    both = first.join(second, on="id", suffix="_second")
    only_first = both.select((pl.col("fooled") & ~pl.col("fooled_second")).sum()).item()
    only_second = both.select((~pl.col("fooled") & pl.col("fooled_second")).sum()).item()
    return mcnemar_of(only_first, only_second)
