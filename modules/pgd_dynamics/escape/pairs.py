"""What the paper says of Fig. 2 and 3, start by start: pairs of ascents, matched by network and sample.

Steps are those to 90 % of the rise to the best final loss. An ascent that did not get there takes more steps than were
made: how many more is not known, and a pair that hangs on it is undecided.
"""

from collections.abc import Iterator
from itertools import pairwise
from math import inf
from typing import Any

import polars as pl

Statement = tuple[str, str]
"""A claim and its place in the paper."""

SMALLER_SCALE = ("a smaller input scale escapes sooner at a fixed ratio", "Fig. 2")
SMALLER_RATIO = ("a smaller ratio escapes sooner at a fixed scale", "Fig. 2 (b)")
EASY = ("the smallest scale escapes even at the largest ratio", "Fig. 2 (a)")
HARD = ("the largest scale escapes with difficulty even at the smallest ratio", "Fig. 2 (c)")
EARLY = ("after a few epochs the smallest scale still escapes", "Fig. 3 (b)")
LATE = ("after many epochs escape takes longer than at the start, at the smallest scale", "Fig. 3 (c)")
LATE_ELSEWHERE = ("after many epochs escape takes longer than at the start, at larger scales", "Fig. 3")
WORSE = ("many epochs slow large scales down more than small ones", "Fig. 3")
SOONER = ("the gradient rule gets to 90 % sooner than bp", "ours")
HIGHER = ("the gradient rule ends at a higher loss than bp", "ours")

_UNIT = ("rule", "seed", "id")
_LEAST, _MOST = pl.col("least"), pl.col("most")
_REACHED = pl.col("most") != inf


def outcomes(ascents: pl.DataFrame, steps: int) -> pl.DataFrame:
    """A row for each pair: claim, source, cell in words, rule, gradient, seed, id, and whether it speaks for the claim.

    holds: null for a tie, and where it cannot be known.

    Args:
        steps: of each ascent.
    """
    bounded = ascents.with_columns(
        least=pl.col("to_90").cast(pl.Float64).fill_null(steps + 1.0),
        most=pl.col("to_90").cast(pl.Float64).fill_null(inf),
    )
    bp = bounded.filter(gradient="bp")
    return pl.concat([*_of_scales(bp.filter(epoch=0)), *_of_epochs(bp), *_of_rules(bounded)])


def _of_scales(initial: pl.DataFrame) -> Iterator[pl.DataFrame]:
    scales, ratios = _values(initial, "scale"), _values(initial, "ratio")
    for ratio in ratios:
        for small, large in pairwise(scales):
            pairs = _pairs(initial.filter(ratio=ratio), {"scale": small}, {"scale": large})
            yield _stated(SMALLER_SCALE, f"ratio {ratio:g}, scale {small:g} against {large:g}", pairs, _sooner())
    for scale in scales:
        for small, large in pairwise(ratios):
            pairs = _pairs(initial.filter(scale=scale), {"ratio": small}, {"ratio": large})
            yield _stated(SMALLER_RATIO, f"scale {scale:g}, ratio {small:g} against {large:g}", pairs, _sooner())
    if initial.is_empty():
        return
    easiest, hardest = (scales[0], ratios[-1]), (scales[-1], ratios[0])
    for statement, (scale, ratio), holds in ((EASY, easiest, _REACHED), (HARD, hardest, ~_REACHED)):
        yield _stated(statement, _named(scale, ratio), initial.filter(scale=scale, ratio=ratio), holds)


def _of_epochs(bp: pl.DataFrame) -> Iterator[pl.DataFrame]:
    epochs, scales, ratios = (_values(bp, name) for name in ("epoch", "scale", "ratio"))
    for ratio in ratios if len(epochs) > 1 else ():
        here, last = bp.filter(ratio=ratio), epochs[-1]
        early = here.filter(scale=scales[0], epoch=epochs[1])
        yield _stated(EARLY, f"{_named(scales[0], ratio)}, epoch {epochs[1]}", early, _REACHED)
        changes = {scale: _pairs(here.filter(scale=scale), {"epoch": 0}, {"epoch": last}) for scale in scales}
        for scale, pairs in changes.items():
            statement = LATE if scale == scales[0] else LATE_ELSEWHERE
            yield _stated(statement, f"{_named(scale, ratio)}, epoch {last} against 0", pairs, _sooner())
        for small, large in pairwise(scales):
            both = _slowed(changes[small]).join(_slowed(changes[large]), on=_UNIT, suffix="_other")
            yield _stated(WORSE, f"ratio {ratio:g}, scale {large:g} against {small:g}", both, _sooner())


def _of_rules(ascents: pl.DataFrame) -> Iterator[pl.DataFrame]:
    for gradient in (name for name in _values(ascents, "gradient") if name != "bp"):
        for (epoch, scale, ratio), part in ascents.sort("epoch", "scale", "ratio").group_by(
            "epoch", "scale", "ratio", maintain_order=True
        ):
            pairs = _pairs(part, {"gradient": gradient}, {"gradient": "bp"})
            cell = f"epoch {epoch}, {_named(scale, ratio)}"
            ahead = pl.col("end_loss") - pl.col("end_loss_other")
            yield _stated(SOONER, cell, pairs, _sooner(), gradient)
            yield _stated(HIGHER, cell, pairs, pl.when(ahead != 0).then(ahead > 0), gradient)


def _pairs(ascents: pl.DataFrame, one: dict[str, Any], other: dict[str, Any]) -> pl.DataFrame:
    """Starts that both cells have: bounds of the steps in one, and in the other as `least_other`, `most_other`."""
    sides = (ascents.filter(**cell).select(*_UNIT, "least", "most", "end_loss") for cell in (one, other))
    return next(sides).join(next(sides), on=_UNIT, suffix="_other", maintain_order="left")


def _sooner() -> pl.Expr:
    """Whether the first of a pair takes fewer steps; null for a tie, and where the bounds overlap."""
    return (
        pl.when(pl.col("least_other") > _MOST).then(True)
        .when(pl.col("most_other") < _LEAST).then(False)
    )  # fmt: skip


def _slowed(pairs: pl.DataFrame) -> pl.DataFrame:
    """Bounds of how many times more steps the second of a pair takes than the first."""
    first_least, first_most, least, most = (
        pl.col(name).clip(lower_bound=1) for name in ("least", "most", "least_other", "most_other")
    )
    return pairs.select(*_UNIT, least=least / first_most, most=most / first_least)


def _stated(statement: Statement, cell: str, pairs: pl.DataFrame, holds: pl.Expr, gradient: str = "bp") -> pl.DataFrame:
    claim, source = (pl.lit(text) for text in statement)
    return pairs.select(*_UNIT, claim=claim, source=source, gradient=pl.lit(gradient), cell=pl.lit(cell), holds=holds)


def _named(scale: Any, ratio: Any) -> str:
    return f"scale {scale:g}, ratio {ratio:g}"


def _values(ascents: pl.DataFrame, name: str) -> list[Any]:
    return ascents[name].unique().sort().to_list()
