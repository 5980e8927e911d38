"""The one look of every figure."""

import matplotlib as mpl
import pytest
from matplotlib.colors import to_rgb

from suite.figures import band, gradient_colours, new_figure, style


def test_bp_is_always_one_colour_and_linbp_another() -> None:
    lists = [
        ["bp", "linbp"], ["linbp", "bp"], ["guided", "linbp(start=all)", "bp"], ["bp"],
        ["linbp(start=1)", "linbp(start=2)", "bp", "guided"],
    ]  # fmt: skip
    assert len({gradient_colours(names)["bp"] for names in lists}) == 1
    firsts = {next(colours[n] for n in names if n.startswith("linbp")) for names in lists if "linbp" in str(names)
              for colours in [gradient_colours(names)]}  # fmt: skip
    assert len(firsts) == 1
    assert firsts != {gradient_colours(["bp"])["bp"]}


def test_rules_in_one_figure_have_distinct_colours_in_the_order_given() -> None:
    names = ["bp", "linbp", "linbp(start=layer3)", "linbp(start=all)", "guided", "sign", "square"]
    colours = gradient_colours(names)
    assert list(colours) == names and len({to_rgb(colour) for colour in colours.values()}) == len(names)


def test_any_number_of_rules_has_colours() -> None:
    names = ["bp", *(f"linbp(start={index})" for index in range(30)), *(f"rule{index}" for index in range(30))]
    colours = gradient_colours(names)
    assert set(colours) == set(names)
    assert sum(colour == colours["bp"] for colour in colours.values()) == 1
    assert gradient_colours([]) == {}


def test_the_style_ends_with_its_block() -> None:
    before = dict(mpl.rcParams)
    with style():
        assert mpl.rcParams["font.size"] == 9 and not mpl.rcParams["axes.spines.top"]
    assert dict(mpl.rcParams) == before
    with pytest.raises(RuntimeError), style():
        raise RuntimeError
    assert dict(mpl.rcParams) == before


def test_axes_come_row_by_row() -> None:
    figure, axes = new_figure(2, 3, width=5, height=4)
    assert axes == figure.axes and len(axes) == 6
    assert tuple(figure.get_size_inches()) == (5, 4)
    figure.canvas.draw()
    top, bottom = axes[0].get_position(), axes[3].get_position()
    assert top.y0 > bottom.y0 and top.x0 == pytest.approx(bottom.x0)
    assert axes[1].get_position().x0 > top.x0


def test_a_band_is_a_labelled_line_and_its_interval() -> None:
    _, (axis,) = new_figure()
    band(axis, [0, 1, 2], [10, 20, 30], [5, 15, 25], [15, 25, 35], colour="#123456", label="bp")
    (line,), (area,) = axis.lines, axis.collections
    assert line.get_label() == "bp" and line.get_color() == "#123456"
    assert line.get_xydata().tolist() == [[0, 10], [1, 20], [2, 30]]
    corners = {tuple(point) for point in area.get_paths()[0].vertices.tolist()}
    assert {(0, 5), (0, 15), (2, 25), (2, 35)} <= corners
    assert to_rgb(area.get_facecolor()[0]) == pytest.approx(to_rgb("#123456"))
