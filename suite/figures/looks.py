"""The looks of a form's series: colour by one column, pattern or shape by another, the same in all its panels."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
from matplotlib.axes import Axes

from suite.figures.frames import distinct, need
from suite.figures.legends import name_in_legend
from suite.figures.palette import INK, QUIET, colours_of, dashes, markers
from suite.figures.quantities import named

Key = Mapping[str, Any]


@dataclass(frozen=True)
class Looks:
    """Which columns set colour and pattern, and what they give to each of their values."""

    colour: str | None
    pattern: str | None
    colours: Mapping[Any, str]
    dashes: Mapping[Any, Any]
    markers: Mapping[Any, str]

    def ink(self, key: Key) -> str:
        """The colour of a series; that of measured values where none is set."""
        return self.colours.get(key[self.colour], INK) if self.colour else INK

    def dash(self, key: Key) -> Any:
        """The pattern of a series' line."""
        return self.dashes.get(key[self.pattern], "-") if self.pattern else "-"

    def marker(self, key: Key) -> str:
        """The shape of a series' points."""
        return self.markers.get(key[self.pattern], "o") if self.pattern else "o"

    def words(self, key: Key) -> str:
        """What the legend says of a series; `_` where colours and patterns are named apart, by `name_patterns`."""
        column = self.pattern if self.colour is None else None if len(self.dashes) > 1 else self.colour
        return "_" if column is None or key[column] is None else named(column, key[column])

    def name_patterns(self, axes: Axes, drawn: Iterable[Key], *, line: bool, marker: bool) -> None:
        """Entries of the legend for colours and for patterns where series have both."""
        if self.colour is None or self.pattern is None or len(self.dashes) < 2:
            return
        keys = list(drawn)
        plain: dict[str, Any] = {"linestyle": "-" if line else "", "marker": "" if line else "o"}
        for value in [value for value in self.colours if any(key[self.colour] == value for key in keys)]:
            name_in_legend(axes, named(self.colour, value), color=self.colours[value], **plain)
        for value in [value for value in self.dashes if any(key[self.pattern] == value for key in keys)]:
            shape = {"marker": self.markers[value] if marker else ""}
            shape |= {"linestyle": self.dashes[value] if line else ""}
            name_in_legend(axes, named(self.pattern, value), of_pattern=True, color=QUIET, **shape)


def looks_of(
    frame: pl.DataFrame, colour: str | None, pattern: str | None, colours: Mapping[Any, str] | None = None
) -> Looks:
    """Looks for all values of two columns; `colours` in place of the palette's own choice."""
    need(frame, colour, pattern)
    if colours is None:
        colours = colours_of(colour, distinct(frame, colour)) if colour else {}
    values = distinct(frame, pattern)
    return Looks(colour, pattern, colours, dashes(values), markers(values))
