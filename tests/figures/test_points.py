"""Points: bars, names side by side, bounds, published values."""

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from suite.errors import SuiteError
from suite.figures import BP, INK, QUIET, draw_points, panels, percent, points, quantity, render, style, upright

Listed = Callable[[Figure], list[str]]


def table(**columns: list[Any]) -> pl.DataFrame:
    """Rates of two rules on two models, with intervals."""
    rows = {
        "model": ["a", "a", "b", "b"], "gradient": ["bp", "linbp"] * 2, "value": [0.1, 0.2, 0.3, 0.4],
        "low": [0.05, 0.15, 0.25, 0.3], "high": [0.2, 0.3, 0.4, 0.45],
    }  # fmt: skip
    return pl.DataFrame(rows | columns, strict=False)


def bars(axes: Axes) -> list[Any]:
    """The ends of all bars, as ((x, y), (x, y))."""
    made = [one for one in axes.containers if isinstance(one, ErrorbarContainer)]
    return [segment.tolist() for one in made for lines in one[2] for segment in lines.get_segments() if len(segment)]


def places(axes: Axes) -> dict[str, list[Any]]:
    """Places of the points by what the legend says of them."""
    made = [one for one in axes.containers if isinstance(one, ErrorbarContainer)]
    return {str(one.get_label()): one[0].get_xydata().tolist() for one in made}


def test_points_of_different_series_stand_side_by_side_at_a_name(listed: Listed) -> None:
    figure = points(table(), x="model", y=percent("value", "success"), colour="gradient")
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["a", "b"]
    found = places(axes)
    np.testing.assert_allclose(found["bp"], [[-0.1, 10], [0.9, 30]])
    np.testing.assert_allclose(found["linbp"], [[0.1, 20], [1.1, 40]])
    np.testing.assert_allclose(bars(axes)[0], [[-0.1, 5], [-0.1, 20]])
    assert listed(figure) == ["bp", "linbp"]


def test_names_go_down_the_y_axis() -> None:
    (axes,) = points(table(), x=quantity("value", "rate"), y="model", colour="gradient").axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]
    assert axes.get_ylim() == (1.5, -0.5) and axes.get_xlabel() == "rate"
    np.testing.assert_allclose(places(axes)["linbp"], [[0.2, 0.1], [0.4, 1.1]])
    np.testing.assert_allclose(bars(axes)[0], [[0.05, -0.1], [0.2, -0.1]])


def test_numbers_are_where_they_are_and_joined_in_order(listed: Listed) -> None:
    frame = pl.DataFrame(
        {"d": [100, 10, 1], "value": [3.0, None, 1.0], "low": [2.0, None, None], "high": [4.0, None, None]}
    )
    (axes,) = points(frame, x=quantity("d", log=True), y="value", join=True).axes
    (line, *_) = axes.lines
    assert line.get_xdata().tolist() == [1, 10, 100] and line.get_linestyle() == "-" and line.get_color() == INK
    assert np.isnan(line.get_ydata()).tolist() == [False, True, False]  # a gap breaks it
    assert [[100, 2], [100, 4]] in bars(axes)
    assert points(frame, x="d", y="value").axes[0].lines[0].get_linestyle() == "None"


def test_a_value_beyond_a_bound_is_a_triangle_that_points_there(listed: Listed) -> None:
    frame = table(value=[None, None, None, 0.4], low=[0.1, None, 0.2, 0.3], high=[None, 0.3, 0.4, 0.5])
    figure = points(frame, x="value", y="model", colour="gradient")
    (axes,) = figure.axes
    shapes = {line.get_marker(): line for line in axes.lines if len(line.get_xdata()) and line.get_marker() in "<>^v"}
    assert {*shapes} == {">", "<"}
    assert shapes[">"].get_xdata().tolist() == [0.1] and shapes["<"].get_xdata().tolist() == [0.3]
    assert shapes[">"].get_color() == BP
    (between,) = [c for c in axes.collections if c.get_linestyle()[0][1] is not None]  # dotted, from low to high
    np.testing.assert_allclose(between.get_segments()[0][:, 0], [0.2, 0.4])
    assert listed(figure) == ["linbp", "only a bound"]
    upwards = points(frame, x="model", y="value", colour="gradient").axes[0]
    assert {line.get_marker() for line in upwards.lines if len(line.get_xdata())} >= {"^", "v"}


def test_published_values_are_hollow_and_listed_only_where_there_are_any(listed: Listed) -> None:
    frame = table(published=[0.12, None, 0.33, None])
    figure = points(frame, x="model", y="value", colour="gradient", published="published")
    hollow = [line for line in figure.axes[0].lines if line.get_marker() == "D" and len(line.get_xdata())]
    assert [line.get_markerfacecolor() for line in hollow] == ["white"]
    assert listed(figure) == ["bp", "linbp", "published"]
    assert "published" not in listed(points(table(published=[None] * 4), x="model", y="value", published="published",
                                            colour="gradient"))  # fmt: skip


def test_shapes_tell_a_second_column(listed: Listed) -> None:
    frame = table(d=[1, 1, 2, 2], model=["a", "b", "a", "b"], gradient=["bp"] * 4)
    figure = points(frame, x="d", y="value", colour="gradient", marker="model", join=True)
    assert listed(figure) == ["bp", "a", "b"]
    made = [one for one in figure.axes[0].containers if isinstance(one, ErrorbarContainer)]
    assert [(one[0].get_marker(), one[0].get_linestyle()) for one in made] == [("o", "-"), ("s", "--")]


def test_several_values_at_one_place_are_points_of_their_own() -> None:
    frame = pl.DataFrame({"d": [1, 1, 2], "value": [1.0, 2.0, 3.0]})
    assert len(points(frame, x="d", y="value").axes[0].lines[0].get_xdata()) == 3


def test_references_stand_across_names(listed: Listed) -> None:
    scratch = pl.DataFrame({"value": [0.2], "low": [0.15], "high": [0.25]})
    figure = points(table(), x="value", y="model", colour="gradient", references=[upright(scratch, "from scratch")])
    assert listed(figure)[-1] == "from scratch"
    (span,) = figure.axes[0].patches
    assert span.get_extents().width > 0


@pytest.mark.parametrize("value", [None, float("nan")])
def test_nothing_known_is_drawn_without_a_name(listed: Listed, value: float | None) -> None:
    frame = table(value=[value] * 4, low=[None] * 4, high=[None] * 4).cast({"value": pl.Float64})
    for x, y in (("model", "value"), ("value", "model")):
        figure = points(frame, x=x, y=y, colour="gradient")
        assert listed(figure) == [] and render(figure)
    assert [text.get_text() for text in points(frame.clear(), x="model", y="value").axes[0].texts] == ["no data"]


def test_points_in_given_axes(listed: Listed) -> None:
    with style():
        _, (first, second) = panels(1, 2)
        draw_points(first, table(), x="model", y="value", colour="gradient", colours={"bp": "#123456", "linbp": INK})
        draw_points(second, table().clear(), x="model", y="value")
    assert first.lines[0].get_color() == "#123456" and first.get_xlabel() == "model"
    assert [text.get_text() for text in second.texts] == ["no data"]
    with pytest.raises(SuiteError, match="no column"):
        draw_points(first, table(), x="model", y="value", published="publish")


def test_shapes_are_named_after_all_colours_and_in_the_colour_of_none(listed: Listed) -> None:
    """Also where a colour is first met in the second panel."""
    frame = table(panel=["1", "1", "2", "2"], who=["x", "x", "x", "y"])
    figure = points(frame, x="value", y="low", colour="who", marker="gradient", panel="panel")
    assert listed(figure) == ["x", "y", "bp", "linbp"]
    inks = {str(line.get_label()): line.get_color() for axes in figure.axes for line in axes.lines}
    assert inks["bp"] == inks["linbp"] == QUIET and QUIET not in (inks["x"], inks["y"])
