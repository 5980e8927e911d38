"""Figures of `linbp.rules`, drawn from tables alone."""

import polars as pl
import pytest
from matplotlib.figure import Figure

from modules.linbp.rules.catalogue import BOTH, CALIBRATED, PUBLISHED
from modules.linbp.rules.figures import gains, ranking, success_by_cost
from suite.figures import render

RULES = ("bp", "linbp", "sgm")


def drawn(figure_and_caption: tuple[Figure, str]) -> Figure:
    assert all(render(figure_and_caption[0]).values())
    return figure_and_caption[0]


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_the_ranking_has_a_panel_per_surrogate_and_the_wider_intervals_where_there_are() -> None:
    table = pl.DataFrame([
        {"surrogate": surrogate, "place": place, "rule": rule, "value": 1.0 + k, "low": 0.9 + k, "high": 1.1 + k,
         "pairs_low": 0.5 + k if surrogate == "all" else None, "pairs_high": 1.5 + k if surrogate == "all" else None}
        for surrogate in ("all", "a", "b")
        for place in (PUBLISHED, CALIBRATED)
        for k, rule in enumerate(RULES)
    ])  # fmt: skip
    figure = drawn(ranking(table, {"attacked": 9}))
    assert [axes.get_title() for axes in figure.axes] == ["all", "a", "b"]
    assert legend(figure) == [PUBLISHED, CALIBRATED]
    widths = [
        {round(float(segment[1][0] - segment[0][0]), 6) for segment in axes.containers[0][2][0].get_segments()}
        for axes in figure.axes
    ]
    assert widths == [{1.0}, {0.2}, {0.2}]


def test_only_rules_of_the_front_and_bp_are_shown_and_against_what_they_spent() -> None:
    table = pl.DataFrame([
        {"surrogate": "a", "rule": rule, "place": place, "steps": passes // (1 + k // 2),
         "passes_per_step": 1.2 if rule == "sgm" else 1.0, "black_box": 0.1 * (k + 1), "black_box_low": 0.1 * k,
         "black_box_high": 0.1 * (k + 2), "front": rule == "sgm"}
        for k, rule in enumerate(RULES)
        for place in ((BOTH,) if rule == "bp" else (PUBLISHED, CALIBRATED))
        for passes in (4, 8)
    ])  # fmt: skip
    figure = drawn(success_by_cost(table))
    assert set(legend(figure)) == {"bp", "sgm", BOTH, PUBLISHED, CALIBRATED}
    (axes,) = figure.axes
    assert sorted({x for each in axes.containers for x in each.lines[0].get_xdata()}) == pytest.approx([2.4, 4, 4.8, 8])


def test_gains_are_in_points_and_bp_is_the_line() -> None:
    table = pl.DataFrame([
        {"surrogate": "a", "rule": rule, "place": BOTH, "difference": gain, "difference_low": gain and gain - 0.1,
         "difference_high": gain and gain + 0.1}
        for rule, gain in zip(RULES, (None, 0.1, -0.2), strict=True)
    ])  # fmt: skip
    (axes,) = drawn(gains(table, {"attacked": 9})).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["linbp", "sgm"]
    assert sorted(axes.containers[0].lines[0].get_xdata()) == [-20, 10]
