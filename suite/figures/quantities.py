"""What an axis shows: a column, its label with the unit, its factor and its scale."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from suite.refs import format_number

Limits = tuple[float | None, float | None]

_LABELS = {
    "d": "dimension d",
    "m": "width m",
    "h": "width h",
    "t": "place t",
    "loss": "loss (nats)",
    "train_loss": "training loss (nats)",
    "test_loss": "test loss (nats)",
    "seconds": "time (s)",
    "eps_star": "eps_star",
}


@dataclass(frozen=True)
class Quantity:
    """A column as an axis shows it.

    Args:
        column: its name in the table.
        label: what the axis says, with the unit.
        factor: what the table's numbers are multiplied by (100 for percent).
        log: whether the axis is logarithmic.
        limits: of the axis, in the axis' unit; None leaves an end to the data.
        ticks: places (in the axis' unit) and what is written there; empty leaves them to the data.
    """

    column: str
    label: str
    factor: float = 1.0
    log: bool = False
    limits: Limits = (None, None)
    ticks: Mapping[float, str] | None = None


def quantity(
    column: str,
    words: str | None = None,
    /,
    *,
    log: bool = False,
    limits: Limits = (None, None),
    ticks: Mapping[float, str] | None = None,
) -> Quantity:
    """A column with its axis: `quantity("value", "loss (nats)", log=True)`; without a label that of `label(column)`."""
    return Quantity(column, label(column) if words is None else words, 1.0, log, limits, ticks)


def percent(column: str, words: str | None = None, /, *, limits: Limits = (None, None)) -> Quantity:
    """A column of shares, drawn in percent: `percent("value", "success rate")` has the label `success rate (%)`."""
    if words is None:
        words = "" if column == "value" else label(column)
    return Quantity(column, f"{words} (%)" if words else "%", 100.0, limits=limits)


def label(column: str) -> str:
    """What an axis says of a column: its name in words, with the unit where there is one."""
    return _LABELS.get(column, column.replace("_", " "))


def named(column: str, value: Any) -> str:
    """A value as a title or a legend says it: text as it is, `eps = 8/255` for a number, which needs its name."""
    if isinstance(value, bool):
        return column.replace("_", " ") if value else f"not {column.replace('_', ' ')}"
    if isinstance(value, int | float):
        return f"{column.replace('_', ' ')} = {written(value)}"
    return str(value)


def written(value: float) -> str:
    """A number as people write it: 100, 0.05, 8/255."""
    short = f"{value:g}"
    return short if float(short) == value else format_number(value)


def as_quantity(column: str | Quantity) -> Quantity:
    """A bare name of a column stands for that column with its usual label."""
    return quantity(column) if isinstance(column, str) else column
