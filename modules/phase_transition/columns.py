"""Numbers to and from the columns of `suite.statistics.named`: `name`, `name_low`, `name_high`."""

from collections.abc import Mapping
from typing import Any

from suite.statistics import Estimate


def columns_of(name: str, estimate: Estimate) -> dict[str, Any]:
    """An estimate as these columns; without a value there is no interval."""
    value, *ends = list(estimate.columns().values())[:3]
    low, high = ends if value is not None else (None, None)
    return {name: value, f"{name}_low": low, f"{name}_high": high}


def read(row: Mapping[str, Any], name: str, n: str) -> Estimate:
    """The estimate back from its columns; `n` is the column that counts its units, and their name."""
    parts = {"value": row[name], "low": row[f"{name}_low"], "high": row[f"{name}_high"], "n": row[n]}
    return Estimate.read(parts, n.replace("_", " "))
