"""The figures of `lazy_regime.adv_train` from made-up tables: borders of cells, places, and grids without any."""

import numpy as np
import pytest
from matplotlib.collections import QuadMesh

from modules.lazy_regime.adv_train_figures import curves, heat_maps
from modules.lazy_regime.adv_train_tables import cells, powers, transitions
from tests.lazy_regime.test_lazy_adv_tables import Row, law, nets


def tables(made: list[Row]) -> tuple[list[Row], list[Row], list[Row]]:
    return list(cells(made)), list(transitions(made)), list(powers(made))


def test_a_map_per_order_with_cells_where_they_belong() -> None:
    made = nets("width", (100, 400), law(-0.5, 2.0, 4.0)) + nets("width", (100, 400), law(-0.5, 1.5, 4.0), "released")
    figure = heat_maps(*tables(made))
    maps = [axis for axis in figure.axes if axis.get_title()]
    assert [axis.get_title() for axis in maps] == ["projected after every step", "evaluated before projection"]
    (mesh,) = (one for one in maps[0].collections if isinstance(one, QuadMesh))
    robust = np.asarray(mesh.get_array())
    expected = {(row["m"], row["radius"]): row["robust"] for row in cells(made) if row["order"] == "step"}
    assert robust == pytest.approx(
        np.array([[expected[m, r] for m in (100, 400)] for r in (0.02, 0.05, 0.1, 0.2, 0.5, 1)])
    )
    corners = np.asarray(mesh.get_coordinates())
    assert corners[0, :, 0] == pytest.approx([50, 200, 800])
    assert corners[:, 0, 1] == pytest.approx(np.exp([np.log(0.02) - np.log(2.5) / 2, *_middles(), np.log(2) / 2]))
    assert "m^-0.50" in {text.get_text() for text in maps[0].texts}
    lines = {line.get_label(): line.get_xydata() for line in maps[0].lines}
    assert lines["1 / sqrt(m)"] == pytest.approx(np.array([[100, 0.1], [400, 0.05]]))
    assert lines["constant / sqrt(m)"] == pytest.approx(np.array([[100, 0.2], [400, 0.1]]), rel=1e-3)


def test_curves_stand_over_the_scaled_radius() -> None:
    made = nets("dimension", (25, 100), law(-0.5, 0.9))
    figure = curves(*tables(made))
    axis = figure.axes[0]
    first, second = axis.lines[:2]
    assert (first.get_label(), second.get_label()) == ("d = 25", "d = 100")
    assert np.asarray(first.get_xdata()) == pytest.approx(5 * np.array([0.02, 0.04, 0.08, 0.16, 0.32, 0.64]))


@pytest.mark.parametrize("values", [(100,), (100, 400)])
def test_a_grid_without_a_transition_is_drawn_and_says_so(values: tuple[int, ...]) -> None:
    made = tables(nets("width", values, lambda *_: 0.9))
    figure = heat_maps(*made)
    figure.canvas.draw()
    assert "no transition" in {text.get_text() for text in figure.axes[0].texts}
    assert not any(line.get_label() == "constant / sqrt(m)" for line in figure.axes[0].lines)
    curves(*made).canvas.draw()


def _middles() -> list[float]:
    radii = np.log([0.02, 0.05, 0.1, 0.2, 0.5, 1.0])
    middles: list[float] = ((radii[1:] + radii[:-1]) / 2).tolist()
    return middles
