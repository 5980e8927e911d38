"""Axes read from SVG: what they say of a place is what matplotlib's own transform says."""

import io
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from matplotlib.figure import Figure

from suite.host.report.axes import Axes, read_axes

HEIGHT = 3.0 * 72  # of the figure, in the drawing's points


def parsed(figure: Figure) -> list[Axes]:
    file = io.StringIO()
    figure.savefig(file, format="svg")
    return read_axes(ET.fromstring(file.getvalue(), ET.XMLParser(target=ET.TreeBuilder(insert_comments=True))))


def value(scale: tuple[float, float, bool], place: float) -> float:
    offset, slope, log = scale
    return float(10 ** (offset + slope * place)) if log else offset + slope * place


@pytest.mark.parametrize(
    ("x", "y", "scales"),
    [
        ([0, 10], [-3.5, 2], {}),
        ([0.001, 0.002], [1e3, 2e5], {"yscale": "log"}),
        ([0.01, 100], [1e-3, 1], {"xscale": "log", "yscale": "log"}),
    ],
)
def test_places_give_values(x: list[float], y: list[float], scales: dict[str, Any]) -> None:
    figure = Figure(figsize=(4, 3))
    axes = figure.subplots()
    axes.plot(x, y)
    axes.set(xlabel="step", ylabel="loss", **scales)
    (found,) = parsed(figure)
    assert (found.xlabel, found.ylabel) == ("step", "loss")
    for point in zip(x, y, strict=True):
        across, up = axes.transData.transform(point) * 72 / figure.dpi
        assert found.box[0] <= across <= found.box[2] and found.box[1] <= HEIGHT - up <= found.box[3]
        for scale, place, exact in ((found.x, across, point[0]), (found.y, HEIGHT - up, point[1])):
            reach = abs(value(scale, place + 1) - value(scale, place - 1))  # a point to either side
            assert value(scale, place) == pytest.approx(exact, abs=reach)


def test_panels_are_told_apart() -> None:
    figure = Figure(figsize=(4, 3))
    left, right = figure.subplots(1, 2)
    left.plot([0, 1], [0, 1])
    right.plot([10, 20], [5, 6])
    one, other = parsed(figure)
    assert one.box[2] < other.box[0]
    assert value(other.x, other.box[0]) > value(one.x, one.box[2])


def test_axes_that_cannot_be_read_are_left_out() -> None:
    figure = Figure(figsize=(8, 3))
    names, offset, symmetric = figure.subplots(1, 3)
    names.bar(["a", "b"], [1, 2])
    offset.plot([0, 1], [1e9, 1e9 + 1])
    symmetric.plot([-1000, 0, 1000], [0, 1, 2])
    symmetric.set_xscale("symlog")
    assert parsed(figure) == []
