"""Steps at which something happens for the first time, as raw tables hold them; light, for measuring and analysing."""

import polars as pl

NEVER = -1


def happened(event: str) -> pl.Expr:
    """Whether an event happened."""
    return pl.col(event) != NEVER


def step_of(event: str) -> pl.Expr:
    """The step of an event, as a number; null where it never happened."""
    return pl.when(happened(event)).then(pl.col(event)).cast(pl.Float64)
