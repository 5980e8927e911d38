"""Columns of tables that hold several estimates in a row: `name`, `name_low`, `name_high`."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from suite.statistics import Estimate


def named(estimate: pl.Expr, name: str) -> pl.Expr:
    """An estimate of `suite.statistics` as a struct of that name, to unnest into its columns."""
    parts = {"value": name, "low": f"{name}_low", "high": f"{name}_high"}
    return pl.struct([estimate.struct.field(part).alias(column) for part, column in parts.items()]).alias(name)


def columns_of(name: str, estimate: Estimate) -> dict[str, Any]:
    """The same of numbers; without a value there is no interval."""
    value, *ends = list(estimate.columns().values())[:3]
    low, high = ends if value is not None else (None, None)
    return {name: value, f"{name}_low": low, f"{name}_high": high}


def read(row: Mapping[str, Any], name: str, n: str) -> Estimate:
    """The estimate back from its columns; `n` is the column that counts its units, and their name."""
    parts = {"value": row[name], "low": row[f"{name}_low"], "high": row[f"{name}_high"], "n": row[n]}
    return Estimate.read(parts, n.replace("_", " "))
