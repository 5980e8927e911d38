"""The figures of `lazy_regime.adv_train` from made-up tables: borders of cells, places, and grids without any."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from modules.lazy_regime.adv_train import figures, results
from modules.lazy_regime.adv_train.config import AdvTrainConfig
from tests.lazy_regime.adv_train.test_results import law, nets

CONFIG = AdvTrainConfig()
FACTS: dict[str, Any] = {"samples": {"train": 10, "test": 20}}


def drawn(name: str, made: pl.DataFrame) -> tuple[Figure, str]:
    cells, passages = results.cells(made, CONFIG), results.passages(made)
    frames = (results.transitions(passages, made), results.powers(passages)) if "curves" not in name else ()
    figure, caption = getattr(figures, name)(cells, *frames, CONFIG, FACTS)
    figure.canvas.draw()
    return figure, caption


def points(axes: Axes) -> list[np.ndarray]:
    """Of every line in the axes."""
    return [np.asarray(line.get_xydata()) for line in axes.lines if len(np.asarray(line.get_xdata()))]


def test_a_map_per_order_with_cells_where_they_belong() -> None:
    first, second = (
        nets("width", (100, 400), law(-0.5, 2.0, 4.0)),
        nets("width", (100, 400), law(-0.5, 1.5, 4.0), "released"),
    )
    figure, caption = drawn("width", pl.concat([first, second]))
    maps = [axes for axes in figure.axes if axes.get_title()]
    assert [axes.get_title() for axes in maps] == ["projected after every step", "evaluated before projection"]
    (mesh,) = (one for one in maps[0].collections if isinstance(one, QuadMesh))
    cells = results.cells(first, CONFIG).sort("radius", "m")
    assert np.asarray(mesh.get_array()) == pytest.approx(100 * cells["value"].to_numpy().reshape(6, 2))
    corners = np.asarray(mesh.get_coordinates())
    assert corners[0, :, 0] == pytest.approx([50, 200, 800])
    assert corners[:, 0, 1] == pytest.approx(np.exp([np.log(0.02) - np.log(2.5) / 2, *_middles(), np.log(2) / 2]))
    assert "m^-0.50 (projected after every step)" in caption and "10 training and 20 test images" in caption
    unit, constant, *_ = points(maps[0])
    assert unit == pytest.approx(np.array([[100, 0.1], [400, 0.05]]))
    assert constant == pytest.approx(np.array([[100, 0.2], [400, 0.1]]), rel=1e-3)


def test_curves_stand_over_the_scaled_radius() -> None:
    figure, _ = drawn("dimension_curves", nets("dimension", (25, 100), law(-0.5, 0.9)))
    first, second = figure.axes[0].lines[:2]
    assert (first.get_label(), second.get_label()) == ("d = 25", "d = 100")
    assert np.asarray(first.get_xdata()) == pytest.approx(5 * np.array([0.02, 0.04, 0.08, 0.16, 0.32, 0.64]))


@pytest.mark.parametrize("values", [(100,), (100, 400)])
def test_a_grid_without_a_transition_is_drawn_and_says_so(values: tuple[int, ...]) -> None:
    made = nets("width", values, lambda *_: 0.9)
    figure, caption = drawn("width", made)
    assert "no transition" in caption and len(points(figure.axes[0])) == 1  # 1 / sqrt(m) alone
    drawn("width_curves", made)
    empty = results.cells(made, CONFIG)
    assert figures.dimension_curves(empty, CONFIG, FACTS) is None


def _middles() -> list[float]:
    radii = np.log([0.02, 0.05, 0.1, 0.2, 0.5, 1.0])
    middles: list[float] = ((radii[1:] + radii[:-1]) / 2).tolist()
    return middles
