"""Lines: what is drawn where, gaps, scales that panels share, and legends of nothing but what is drawn."""

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from suite.errors import SuiteError
from suite.figures import (
    BP,
    INK,
    curve,
    draw_lines,
    legend,
    level,
    lines,
    mark,
    panels,
    percent,
    power,
    quantity,
    render,
    style,
    upright,
)  # fmt: skip

NAN = float("nan")
Listed = Callable[[Figure], list[str]]
Curves = Callable[..., pl.DataFrame]


def drawn(axes: Axes) -> list[Any]:
    """Lines that have points; entries of a legend have none."""
    return [line for line in axes.lines if len(line.get_xdata())]


def test_a_panel_per_value_and_a_line_with_its_band_per_name(curves: Curves, listed: Listed) -> None:
    figure = lines(curves(eps=(0.1, 0.05)), x="step", y=percent("value", "success"), colour="gradient", panel="eps")
    assert [axes.get_title() for axes in figure.axes] == ["eps = 0.05", "eps = 0.1"]
    for axes in figure.axes:
        assert len(drawn(axes)) == len(axes.collections) == 2
        assert axes.get_xlabel() == "step"
    first, second = figure.axes
    assert first.get_ylabel() == "success (%)" and second.get_ylabel() == ""
    assert drawn(first)[0].get_color() == BP
    expected = curves(eps=(0.05,)).filter(gradient="bp")["value"].to_numpy() * 100
    np.testing.assert_allclose(drawn(first)[0].get_ydata(), expected)
    corners = first.collections[0].get_paths()[0].vertices
    assert np.isclose(corners[:, 1], 100 * (0.0 - 0.02)).any()
    assert to_rgb(first.collections[0].get_facecolor()[0]) == pytest.approx(to_rgb(BP))
    assert listed(figure) == ["bp", "linbp"]


def test_the_order_of_rows_does_not_matter_but_for_names(curves: Curves) -> None:
    frame = curves(eps=(0.1, 0.05))
    one = lines(frame, x="step", y="value", colour="gradient", panel="eps")
    other = lines(frame.sample(fraction=1, shuffle=True, seed=1), x="step", y="value", colour="gradient", panel="eps")
    for first, second in zip(one.axes, other.axes, strict=True):
        ends = [
            {(line.get_label(), *np.round(line.get_ydata(), 9)) for line in drawn(axes)} for axes in (first, second)
        ]
        assert ends[0] == ends[1]


def test_panels_share_a_scale_and_show_it_once(curves: Curves) -> None:
    figure = lines(curves(eps=(0.01, 0.1, 0.4)), x="step", y="value", panel="eps", colour="gradient")
    figure.canvas.draw()
    limits = {(axes.get_xlim(), axes.get_ylim()) for axes in figure.axes}
    assert len(limits) == 1
    assert [any(label.get_text() for label in axes.get_yticklabels()) for axes in figure.axes] == [True, False, False]


def test_panels_of_different_quantities_have_scales_and_labels_of_their_own(curves: Curves) -> None:
    frame = pl.concat([curves().with_columns(metric=pl.lit(name), run=pl.lit(run)) for name in ("loss", "accuracy")
                       for run in ("a", "b")])  # fmt: skip
    y = {"accuracy": percent("value", "accuracy"), "loss": quantity("value", "loss (nats)", limits=(0, None))}
    figure = lines(frame, x="step", y=y, panel="metric", rows="run", colour="gradient")
    assert [axes.get_ylabel() for axes in figure.axes] == ["accuracy (%)", "loss (nats)"] * 2
    assert {axes.get_title() for axes in figure.axes} == {""}
    top_left, top_right, below_left, _ = figure.axes
    assert top_left.get_ylim() == below_left.get_ylim() != top_right.get_ylim()
    assert top_right.get_ylim()[0] == 0
    assert [text.get_text() for axes in figure.axes for text in axes.texts if text.get_text()] == ["a", "b"]
    assert [axes.get_xlabel() for axes in figure.axes] == ["", "", "step", "step"]


def test_quantities_need_panels_to_stand_in(curves: Curves) -> None:
    with pytest.raises(SuiteError, match="panel"):
        lines(curves(), x="step", y={"loss": "value"}, colour="gradient")


@pytest.mark.parametrize(("count", "grid"), [(1, (1, 1)), (3, (1, 3)), (4, (2, 2)), (5, (2, 3)), (9, (3, 3))])
def test_panels_are_wrapped(curves: Curves, count: int, grid: tuple[int, int]) -> None:
    figure = lines(curves(eps=tuple(0.1 * k for k in range(1, count + 1))), x="step", y="value", panel="eps",
                   colour="gradient")  # fmt: skip
    assert len(figure.axes) == count
    spec = figure.axes[0].get_subplotspec()
    assert spec is not None and spec.get_gridspec().get_geometry() == grid
    for axes in figure.axes:
        place = axes.get_subplotspec()
        assert place is not None
        below = [other for other in figure.axes if other.get_subplotspec().colspan == place.colspan
                 and other.get_subplotspec().rowspan.start > place.rowspan.start]  # fmt: skip
        assert axes.get_xlabel() == ("" if below else "step")


@pytest.mark.parametrize("gap", [None, NAN, float("inf")])
def test_a_gap_breaks_its_line_and_its_band(curves: Curves, gap: float | None) -> None:
    value = pl.when(pl.col("step").is_between(8, 10)).then(gap).otherwise("value")
    figure = lines(curves().with_columns(value=value), x="step", y="value", colour="gradient")
    (axes,) = figure.axes
    for line in drawn(axes):
        assert np.flatnonzero(np.isnan(line.get_ydata())).tolist() == [8, 9, 10]
    assert [len(band.get_paths()) for band in axes.collections] == [2, 2]
    assert render(figure)


def test_a_point_between_gaps_is_seen(curves: Curves) -> None:
    alone = curves(steps=30).with_columns(value=pl.when(pl.col("step").is_in([3, 4, 9])).then("value"))
    (line, _) = drawn(lines(alone, x="step", y="value", colour="gradient").axes[0])
    assert line.get_marker() == "o" and line.get_markevery() == [9]
    few = curves(steps=2)
    assert drawn(lines(few, x="step", y="value", colour="gradient").axes[0])[0].get_markevery() is None


def test_one_reading_has_a_bar_in_place_of_a_band(curves: Curves) -> None:
    (axes,) = lines(curves(steps=1), x="step", y="value", colour="gradient").axes
    bar = axes.collections[0].get_segments()[0]
    np.testing.assert_allclose(bar, [[0, -0.02], [0, 0.02]])


@pytest.mark.parametrize("log", [False, True])
def test_what_is_nowhere_finite_is_neither_drawn_nor_listed(curves: Curves, listed: Listed, log: bool) -> None:
    frame = curves(("bp", "linbp", "sgm")).with_columns(
        value=pl.when(pl.col("gradient") == "linbp").then(NAN).otherwise("value")
    )
    figure = lines(frame, x="step", y=quantity("value", log=log), colour="gradient")
    assert listed(figure) == ["bp", "sgm"]
    nothing = frame.with_columns(value=pl.lit(None, pl.Float64))
    figure = lines(nothing, x="step", y=quantity("value", log=log), colour="gradient")
    assert listed(figure) == [] and render(figure)


def test_a_name_that_is_drawn_in_any_panel_is_listed_once(curves: Curves, listed: Listed) -> None:
    frame = curves(("bp", "linbp"), eps=(0.1, 0.2)).filter((pl.col("gradient") == "bp") | (pl.col("eps") == 0.2))
    figure = lines(frame, x="step", y="value", colour="gradient", panel="eps")
    assert listed(figure) == ["bp", "linbp"]
    assert [len(drawn(axes)) for axes in figure.axes] == [1, 2]
    assert drawn(figure.axes[1])[1].get_color() == "#D55E00"


def test_colours_and_patterns_are_listed_apart(curves: Curves, listed: Listed) -> None:
    frame = pl.concat([curves().with_columns(model=pl.lit(name)) for name in ("a", "b")])
    frame = frame.filter((pl.col("gradient") == "bp") | (pl.col("model") == "a"))
    figure = lines(frame, x="step", y="value", colour="gradient", dash="model")
    assert listed(figure) == ["bp", "linbp", "a", "b"]
    assert [(line.get_color(), line.get_linestyle()) for line in drawn(figure.axes[0])] == [
        (BP, "-"), (BP, "--"), ("#D55E00", "-"),
    ]  # fmt: skip
    one_model, one_rule = frame.filter(model="a"), frame.filter(gradient="bp")
    assert listed(lines(one_model, x="step", y="value", colour="gradient", dash="model")) == ["bp", "linbp"]
    assert listed(lines(one_rule, x="step", y="value", dash="model")) == ["a", "b"]


def test_numbers_are_listed_with_their_name_in_order(listed: Listed) -> None:
    frame = pl.DataFrame({"m": [30, 10] * 2, "d": [1, 1, 2, 2], "value": [1.0, 2.0, 3.0, 4.0]})
    assert listed(lines(frame, x="d", y="value", colour="m")) == ["m = 10", "m = 30"]


def test_several_values_at_one_place_are_an_error_unless_told_apart(curves: Curves, listed: Listed) -> None:
    frame = pl.concat([curves().with_columns(seed=pl.lit(seed), value=pl.col("value") + seed) for seed in range(3)])
    with pytest.raises(SuiteError, match="group="):
        lines(frame, x="step", y="value", colour="gradient")
    figure = lines(frame, x="step", y="value", colour="gradient", group="seed")
    assert len(drawn(figure.axes[0])) == 6 and listed(figure) == ["bp", "linbp"]
    assert {line.get_color() for line in drawn(figure.axes[0])} == {BP, "#D55E00"}


def test_names_have_their_places_along_x(curves: Curves) -> None:
    frame = pl.DataFrame({"start": ["conv", "layer1", "layer2"], "value": [1.0, None, 3.0]})
    (axes,) = lines(frame, x=quantity("start", "LinBP starts at"), y="value").axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["conv", "layer1", "layer2"]
    assert axes.get_xlabel() == "LinBP starts at" and drawn(axes)[0].get_xdata().tolist() == [0, 1, 2]
    assert drawn(axes)[0].get_color() == INK


def test_names_keep_their_order_in_every_panel() -> None:
    frame = pl.DataFrame({"run": [*"aaabb"], "start": [*"xyzyz"], "value": [1.0, 2.0, 3.0, 4.0, 5.0]})
    second = lines(frame, x="start", y="value", panel="run").axes[1]
    assert [label.get_text() for label in second.get_xticklabels()] == ["x", "y", "z"]
    assert drawn(second)[0].get_xdata().tolist() == [1, 2]


def test_a_logarithmic_axis_leaves_out_what_has_no_logarithm_and_keeps_bands_near() -> None:
    frame = pl.DataFrame({"d": [1, 10, 100, 1000], "value": [0.0, 1e-2, 1e-1, 1.0], "low": [-1.0, -1.0, 1e-9, 0.5],
                          "high": [0.1, 1e-1, 0.5, 2.0]})  # fmt: skip
    (axes,) = lines(frame, x=quantity("d", log=True), y=quantity("value", log=True)).axes
    assert axes.get_xscale() == axes.get_yscale() == "log"
    assert np.isnan(drawn(axes)[0].get_ydata()[0])
    assert axes.get_ylim()[0] > 1e-4
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "10", "100", "1000"]


def test_references_stand_where_they_belong_and_are_listed_when_drawn(curves: Curves, listed: Listed) -> None:
    frame = curves(eps=(0.1, 0.2))
    thresholds = pl.DataFrame({"gradient": ["bp", "linbp"], "value": [0.1, None]}).with_columns(low=0.05, high=0.15)
    figure = lines(
        frame, x="step", y=percent("value"), colour="gradient", panel="eps",
        references=[
            level(0), level(0.5, "chance", only=0.2), level(thresholds, "threshold"), upright(7, "start"),
            curve(lambda step: step / 100, "theory"), level(NAN, "nothing"),
            curve(pl.DataFrame({"step": [0, 5], "value": [0.0, 0.5], "eps": [0.2, 0.2]}), "other theory"),
            mark(pl.DataFrame({"step": [3], "value": [0.1], "gradient": ["linbp"], "eps": [0.1]}), "passed"),
            mark(pl.DataFrame({"step": [3], "value": [None]}, schema_overrides={"value": pl.Float64}), "never"),
        ],
    )  # fmt: skip
    assert listed(figure) == ["bp", "linbp", "threshold", "start", "theory", "passed", "chance", "other theory"]
    first, second = figure.axes
    assert [line.get_ydata()[0] for line in drawn(second) if line.get_ydata()[0] == 50] == [50]
    assert not any(line.get_ydata()[0] == 50 for line in drawn(first))
    theory = next(line for line in drawn(first) if len(line.get_xdata()) == 200)
    np.testing.assert_allclose(theory.get_ydata(), theory.get_xdata())  # percent, as the axis
    assert [line.get_color() for line in drawn(first) if line.get_marker() == "D"] == ["#D55E00"]
    patterns = {line.get_label(): line.get_linestyle() for line in first.lines if line.get_label() in listed(figure)}
    assert len({patterns[name] for name in ("threshold", "start", "theory")}) == 3 and patterns["bp"] == "-"
    assert next(line for line in drawn(first) if line.get_linestyle() == patterns["threshold"]).get_color() == BP


def test_what_has_one_label_has_one_pattern_in_every_panel(curves: Curves) -> None:
    frame = curves(eps=(0.1, 0.2))
    figure = lines(
        frame, x="step", y="value", colour="gradient", panel="eps",
        references=[
            level(0.1, "printed", only=0.1), level(0.2, "derived", only=0.1),
            level(0.4, "derived", only=0.2), level(0.3, "printed", only=0.2),
        ],
    )  # fmt: skip
    first, second = (
        {float(np.asarray(line.get_ydata())[0]): line.get_linestyle() for line in drawn(axes)} for axes in figure.axes
    )
    assert first[0.1] == second[0.3] != first[0.2] == second[0.4]


def test_a_power_goes_through_the_first_lines_middle() -> None:
    frame = pl.DataFrame({"d": [1.0, 10.0, 100.0], "value": [2.0, 0.2, 0.02]})
    (axes,) = lines(frame, x=quantity("d", log=True), y=quantity("value", log=True), references=[power(-1, "1/d")]).axes
    theory = drawn(axes)[1]
    np.testing.assert_allclose(theory.get_ydata(), 2 / theory.get_xdata())


def test_limits_leave_room_for_a_line_along_them(curves: Curves) -> None:
    (axes,) = lines(curves(), x="step", y=percent("value", limits=(0, 100)), colour="gradient").axes
    assert axes.get_ylim() == pytest.approx((-2, 102))
    (axes,) = lines(curves(), x="step", y=quantity("value", limits=(0, None)), colour="gradient").axes
    assert axes.get_ylim()[0] == 0 and axes.get_ylim()[1] > curves()["high"].max()


def test_given_ticks_are_written_where_there_is_room(curves: Curves) -> None:
    named = quantity("step", ticks={0: "stem", 1: "the first layer", 15: "last"})
    (axes,) = lines(curves(), x=named, y="value", colour="gradient").axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["", "the first layer", "last"]


def test_no_rows_give_a_figure_that_says_so(curves: Curves) -> None:
    for empty in (curves().clear(), curves().with_columns(step=pl.lit(None, pl.Int64))):
        figure = lines(empty, x="step", y="value", colour="gradient", panel="eps")
        assert [text.get_text() for text in figure.axes[0].texts] == ["no data"] and not figure.legends
        assert render(figure)


def test_a_missing_column_is_named_with_its_nearest(curves: Curves) -> None:
    for wrong in ({"x": "steps"}, {"y": "vale"}, {"colour": "gradients"}, {"panel": "epss"}, {"dash": "low_"}):
        with pytest.raises(SuiteError, match="no column"):
            lines(curves(), **{"x": "step", "y": "value"} | wrong)
    with pytest.raises(SuiteError, match="no numbers"):
        lines(curves(), x="step", y={"bp": "gradient"}, panel="gradient")


def test_lines_in_given_axes_agree_on_colours_that_are_given(curves: Curves, listed: Listed) -> None:
    with style():
        figure, (first, second) = panels(1, 2)
        draw_lines(first, curves(("bp",)), x="step", y=percent("value", "success"), colour="gradient")
        draw_lines(second, curves(("x",)), x="step", y="value", colour="gradient", colours={"x": "#123456"})
        draw_lines(second, curves(("y",), eps=(0.9,)), x="step", y=quantity("value", "rate", limits=(0, None)),
                   colour="gradient", references=[level(1, "one")])  # fmt: skip
        legend(figure)
    assert listed(figure) == ["bp", "x", "y", "one"]
    assert drawn(second)[0].get_color() == "#123456"
    assert (first.get_ylabel(), second.get_ylabel()) == ("success (%)", "rate")
    assert second.get_ylim()[0] == 0 and second.get_ylim()[1] > 1
    with style():
        figure, (axes,) = panels()
        draw_lines(axes, curves().clear(), x="step", y="value", colour="gradient")
        assert [text.get_text() for text in axes.texts] == ["no data"]
