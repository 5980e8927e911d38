"""Means of the draws."""

from collections.abc import Iterator
from typing import Any

import polars as pl

from suite.tables import Shown


def means(draws: pl.DataFrame) -> pl.DataFrame:
    """The mean of each draw."""
    return draws.group_by("number", maintain_order=True).agg(pl.col("draw").mean())


def headline(draws: pl.DataFrame) -> dict[str, Any]:
    """The largest."""
    return {"largest": draws["draw"].max()}


def shown() -> Iterator[Shown]:
    """The means."""
    yield Shown("means", "Means", ("number", "draw"))
