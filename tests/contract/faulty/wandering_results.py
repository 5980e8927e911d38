"""Results that depend on how often they were made."""

from typing import Any

import polars as pl

TIMES: list[int] = []


def headline(squares: pl.DataFrame) -> dict[str, Any]:
    """One more each time."""
    TIMES.append(1)
    return {"largest": squares["square"].max() + len(TIMES)}
