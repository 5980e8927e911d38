"""What the paper says of Fig. 4, judged on nets that were trained adversarially in their lazy balls."""

from collections.abc import Iterator, Mapping
from math import nan
from typing import Any

import polars as pl

from suite.claims import Claim, at_least, at_most, bound, direction, equivalence, everywhere, power
from suite.statistics import Estimate, mean_of, rate_of

TOLERANCE = 0.1  # of a power: a printed map, and finite d and m
SHARP = 2.0  # factor in eps or radius between accuracies of 90 % and 10 % up to which we would call a drop sharp
HELD = 0.1  # share of neurons on the surface of the ball from which on it is the ball that limits a net
COMPLETE, GONE = 0.95, 0.05  # robust accuracy that counts as complete robustness, and as none
HARM = 0.01  # of clean accuracy, that counts as harm
MARGIN = 0.05  # of a radius, within which two are the same
RARE = 0.2  # share of nets that may lack a transition unseen

_FIGURE = {"dimension": "Fig. 4 left", "width": "Fig. 4 right"}
_ACROSS = {"dimension": "d", "width": "m"}


def of_powers(powers: pl.DataFrame) -> Iterator[Claim]:
    """The powers of d and of m, over all values and over the upper half of them."""
    for row in powers.iter_rows(named=True):
        measured, variable = Estimate.read(row, of="nets"), row["variable"]
        from_there = "" if row["part"] == "all values" else f", {variable} >= {row['first']}"
        yield Claim(
            f"the transition follows {variable}^{row['published']:g}",
            _FIGURE[row["panel"]],
            power(measured, row["published"], TOLERANCE),
            setting=f"order {row['order']}{from_there}",
            measured=measured,
            published=row["published"],
        )


def of_transitions(transitions: pl.DataFrame) -> Iterator[Claim]:
    """That there are transitions, how sharp they are, and whether it is the ball that limits the nets there."""
    for (panel, order), rows in transitions.group_by("panel", "order", maintain_order=True):
        figure, setting, across = _FIGURE[str(panel)], f"order {order}", _ACROSS[str(panel)]
        passing, runs = int(rows["n"].sum()), int(rows["runs"].sum())
        yield Claim(
            f"a transition at every {across}",
            figure,
            bound(0, passing, of="nets", rate=RARE, lost=runs - passing),
            setting=setting,
            measured=rate_of(passing, runs, "nets"),
            published=1,
        )
        if rows["width"].count():
            widest = Estimate(rows["width"].max(), nan, nan, rows["width"].count(), f"values of {across}")  # type: ignore[arg-type]
            unprinted = f"the paper calls the drop sharp and prints no width of it: a factor of {SHARP:g} would be ours"
            yield Claim(
                f"sharp: the factor of {rows['along'][0]} between accuracies of 90 % and 10 % (largest)",
                figure,
                at_most(widest, SHARP, conditions=[unprinted]),
                setting=setting,
                measured=widest,
            )
        touching = rows.drop_nulls("touching")
        if len(touching):
            least = touching.sort("touching").row(0, named=True)
            yield Claim(
                f"the ball limits the nets at the transition: >= {HELD:.0%} of neurons on its surface (least)",
                "ours",
                everywhere(at_least(_touching(row), HELD) for row in touching.iter_rows(named=True)),
                setting=f"{figure}, order {order}",
                measured=_touching(least),
            )


def of_ends(nets: pl.DataFrame) -> Iterator[Claim]:
    """Mean robust accuracy at the easy end of the grid is complete, at the hard end it is gone."""
    for (panel, order), rows in nets.group_by("panel", "order", maintain_order=True):
        along = pl.col("along")
        ends = {"smallest": rows.filter(along == along.min()), "largest": rows.filter(along == along.max())}
        name, easy, hard = ("eps", "smallest", "largest") if panel == "dimension" else ("radius", "largest", "smallest")
        for words, end, judge, limit in (
            ("completely robust", easy, at_least, COMPLETE),
            ("robust accuracy drops to 0", hard, at_most, GONE),
        ):
            measured = mean_of(ends[end]["robust"], "nets")
            yield Claim(
                f"{words}, within {1 - COMPLETE:.0%}",
                _FIGURE[str(panel)],
                judge(measured, limit),
                setting=f"{name} = {ends[end]['along'][0]:g}, order {order}",
                measured=measured,
                published=float(judge is at_least),
            )


def of_projection(nets: pl.DataFrame) -> Iterator[Claim]:
    """The projection does not hurt the test accuracy: clean accuracy at the smallest radius against the largest."""
    for (order,), rows in nets.filter(panel="width").group_by("order", maintain_order=True):
        least, most = rows.select(pl.col("radius").min().alias("least"), pl.col("radius").max().alias("most")).row(0)
        if least == most:
            continue
        sign = pl.when(radius=most).then(1).when(radius=least).then(-1).otherwise(0)
        ends = rows.filter(pl.col("radius").is_in([least, most]))
        of_runs = ends.group_by("run", maintain_order=True).agg(lost=2 * (sign * pl.col("clean")).mean())
        lost = mean_of(of_runs["lost"], "nets")
        yield Claim(
            "projection does not hurt test accuracy: clean accuracy that is lost",
            "Sec. 5.2",
            at_most(lost, HARM),
            setting=f"radius {least:g} against {most:g}, order {order}",
            measured=lost,
            published=0,
        )


def of_orders(orders: pl.DataFrame) -> Iterator[Claim]:
    """How far another order of projection and evaluation moves the transition."""
    for row in orders.filter(pl.col("m").is_null()).iter_rows(named=True):
        measured = Estimate.read(row, of="nets")
        yield Claim(
            f"the transition is where it is in order {row['against']}, within {MARGIN:.0%}: ratio of radii",
            "ours",
            equivalence(measured, 1 - MARGIN, 1 + MARGIN, lost=row["runs"] - row["n"]),
            setting=f"order {row['order']}, mean over widths",
            measured=measured,
            published=1,
        )


def of_rule(nets: pl.DataFrame) -> Iterator[Claim]:
    """Accuracy under the rule's attack minus accuracy under that by true gradients, mean over cells, by run."""
    for (panel, order), rows in nets.group_by("panel", "order", maintain_order=True):
        of_runs = rows.group_by("run", maintain_order=True).agg(gap=(pl.col("by_rule") - pl.col("robust")).mean())
        gap = mean_of(of_runs["gap"], "nets")
        yield Claim(
            "the rule's attack is weaker than that of true gradients: difference of accuracies",
            "ours",
            direction(gap),
            setting=f"{_FIGURE[str(panel)]}, order {order}",
            measured=gap,
        )


def _touching(row: Mapping[str, Any]) -> Estimate:
    names = {"value": "touching", "low": "touching_low", "high": "touching_high", "n": "runs"}
    return Estimate.read({name: row[column] for name, column in names.items()}, of="nets")
