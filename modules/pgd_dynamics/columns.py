"""Columns of tables that hold several estimates in a row: `name`, `name_low`, `name_high`."""

import polars as pl


def named(name: str, estimate: pl.Expr) -> list[pl.Expr]:
    """The value and the limits of an estimate of `suite.statistics` as columns that begin with a name."""
    limits = [estimate.struct.field(limit).alias(f"{name}_{limit}") for limit in ("low", "high")]
    return [estimate.struct.field("value").alias(name), *limits]
