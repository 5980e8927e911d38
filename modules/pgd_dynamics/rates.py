"""What `rules_tables` needs until it reads data frames."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def gaps_as_nan(values: Any) -> "NDArray[Any]":
    """A table's column as an array; tables hold a gap where a number is not finite."""
    if any(value is None for value in values):
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    return np.asarray(values)
