"""Heat maps: which cell is where, one scale of colours, text, contours."""

import numpy as np
import polars as pl
import pytest
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from suite.errors import SuiteError
from suite.figures import curve, draw_heat, heat_map, mark, panels, percent, quantity, render, style


def meshes(figure: Figure) -> list[QuadMesh]:
    return [one for axes in figure.axes if axes.get_label() != "<colorbar>" for one in axes.collections
            if isinstance(one, QuadMesh)]  # fmt: skip


def rates() -> pl.DataFrame:
    """A rate for each surrogate and victim but one."""
    return pl.DataFrame({
        "surrogate": ["r", "r", "v"], "victim": ["r", "w", "w"], "value": [0.9, 0.4, 0.1],
        "low": [0.8, 0.3, 0.05], "high": [0.95, None, 0.2], "white_box": [True, False, False],
    })  # fmt: skip


def test_every_value_is_in_its_cell_and_a_missing_one_is_a_gap() -> None:
    figure = heat_map(rates(), x="victim", y="surrogate", value=percent("value", "success", limits=(0, 100)))
    (mesh,) = meshes(figure)
    np.testing.assert_allclose(np.ma.filled(mesh.get_array(), np.nan), [[90, 40], [np.nan, 10]])
    assert mesh.get_clim() == (0, 100)
    axes, bar = figure.axes
    assert bar.get_ylabel() == "success (%)"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["r", "w"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["r", "v"] and axes.get_ylim() == (1.5, -0.5)


def test_cells_say_their_value_and_interval_where_there_is_one() -> None:
    figure = heat_map(rates(), x="victim", y="surrogate", value=percent("value"), text=True, outline="white_box")
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.texts if text.get_text()] == ["90", "80–95", "40", "10", "5–20"]
    assert {text.get_color() for text in axes.texts} == {"white", "black"}
    assert [patch.get_xy() for patch in axes.patches] == [pytest.approx((-0.47, -0.46))]


def grid(**more: float) -> pl.DataFrame:
    cells = [{"d": d, "eps": eps, "value": eps * d**0.5} for d in (10, 100, 1000) for eps in (0.01, 0.1, 1.0)]
    return pl.DataFrame(cells).with_columns(**{name: pl.lit(value) for name, value in more.items()})


def test_cells_of_a_logarithmic_axis_have_their_borders_in_the_logarithm() -> None:
    figure = heat_map(grid(), x=quantity("d", log=True), y=quantity("eps", log=True), value=quantity("value", log=True))
    (mesh,) = meshes(figure)
    np.testing.assert_allclose(mesh.get_coordinates()[0, :, 0], 10 ** np.array([0.5, 1.5, 2.5, 3.5]))
    axes = figure.axes[0]
    assert axes.get_xlim() == pytest.approx((10**0.5, 10**3.5)) and axes.get_ylim()[0] < axes.get_ylim()[1]
    assert mesh.get_clim() == pytest.approx((0.01 * 10**0.5, 1000**0.5))


def test_panels_share_one_scale_of_colours() -> None:
    frame = pl.concat([grid(order=1.0), grid(order=2.0).with_columns(value=pl.col("value") * 10)])
    figure = heat_map(frame, x=quantity("d", log=True), y=quantity("eps", log=True), value="value", panel="order")
    assert len(figure.axes) == 3 and len({mesh.get_clim() for mesh in meshes(figure)}) == 1


def test_a_centre_is_white_and_both_hues_reach_equally_far() -> None:
    frame = pl.DataFrame({"x": [0, 1], "y": [0, 0], "value": [-0.1, 0.5]})
    (mesh,) = meshes(heat_map(frame, x="x", y="y", value="value", centre=0))
    assert mesh.get_clim() == (-0.5, 0.5)
    assert np.min(mesh.to_rgba(np.array(0.0))) > 0.95


def test_a_contour_curves_and_marks_lie_on_the_map() -> None:
    figure = heat_map(
        grid(), x=quantity("d", log=True), y=quantity("eps", log=True), value="value", contour=1,
        references=[curve(lambda d: 100 / d**0.5, "theory"),
                    mark(pl.DataFrame({"d": [100], "eps": [0.1]}), "half")],
    )  # fmt: skip
    axes = figure.axes[0]
    assert len(axes.collections) == 3  # the map, the contour and its light edge
    path = axes.collections[-1].get_paths()[0].vertices
    assert np.ptp(np.log(path[:, 1] * path[:, 0] ** 0.5)) < 1.5  # eps sqrt(d) is about one
    assert axes.get_ylim()[1] == pytest.approx(10**0.5)  # the theory, which leaves the map, does not widen it
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["theory", "half"]
    assert render(figure)
    outside = heat_map(grid(), x="d", y="eps", value="value", contour=1e6)
    assert len(outside.axes[0].collections) == 1


def test_many_cells_are_a_picture_within_the_drawing() -> None:
    frame = pl.DataFrame({"x": np.repeat(range(30), 30), "y": np.tile(range(30), 30)}).with_columns(value=pl.col("x"))
    files = render(heat_map(frame, x="x", y="y", value="value"))
    assert files["svg"].count(b"<path") < 400 and b"data:image/png;base64" in files["svg"]


@pytest.mark.parametrize("value", [None, float("nan"), 0.5])
@pytest.mark.parametrize("log", [False, True])
def test_maps_without_a_range_are_drawn(value: float | None, log: bool) -> None:
    frame = rates().with_columns(value=pl.lit(value, pl.Float64))
    for text in (False, True):
        assert render(heat_map(frame, x="victim", y="surrogate", value=quantity("value", log=log), text=text))


def test_two_values_in_a_cell_are_an_error_and_no_rows_are_said() -> None:
    with pytest.raises(SuiteError, match="several values"):
        heat_map(pl.concat([rates(), rates()]), x="victim", y="surrogate", value="value")
    figure = heat_map(rates().clear(), x="victim", y="surrogate", value="value")
    assert [text.get_text() for text in figure.axes[0].texts] == ["no data"]
    placeless = heat_map(pl.DataFrame({"x": [0.0, None, float("nan")], "y": [1, 1, 1], "value": [1.0, 2.0, 3.0]}),
                         x="x", y="y", value="value")  # fmt: skip
    assert meshes(placeless)[0].get_array().shape == (1, 1)


def test_maps_in_given_axes_have_bars_of_their_own() -> None:
    with style():
        figure, (first, second) = panels(2, 1)
        draw_heat(first, rates(), x="victim", y="surrogate", value=quantity("value", "cosine"), centre=0)
        draw_heat(second, grid(), x="d", y="eps", value=quantity("value", "loss"))
    assert [axes.get_ylabel() for axes in figure.axes[2:]] == ["cosine", "loss"]
    with style():
        figure, (axes,) = panels()
        draw_heat(axes, rates().clear(), x="victim", y="surrogate", value="value")
    assert [text.get_text() for text in axes.texts] == ["no data"]
