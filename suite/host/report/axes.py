"""The axes of a figure by matplotlib, read from its SVG: where they are and how they are scaled.

Every tick stands at a place and is labelled with its value; a straight line through two or more of them, in the value
or in its logarithm, gives the value at any other place. Axes for which no such line fits (names as ticks, a shared
factor, another scale) are left out.
"""

import json
import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from html import unescape

_POWER = re.compile(r"(-?)\$\\mathdefault\{(-?)10\^\{(-?\d+)\}\}\$")
_PLACES = re.compile(r"-?\d+\.?\d*(?:e-?\d+)?")
_MISFIT = 0.01  # of the axis' length


@dataclass(frozen=True)
class Axes:
    """One pair of axes. box: left, top, right, bottom in the drawing's units.

    x, y: (offset, slope, whether logarithmic): the value at place p is offset + slope * p, or 10 to that power.
    """

    box: tuple[float, float, float, float]
    x: tuple[float, float, bool]
    y: tuple[float, float, bool]
    xlabel: str
    ylabel: str


def read_axes(root: ET.Element) -> list[Axes]:
    """All axes that can be read."""
    groups = [group for group in root.iter() if group.get("id", "").startswith("axes_")]
    return [axes for group in groups if (axes := _axes(group)) is not None]


def as_json(axes: Sequence[Axes]) -> str:
    """For the page's script."""
    return json.dumps([asdict(one) for one in axes], separators=(",", ":"))


def _axes(group: ET.Element) -> Axes | None:
    patch = next((child for child in group if child.get("id", "").startswith("patch_")), None)
    path = next(patch.iter("{http://www.w3.org/2000/svg}path"), None) if patch is not None else None
    places = [float(text) for text in _PLACES.findall(path.get("d", ""))] if path is not None else []
    sides = [child for child in group if child.get("id", "").startswith("matplotlib.axis_")]
    if len(places) < 8 or len(sides) != 2:
        return None
    box = (min(places[::2]), min(places[1::2]), max(places[::2]), max(places[1::2]))
    (x, xlabel), (y, ylabel) = _scale(sides[0], "x", box[2] - box[0]), _scale(sides[1], "y", box[3] - box[1])
    if x is None or y is None:
        return None
    rounded = (round(box[0], 2), round(box[1], 2), round(box[2], 2), round(box[3], 2))
    return Axes(rounded, x, y, xlabel, ylabel)


def _scale(side: ET.Element, direction: str, length: float) -> tuple[tuple[float, float, bool] | None, str]:
    """The scale of one side, and its label."""
    ticks, labels = list[tuple[float, float]](), list[str]()
    for part in side:
        words = list(comments(part))
        if "tick_" not in part.get("id", ""):
            labels += words
            continue
        mark = next((use for use in part.iter() if use.get(direction) is not None and use.get("id") is None), None)
        value = _value(words[0]) if words else None
        if mark is not None and value is not None:
            ticks.append((float(mark.get(direction, "0")), value))
    if any(_value(label) is not None for label in labels):  # a factor that all ticks share
        return None, ""
    return _fitted(ticks, length), labels[0] if labels else ""


def _fitted(ticks: Sequence[tuple[float, float]], length: float) -> tuple[float, float, bool] | None:
    for log in (False, True):
        if len(ticks) < 2 or (log and min(value for _, value in ticks) <= 0):
            continue
        values = [(place, math.log10(value) if log else value) for place, value in ticks]
        (first, low), (last, high) = values[0], values[-1]
        if first == last or low == high:
            continue
        slope = (high - low) / (last - first)
        offset = low - slope * first
        if all(abs((value - offset) / slope - place) <= _MISFIT * length for place, value in values):
            return float(f"{offset:.8g}"), float(f"{slope:.8g}"), log
    return None


def _value(label: str) -> float | None:
    text = label.replace("\u2212", "-").replace("\u00d7", "x").strip()
    power = _POWER.fullmatch(text)
    try:
        value = (-1 if power[1] or power[2] else 1) * 10.0 ** int(power[3]) if power else float(text)
    except (ValueError, OverflowError):
        return None
    return value if math.isfinite(value) else None


def comments(part: ET.Element) -> Iterator[str]:
    """What is written in a drawing: matplotlib notes every text beside the glyphs that draw it."""
    for element in part.iter():
        tag: object = element.tag
        if not isinstance(tag, str):
            yield unescape(element.text or "").strip()
