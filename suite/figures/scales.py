"""Axes in their final form: label, linear or logarithmic scale, plain ticks that do not touch, limits."""

from collections.abc import Sequence
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.ticker import AutoLocator, LogFormatterSciNotation, LogLocator, MaxNLocator, NullLocator

from suite.figures.frames import Floats, is_text, numbers, place_names
from suite.figures.quantities import Quantity, written

Direction = Literal["x", "y"]

CHARACTER = 0.08  # inches that a character of a label takes at 9 points
_TICKED = 8  # so many different values at most are all ticks of their axis


def dress(axes: Axes, direction: Direction, shown: Quantity, frame: pl.DataFrame) -> None:
    """Gives one of two axes its label, scale, ticks and limits, once everything is drawn.

    Args:
        frame: all rows that the axis is for, also those in other panels that share it.
    """
    axis = axes.xaxis if direction == "x" else axes.yaxis
    looks = {"labelsize": mpl.rcParams["font.size"], "grid_alpha": mpl.rcParams["grid.alpha"]}
    axis.set_tick_params(which="both", **looks)  # ticks are made when they are drawn, which may be outside the style
    if is_text(frame, shown.column):
        _name(axes, direction, shown, place_names(frame, shown.column))
        return
    axis.set_label_text(shown.label)
    values = numbers(frame, shown)
    known = np.unique(values[~np.isnan(values)])
    if shown.log and len(known):
        (axes.set_xscale if direction == "x" else axes.set_yscale)("log")
    _limit(axes, direction, shown)
    if shown.ticks is not None:
        _tick(axes, direction, [*shown.ticks], [*shown.ticks.values()])
    elif len(known):
        _tick_numbers(axes, direction, shown, known, whole=frame[shown.column].dtype.is_integer())


def _name(axes: Axes, direction: Direction, shown: Quantity, names: Sequence[Any]) -> None:
    """Ticks at the names' places: from top to bottom on a y axis, slanted on an x axis where they would touch."""
    words = [str(name) for name in names]
    if not words:
        return
    if direction == "y":
        axes.set_yticks(range(len(words)), words)
        axes.set_ylim(len(words) - 0.5, -0.5)
    else:
        slanted = len(_roomy(np.arange(len(words)) * _inches(axes) / len(words), words)) < len(words)
        axes.set_xticks(range(len(words)), words, rotation=35 if slanted else 0, ha="right" if slanted else "center")
        axes.set_xlim(-0.5, len(words) - 0.5)
        axes.set_xlabel(shown.label)
    axes.grid(visible=False, axis=direction)


def _tick_numbers(axes: Axes, direction: Direction, shown: Quantity, known: Floats, *, whole: bool) -> None:
    """Ticks at the values where they are few and apart, else at round numbers; all written out where they can be."""
    axis = axes.xaxis if direction == "x" else axes.yaxis
    words = [written(value) for value in known[: _TICKED + 1].tolist()]
    if direction == "x" and len(known) <= _TICKED and len(_roomy(_spread(axes, shown, known), words)) == len(known):
        _tick(axes, direction, known.tolist(), words)
    elif shown.log:
        decades = np.log10(known[-1] / known[0])
        axis.set_major_locator(AutoLocator() if decades < 0.5 else LogLocator(subs=(1, 2, 5) if decades < 2 else (1,)))
        axis.set_major_formatter("{x:g}" if decades < 4 else LogFormatterSciNotation())
    elif whole and direction == "x":
        axis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]))
    if shown.log:
        axis.set_minor_locator(NullLocator())  # they say little, and each costs as much time as a labelled one


def _tick(axes: Axes, direction: Direction, at: Sequence[float], words: Sequence[str]) -> None:
    """Ticks with labels, of which those that would touch the next one on an x axis stay empty."""
    axis = axes.xaxis if direction == "x" else axes.yaxis
    if direction == "x" and len(at) > 1:
        log = axis.get_scale() == "log"
        places = np.log(at) if log else np.asarray(at, dtype=np.float64)
        low, high = np.log(axes.get_xlim()) if log else axes.get_xlim()
        kept = _roomy((places - low) / (high - low) * _inches(axes), words)
        words = [word if index in kept else "" for index, word in enumerate(words)]
    axis.set_ticks([*at], labels=[*words])
    axis.set_minor_locator(NullLocator())


def _spread(axes: Axes, shown: Quantity, known: Floats) -> Floats:
    """Where values are on an x axis that they fill, in inches."""
    places: Floats = np.log(known) if shown.log else known
    share: Floats = (places - places[0]) / (float(places[-1] - places[0]) or 1.0)
    return 0.9 * _inches(axes) * share


def _roomy(inches: Floats, words: Sequence[str]) -> set[int]:
    """Which of the labels at ascending places can be written, from the last one back, without touching the next."""
    kept: list[int] = []
    for index in reversed(range(len(words))):
        half = (len(words[index]) + len(words[kept[-1]])) / 2 + 1 if kept else 0.0
        if not kept or inches[kept[-1]] - inches[index] >= CHARACTER * half:
            kept.append(index)
    return {*kept}


def _inches(axes: Axes) -> float:
    """About the width of axes, before the layout is solved."""
    figure, place = axes.get_figure(root=True), axes.get_subplotspec()
    columns = place.get_gridspec().ncols / len(place.colspan) if place else 1
    return 0.85 * float(figure.get_figwidth()) / columns if figure else 0.0


def _limit(axes: Axes, direction: Direction, shown: Quantity) -> None:
    """The quantity's limits; where both are given with a little room, so that a line along one is seen whole."""
    low, high = shown.limits
    if low is None and high is None:
        return
    axes.autoscale(enable=True, axis=direction)  # what was drawn since the last call counts as well
    if low is not None and high is not None and not shown.log:
        room = 0.02 * (high - low)
        low, high = low - room, high + room
    (axes.set_xlim if direction == "x" else axes.set_ylim)(low, high)
