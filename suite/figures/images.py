"""Images side by side: clean, perturbation, adversarial."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from suite.errors import SuiteError
from suite.figures.frames import distinct, need
from suite.figures.panels import nothing
from suite.figures.quantities import named
from suite.figures.style import style

_PITCH, _SIDE, _LINE = 0.95, 0.88, 0.2  # inches: between the middles of images, of an image, of what is below it
_WORDS = 7  # size of letters
_LONGEST_CLASS = 24  # letters of a class name that have room below an image


@dataclass(frozen=True)
class Picture:
    """An image, (channels, height, width) or (height, width) with values in [0, 1], and what is written below it."""

    image: ArrayLike
    words: str = ""


def image_grid(rows: Sequence[Sequence[Picture | None]], headings: Sequence[str] = (), *, title: str = "") -> Figure:
    """Images in rows, each with its words below, and headings above the columns; None leaves a place empty.

    All are in one pair of axes, in inches: one for each image would take a second to lay out. No rows give empty axes.
    Raises SuiteError for rows of different lengths.
    """
    if not rows or not rows[0]:
        return nothing()
    if len({len(row) for row in rows}) > 1 or (headings and len(headings) != len(rows[0])):
        raise SuiteError("the rows of an image grid differ in length", "put None where an image is missing")
    above = (0.3 if title else 0.05) + 0.14 * max((words.count("\n") + 1 for words in headings), default=0)
    width, height = 0.1 + _PITCH * len(rows[0]), above + (_SIDE + _LINE) * len(rows)
    figure = Figure(figsize=(width, height))  # not in our style, which has a layout solved: here all is placed
    with style():
        axes = figure.add_axes((0, 0, 1, 1), frameon=False, xticks=[], yticks=[])
        axes.grid(visible=False)
        for column, words in enumerate(headings):
            axes.text(_middle(column), above - 0.04, words, fontsize=_WORDS + 1, ha="center", va="bottom")
        for number, row in enumerate(rows):
            top = above + number * (_SIDE + _LINE)
            for column, picture in enumerate(row):
                if picture is not None:
                    _put(axes, picture, _middle(column), top)
        axes.set(xlim=(0, width), ylim=(height, 0), aspect="auto")
        if title:
            figure.suptitle(title, fontsize=9, y=1 - 0.06 / height, va="top")
    return figure


def _put(axes: Axes, picture: Picture, middle: float, top: float) -> None:
    """An image in a square place, in inches from the upper left corner, and its words below."""
    image = _displayed(picture.image)
    height, width = (_SIDE * length / max(image.shape[:2]) for length in image.shape[:2])
    place = (middle - width / 2, middle + width / 2, top + (_SIDE + height) / 2, top + (_SIDE - height) / 2)
    # An interpolation of "none" keeps the pixels in an SVG as they are.
    axes.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="none", extent=place, aspect="auto")
    axes.text(middle, top + _SIDE + 0.03, picture.words, fontsize=_WORDS, ha="center", va="top", parse_math=False)


def _middle(column: int) -> float:
    return 0.05 + _PITCH * (column + 0.5)


def perturbation(clean: ArrayLike, adversarial: ArrayLike) -> NDArray[np.float64]:
    """The change around grey, at full contrast: its largest entry is black or white."""
    change = np.asarray(adversarial, dtype=np.float64) - np.asarray(clean, dtype=np.float64)
    largest = float(np.abs(change).max(initial=0.0)) or 1.0
    return 0.5 + change / (2 * largest)


def adversarial_examples(
    frame: pl.DataFrame, *, by: str = "gradient", classes: Sequence[str] = (), title: str = ""
) -> Figure:
    """A row for each sample: the clean image, then for each value of `by` the perturbation and the adversarial image.

    Args:
        frame: a row for each sample and value of `by`; columns id, label, prediction, clean, adversarial: images as
            nested lists, or flat with a column `shape` (`3x32x32`, or a list of lengths).
        classes: names of the labels; the numbers stand for themselves where there are none.
    """
    need(frame, "id", "label", "prediction", "clean", "adversarial", by)
    kinds = distinct(frame, by)
    rows: list[list[Picture | None]] = []
    for identity in frame["id"].unique(maintain_order=True):
        mine = {row[by]: row for row in frame.filter(pl.col("id") == identity).iter_rows(named=True)}
        first = next(iter(mine.values()))
        line: list[Picture | None] = [Picture(_image(first, "clean"), _class(first["label"], classes))]
        for kind in kinds:
            line += _pair(mine[kind], classes) if kind in mine else [None, None]
        rows.append(line)
    headings = ["clean", *(words for kind in kinds for words in ("change", _broken(named(by, kind))))]
    return image_grid(rows, headings, title=title)


def _pair(row: Mapping[str, Any], classes: Sequence[str]) -> list[Picture]:
    clean, adversarial = _image(row, "clean"), _image(row, "adversarial")
    fooled = "" if row["prediction"] != row["label"] else " (not fooled)"
    return [
        Picture(perturbation(clean, adversarial)),
        Picture(adversarial, f"{_class(row['prediction'], classes)}{fooled}"),
    ]


def _broken(words: str) -> str:
    """A long name in two lines: a rule, and below it its arguments."""
    return words.replace("(", "\n(", 1) if len(words) > 14 else words


def _class(label: int, classes: Sequence[str]) -> str:
    name = classes[label] if 0 <= label < len(classes) else str(label)
    return name if len(name) <= _LONGEST_CLASS else f"{name[: _LONGEST_CLASS - 1]}…"


def _image(row: Mapping[str, Any], name: str) -> NDArray[np.float64]:
    image = np.asarray(row[name], dtype=np.float64)
    if image.ndim > 1:
        return image
    shape = row["shape"]
    return image.reshape([int(length) for length in (shape.split("x") if isinstance(shape, str) else shape)])


def _displayed(image: ArrayLike) -> NDArray[np.float64]:
    """As matplotlib wants it: channels last, one channel as a plane, grey with alpha as RGBA, values in [0, 1]."""
    values = np.asarray(image, dtype=np.float64)
    if values.ndim == 3:
        values = values[[0, 0, 0, 1]] if len(values) == 2 else values
        values = values[0] if len(values) == 1 else values.transpose(1, 2, 0)
    return np.nan_to_num(values, nan=0.5).clip(0, 1)
