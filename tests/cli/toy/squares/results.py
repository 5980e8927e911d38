"""Squares analysed."""

from collections.abc import Iterator
from typing import Any

import polars as pl

from suite.tables import Shown


def headline(squares: pl.DataFrame) -> dict[str, Any]:
    """The largest, and a number that is none."""
    return {"largest": squares["square"].max(), "nothing": float("nan")}


def shown() -> Iterator[Shown]:
    """All of them."""
    yield Shown("squares", "Squares", ("number", "square"))
