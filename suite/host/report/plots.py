"""Numbers with their limits as drawings: a dot on a line that is the interval, with the published number beside it."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, MARGIN = 160.0, 8.0  # of the line, in SVG units
_WIDE = 100.0  # how many times the largest positive number is the smallest before they are drawn by their logarithms

Limits = tuple[float | None, float | None]


@dataclass(frozen=True)
class Scale:
    """From numbers to places on a line of WIDTH; logarithmic where all are positive and far apart."""

    low: float
    high: float
    is_log: bool = False

    def place(self, value: float) -> float:
        """The place of a number; one beyond an end, or an infinite one, is at the drawing's edge."""
        if value <= self.low:
            return MARGIN if value == self.low else 0.0
        if value >= self.high:
            return WIDTH - MARGIN if value == self.high else WIDTH
        low, at, high = (math.log(end) if self.is_log else end for end in (self.low, value, self.high))
        return round(MARGIN + (WIDTH - 2 * MARGIN) * (at - low) / (high - low), 1)


@dataclass(frozen=True)
class Plot:
    """Places on a line of WIDTH: the measured number, its interval, the published number, and zero; None for none."""

    measured: float
    low: float | None
    high: float | None
    published: float | None = None
    zero: float | None = None


def scale_of(numbers: Iterable[Any]) -> Scale | None:
    """A scale that holds all the finite numbers among these; None where there are not two."""
    found = [value for value in map(number, numbers) if value is not None and math.isfinite(value)]
    if not found or min(found) == max(found) or not math.isfinite(max(found) - min(found)):
        return None
    return Scale(min(found), max(found), min(found) > 0 and max(found) / min(found) >= _WIDE)


def plot(scale: Scale | None, measured: Any, limits: Limits = (None, None), published: Any = None) -> Plot | None:
    """Where the numbers fall on a scale; None without a scale, or without a measured number to draw on it."""
    at = number(measured)
    if scale is None or at is None or not math.isfinite(at):
        return None
    low, high, against = (None if value is None else scale.place(value) for value in map(number, (*limits, published)))
    is_crossed = not scale.is_log and scale.low < 0 < scale.high
    return Plot(scale.place(at), low, high, against, scale.place(0) if is_crossed else None)


def limit_columns(name: str, names: Sequence[str]) -> tuple[str, str] | None:
    """The names of the columns that hold the limits of a column; None where it has none."""
    if f"{name}_low" in names and f"{name}_high" in names:
        return f"{name}_low", f"{name}_high"
    after = tuple(names[names.index(name) + 1 :][:2])
    return ("low", "high") if after == ("low", "high") else None


def number(value: Any) -> float | None:
    """The value as a number, infinite ones among them, where it is one."""
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        return None
    return float(value)
