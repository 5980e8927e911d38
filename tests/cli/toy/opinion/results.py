"""Whether squares grow faster than their numbers."""

from collections.abc import Iterator

import polars as pl

from suite.claims import Claim, number
from suite.statistics import Estimate
from toy.opinion.config import OpinionConfig


def claims(curve: pl.DataFrame, config: OpinionConfig) -> Iterator[Claim]:
    """The largest number beside that of Table 9."""
    most = float(max(config.numbers))
    measured = Estimate(most, most - 0.5, most + 0.5, len(curve), "numbers")
    yield Claim("squares grow faster", "Table 9", number(measured, 3.0, 1.0), measured=measured, published=3.0)
