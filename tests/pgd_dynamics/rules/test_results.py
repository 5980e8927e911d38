"""Tables and figure of `pgd_dynamics.rules` on ascents whose numbers are known."""

import itertools

import polars as pl
import pytest

from modules.pgd_dynamics.rules import figures, results
from modules.pgd_dynamics.rules.config import RulesConfig
from suite.statistics import Estimate


def ascents(rules: tuple[str, ...] = ("bp", "linbp"), scales: tuple[float, ...] = (1.0,)) -> pl.DataFrame:
    """Two starts in each of two networks."""
    cells = itertools.product(scales, rules, (0, 1), (0, 1))
    frame = pl.DataFrame(list(cells), schema=["scale", "rule", "network", "start"], orient="row")
    constant = {"d": 2, "activation": "relu", "hit": 1, "reached": 9, "arrived": 9, "near": True, "slant": 0.0}
    constant |= {"away": 0.0, "gain": 1.0, "asymmetry": 0.0}
    return frame.with_columns(pl.lit(value).alias(name) for name, value in constant.items())


def test_an_ascent_arrives_where_the_gradient_is_normal_and_counts_in_full_where_it_never_does() -> None:
    """By hand: network 0 has a start that LinBP brings there and one that it does not, network 1 none."""
    arrived, slant = [10, 20, 30, 40, 4, -1, -1, -1], [0.0, 0.5, 0.0, 2.0, 0.1, 9.0, 9.0, 1.0]
    frame = ascents().with_columns(arrived=pl.Series(arrived), slant=pl.Series(slant))
    table = results.arrivals(frame, RulesConfig(steps=100, degrees=1.0))
    assert table.select("rule", "network", "share", "ended", "steps", "later").rows() == [
        ("bp", 0, 1.0, 1.0, 15.0, 0.0),
        ("bp", 1, 1.0, 0.5, 35.0, 0.0),
        ("linbp", 0, 0.5, 0.5, 52.0, -6.0),
        ("linbp", 1, 0.0, 0.5, 100.0, None),
    ]
    assert set(table["starts"]) == {2} and set(table["scale"]) == {1.0}


def test_rows_are_means_over_networks_and_gaps_are_counted() -> None:
    frame = ascents().with_columns(reached=pl.Series([10, 20, 30, 40, 8, 14, -1, 30]))
    bp, linbp = results.rules(frame).rows(named=True)
    assert (bp["sooner"], bp["n"]) == (0, 2)
    assert linbp["sooner"] == pytest.approx(((2 + 6) / 2 + 10) / 2)
    assert linbp["never_reached"] == 0.25
    assert linbp["sooner_low"] < linbp["sooner"] < linbp["sooner_high"]


def test_a_network_without_a_pair_is_in_no_mean_and_one_alone_has_no_interval() -> None:
    frame = ascents().with_columns(reached=pl.Series([10, 10, 10, 10, 8, 8, -1, -1]))
    row = results.rules(frame).row(1, named=True)
    assert (row["sooner"], row["sooner_n"], row["n"]) == (2, 1, 2)
    assert row["sooner_low"] is None and row["sooner_high"] is None


def test_a_number_that_is_not_one_is_seen_in_the_mean() -> None:
    frame = ascents().with_columns(gain=pl.Series([1.0] * 7 + [float("nan")]))
    bp, linbp = results.rules(frame)["gain"]
    assert bp == 1 and linbp != linbp


def test_answers_and_figure_show_every_landscape() -> None:
    table = results.rules(ascents(("bp", "linbp", "linbp, same length"), (0.01, 1.0)))
    answers = results.answers(table)
    assert answers["scale"].to_list() == [0.01, 1.0]
    assert answers.select("at_maximum", "bp_at_maximum", "gain_over_bp", "n").rows() == [(1.0, 1.0, 1.0, 2)] * 2
    config = RulesConfig(dims=(2,), scales=(0.01, 1.0))
    assert results.headline(table, config) == {
        "relu, scale 1: LinBP ends at a maximum": Estimate(1.0, 1.0, 1.0, 2, "networks")
    }
    figure, caption = figures.rules(table, config)
    assert [axes.get_ylabel() for axes in figure.axes] == list(figures.SHOWN.values())
    assert "30 networks x 4 starts" in caption
