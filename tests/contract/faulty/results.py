"""What all studies here make of their squares."""

from typing import Any

import polars as pl


def headline(squares: pl.DataFrame) -> dict[str, Any]:
    """The largest."""
    return {"largest": squares["square"].max()}
