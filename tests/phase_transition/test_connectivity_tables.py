"""Barriers and claims from paths whose shapes are known."""

from collections.abc import Callable
from typing import Any

import pytest

from modules.phase_transition import connectivity_figures, connectivity_tables

PLACES = [number / 10 for number in range(11)]
Shape = Callable[[float], float]


def path(eps: float, seed: int, name: str, shape: Shape) -> list[dict[str, Any]]:
    return [{"eps": eps, "seed": seed, "path": name, "t": t, "loss": shape(t), "accuracy": 0.5} for t in PLACES]


def hill(start: float, end: float, height: float) -> Shape:
    """A line with a bump of that height in its middle."""
    return lambda t: (1 - t) * start + t * end + height * 4 * t * (1 - t)


def ends(*seeds: int, threshold: float = 0.5) -> list[dict[str, Any]]:
    return [{"end": "start", "eps": 0.0, "seed": seed, "clean_test_loss": threshold} for seed in seeds] + [
        {"end": "end", "eps": 0.1, "seed": seed, "clean_test_loss": 9.0} for seed in seeds
    ]


def test_a_barrier_is_above_the_larger_end_and_the_excess_above_the_line() -> None:
    (row,) = connectivity_tables.barriers(path(0.1, 0, "curve", hill(0.2, 0.6, 1.0)), ends(0))
    losses = [hill(0.2, 0.6, 1.0)(t) for t in PLACES]
    assert row["barrier"] == pytest.approx(max(losses) - 0.6) and row["excess"] == pytest.approx(1.0)
    assert (row["start_loss"], row["end_loss"], row["threshold"]) == pytest.approx((0.2, 0.6, 0.5))
    assert row["asymmetry"] == pytest.approx(0.4) and row["highest_at"] == pytest.approx(0.5)
    assert row["low_share"] == sum(loss < 0.5 for loss in losses) / 11
    (valley,) = connectivity_tables.barriers(path(0.1, 0, "curve", hill(0.2, 0.6, -0.5)), ends(0))
    assert valley["barrier"] == 0 and valley["excess"] == pytest.approx(0)
    (slope,) = connectivity_tables.barriers(path(0.1, 0, "curve", hill(0.0, 2.0, 0.3)), ends(0))
    assert slope["barrier"] == 0 and slope["excess"] == pytest.approx(0.3)  # what the larger end would hide


def test_paths_that_are_not_finite_are_left_out() -> None:
    broken = path(0.1, 0, "curve", hill(0, 1, 0))
    for value in (None, float("nan"), float("inf")):
        broken[4]["loss"] = value
        assert not list(connectivity_tables.barriers(broken, ends(0)))
    whole = path(0.1, 1, "curve", hill(0, 1, 0))
    (mean,) = connectivity_tables.means(connectivity_tables.barriers(broken + whole, ends(0, 1)))
    assert mean["n"] == 1
    profile = {row["t"]: row["n"] for row in connectivity_tables.profiles(broken + whole)}
    assert profile[0.4] == 1 and profile[0.5] == 2


def several(height: Callable[[float, int], float], end: Callable[[float, int], float]) -> list[dict[str, Any]]:
    rows = []
    for eps in (0.0, 0.02, 0.3):
        for seed in range(3):
            rows += path(eps, seed, "curve", hill(0.1, end(eps, seed), height(eps, seed)))
            rows += path(eps, seed, "segment", hill(0.1, 0.1, 1.0 + seed))
    return list(connectivity_tables.barriers(rows, ends(0, 1, 2)))


def test_means_are_over_seeds() -> None:
    told = {(row["path"], row["eps"]): row for row in connectivity_tables.means(several(lambda *_: 0, lambda *_: 0.1))}
    assert len(told) == 6 and {row["n"] for row in told.values()} == {3}
    row = told["segment", 0.02]
    assert row["barrier"] == pytest.approx(2.0)
    assert row["barrier_high"] - row["barrier"] == pytest.approx(4.302653 / 3**0.5, rel=1e-6)


def test_claims_are_judged_by_their_intervals() -> None:
    rows = several(lambda *_: -0.05, lambda eps, seed: 0.1 + eps * (4 + seed))
    connected, moved, excess = connectivity_tables.claims(rows)
    assert connected["mean"] == 0.5 and (connected["above_zero"], connected["verdict"]) == ("yes", "reproduced")
    assert moved["mean"] == pytest.approx(0.28 * 5) and moved["verdict"] == "reproduced" and moved["n"] == 3
    assert excess["verdict"] == "" and excess["above_zero"] == "undecided"
    against = list(
        connectivity_tables.claims(several(lambda *_: 3.0, lambda eps, seed: 0.1 - eps * (0.2 + seed / 100)))
    )
    assert [row["verdict"] for row in against] == ["differs", "differs", ""]
    one_seed = [row for row in rows if row["seed"] == 0]
    assert not list(connectivity_tables.claims(one_seed))
    assert not list(connectivity_tables.claims([row for row in rows if row["eps"] == 0]))


def test_figures_show_every_strength_and_survive_a_curve_that_diverged() -> None:
    rows = several(lambda *_: 0.2, lambda eps, _: 0.1 + eps)
    means = list(connectivity_tables.means(rows))
    raw = [line for eps in (0.0, 0.02, 0.3) for line in path(eps, 0, "curve", hill(0.1, 0.2, 0.1))]
    profiles = list(connectivity_tables.profiles(raw + [{**line, "path": "segment"} for line in raw]))
    figure = connectivity_figures.paths(profiles, means)
    assert [len(axis.lines) for axis in figure.axes] == [4, 4]
    climb, loss = connectivity_figures.barriers(means, "linf").axes
    assert len(climb.containers) == 4 and len(loss.containers) == 2
    plane, marks = [], []
    for eps in (0.0, 0.02, 0.3):
        plane += [{"eps": eps, "x": x / 2, "y": y / 2, "loss": 0.1 + x * y} for y in range(3) for x in range(3)]
        bad = None if eps == 0.02 else 1.0
        marks += [{"eps": eps, "what": what, "x": bad, "y": 0.5} for what in ("start", "middle", "end", "curve")]
    titles = [axis.get_title() for axis in connectivity_figures.planes(plane, marks, rows).axes if axis.get_title()]
    assert titles == ["eps 0", "eps 0.3"]
