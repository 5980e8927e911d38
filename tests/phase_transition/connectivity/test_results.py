"""Barriers and claims from paths whose shapes are known."""

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from modules.phase_transition.connectivity import figures, results
from modules.phase_transition.connectivity.config import ConnectivityConfig
from suite.claims import Claim

CONFIG = ConnectivityConfig(eps=(0.0, 0.02, 0.3), seeds=3)
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


def barriers(*paths: list[dict[str, Any]], seeds: tuple[int, ...] = (0,)) -> pl.DataFrame:
    return results.barriers(table(*paths), pl.DataFrame(ends(*seeds)))


def table(*paths: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame([row for rows in paths for row in rows])


def test_a_barrier_is_above_the_larger_end_and_the_excess_above_the_line() -> None:
    (row,) = barriers(path(0.1, 0, "curve", hill(0.2, 0.6, 1.0))).to_dicts()
    losses = [hill(0.2, 0.6, 1.0)(t) for t in PLACES]
    assert row["barrier"] == pytest.approx(max(losses) - 0.6) and row["excess"] == pytest.approx(1.0)
    assert (row["start_loss"], row["end_loss"], row["threshold"]) == pytest.approx((0.2, 0.6, 0.5))
    assert row["asymmetry"] == pytest.approx(0.4) and row["highest_at"] == pytest.approx(0.5)
    assert row["low_share"] == sum(loss < 0.5 for loss in losses) / 11
    (valley,) = barriers(path(0.1, 0, "curve", hill(0.2, 0.6, -0.5))).to_dicts()
    assert valley["barrier"] == 0 and valley["excess"] == pytest.approx(0)
    (slope,) = barriers(path(0.1, 0, "curve", hill(0.0, 2.0, 0.3))).to_dicts()
    assert slope["barrier"] == 0 and slope["excess"] == pytest.approx(0.3)  # what the larger end would hide


def test_paths_that_are_not_finite_are_left_out() -> None:
    broken = path(0.1, 0, "curve", hill(0, 1, 0))
    for value in (None, float("nan"), float("inf")):
        broken[4]["loss"] = value
        assert barriers(broken).is_empty()
    whole = path(0.1, 1, "curve", hill(0, 1, 0))
    assert results.means(barriers(broken, whole, seeds=(0, 1)))["n"].to_list() == [1]
    profile = dict(results.profiles(table(broken, whole)).select("t", "n").iter_rows())
    assert profile[0.4] == 1 and profile[0.5] == 2


def test_of_no_path_there_is_nothing() -> None:
    nothing = pl.DataFrame({name: [] for name in ("eps", "seed", "path", "t", "loss", "accuracy")})
    rows = results.barriers(nothing, pl.DataFrame(ends(0)))
    assert rows.is_empty() and results.means(rows).is_empty() and results.profiles(nothing).is_empty()
    assert not list(results.claims(rows, CONFIG)) and not list(results.shown(rows, rows, CONFIG))
    assert figures.paths(results.profiles(nothing), results.means(rows), CONFIG) is None


def several(height: Callable[[float, int], float], end: Callable[[float, int], float]) -> pl.DataFrame:
    rows = []
    for eps in (0.0, 0.02, 0.3):
        for seed in range(3):
            rows += path(eps, seed, "curve", hill(0.1, end(eps, seed), height(eps, seed)))
            rows += path(eps, seed, "segment", hill(0.1, 0.1, 1.0 + seed))
    return barriers(rows, seeds=(0, 1, 2))


def test_means_are_over_seeds() -> None:
    means = results.means(several(lambda *_: 0, lambda *_: 0.1))
    assert len(means) == 6 and {*means["n"]} == {3}
    (row,) = means.filter(path="segment", eps=0.02).to_dicts()
    assert row["barrier"] == pytest.approx(2.0)
    assert row["barrier_high"] - row["barrier"] == pytest.approx(4.302653 / 3**0.5, rel=1e-6)


def verdicts(rows: pl.DataFrame) -> list[str]:
    return [claim.judgement.verdict for claim in results.claims(rows, CONFIG)]


def value(claim: Claim) -> float:
    assert claim.measured is not None
    return claim.measured.value


def test_claims_are_judged_by_their_intervals() -> None:
    rows = several(lambda *_: -0.05, lambda eps, seed: 0.1 + eps * (4 + seed))
    connected, moved, excess = results.claims(rows, CONFIG)
    assert (value(connected), connected.judgement.verdict) == (1, "cannot be told")
    assert "with the same value" in connected.judgement.note, "three shares of 1 do not say how far others scatter"
    assert value(moved) == pytest.approx(0.28 * 5) and moved.judgement.verdict == "reproduced"
    assert (moved.source, excess.source) == ("Fig. 4", "ours")
    assert excess.judgement.verdict == "cannot be told"
    scattered = several(lambda *_: 1.0, lambda eps, seed: 0.1 - eps * (0.2 + seed / 100) - seed)
    against = several(lambda _, seed: 3.0 + 6 * seed, lambda eps, seed: 0.1 - eps * (0.2 + seed / 100))
    assert verdicts(against)[:2] == ["differs", "differs"]
    assert verdicts(scattered)[1] == "differs"
    assert verdicts(rows.filter(eps=0)) == []


def test_a_seed_without_a_curve_could_turn_the_answer() -> None:
    rows = several(lambda *_: -0.05, lambda eps, seed: 0.1 + eps * (4 + seed))
    two = rows.filter((pl.col("seed") < 2) | (pl.col("eps") < 0.3))
    _, moved, _ = results.claims(two, CONFIG)
    assert moved.judgement.note == "1 of 3 seeds are lost, which could turn the answer"
    assert verdicts(rows.filter(seed=0)) == ["cannot be told"] * 3


def test_figures_show_every_strength_and_survive_a_curve_that_diverged() -> None:
    rows = several(lambda *_: 0.2, lambda eps, _: 0.1 + eps)
    means = results.means(rows)
    raw = [line for eps in (0.0, 0.02, 0.3) for line in path(eps, 0, "curve", hill(0.1, 0.2, 0.1))]
    profiles = results.profiles(table(raw, [{**line, "path": "segment"} for line in raw]))
    drawn = figures.paths(profiles, means, CONFIG)
    assert drawn is not None
    assert [sum(len(line.get_xdata()) == len(PLACES) for line in axis.lines) for axis in drawn[0].axes] == [3, 3]
    drawn = figures.barriers(means, CONFIG)
    assert drawn is not None
    climb, loss = drawn[0].axes
    assert len(climb.containers) == 4 and len(loss.containers) == 2
    plane, marks = [], []
    for eps in (0.0, 0.02, 0.3):
        plane += [{"eps": eps, "x": x / 2, "y": y / 2, "loss": 0.1 + x * y} for y in range(3) for x in range(3)]
        bad = float("nan") if eps == 0.02 else 1.0
        marks += [{"eps": eps, "what": what, "x": bad, "y": 0.5} for what in ("start", "middle", "end", "curve")]
    drawn = figures.planes(pl.DataFrame(plane), pl.DataFrame(marks), rows, CONFIG)
    assert drawn is not None
    assert [axis.get_title() for axis in drawn[0].axes if axis.get_title()] == ["eps = 0", "eps = 0.3"]
