"""Rows that a study collects: None is a gap, NaN a number that is not one."""

from collections.abc import Mapping
from typing import Any


class Table:
    """Rows that grow during a study and are written when it ends."""

    def __init__(self) -> None:
        self.columns: dict[str, list[Any]] = {}

    def add(self, **row: Any) -> None:
        """Appends one row."""
        self.extend({name: [value] for name, value in row.items()})

    def extend(self, columns: Mapping[str, Any]) -> None:
        """Appends the rows of columns of equal length (lists or 1-d arrays)."""
        lists = {name: listed(values) for name, values in columns.items()}
        if self.columns and lists.keys() != self.columns.keys():
            raise ValueError(f"a table of {', '.join(self.columns)} cannot take a row of {', '.join(lists)}")
        if len({len(values) for values in lists.values()}) > 1:
            raise ValueError(f"columns of different lengths: { {name: len(values) for name, values in lists.items()} }")
        for name, values in lists.items():
            self.columns.setdefault(name, []).extend(values)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))


def listed(values: Any) -> Any:
    """Arrays and tensors as lists, their scalars as numbers of Python, also in lists of lists."""
    if hasattr(values, "tolist"):
        return values.tolist()
    return [listed(value) for value in values] if isinstance(values, list | tuple) else values
