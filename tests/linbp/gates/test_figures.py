"""Figures of `linbp.gates`, drawn from tables alone."""

import polars as pl
import pytest
from matplotlib.figure import Figure

from modules.linbp.gates.config import GatesConfig
from modules.linbp.gates.figures import gates, similarity_and_gain
from suite.figures import render

ARMS = ("bp", "linear", "rate", "linear@branch")


def drawn(figure_and_caption: tuple[Figure, str]) -> Figure:
    assert all(render(figure_and_caption[0]).values())
    return figure_and_caption[0]


@pytest.mark.parametrize("surrogates", [("a",), ("a", "b")])
def test_a_panel_per_surrogate_a_line_per_arm_and_bars_in_points(surrogates: tuple[str, ...]) -> None:
    table = pl.DataFrame([
        {"surrogate": surrogate, "method": method, "eps": 0.1, "arm": arm, "gain": gain, "gain_low": gain - 0.01,
         "gain_high": gain + 0.01}
        for surrogate in surrogates
        for method in ("ifgsm", "mifgsm")
        for arm, gain in zip(ARMS, (0.0, 0.06, 0.05, -0.02), strict=True)
    ])  # fmt: skip
    figure = drawn(gates(table, GatesConfig(), {"attacked": 9}))
    assert len(figure.axes) == len(surrogates)
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == list(ARMS[1:])
    first = axes.containers[0].lines[0].get_xdata()
    assert sorted(first) == pytest.approx([-2, 5, 6])


def test_a_point_is_an_arm_on_a_victim() -> None:
    table = pl.DataFrame([
        {"surrogate": "a", "eps": 0.1, "arm": arm, "victim": victim, "rise": place / 10, "gain": place / 20,
         "gain_low": place / 20 - 0.01, "gain_high": place / 20 + 0.01}
        for place, arm in enumerate(ARMS)
        for victim in ("b", "c")
    ])  # fmt: skip
    (axes,) = drawn(similarity_and_gain(table)).axes
    assert [len(container.lines[0].get_xdata()) for container in axes.containers] == [1] * 6
    assert len({container.lines[0].get_marker() for container in axes.containers}) == 3
