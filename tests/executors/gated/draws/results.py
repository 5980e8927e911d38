"""The largest draw."""

from typing import Any

import polars as pl


def headline(draws: pl.DataFrame) -> dict[str, Any]:
    """The largest."""
    return {"largest": draws["draw"].max()}
