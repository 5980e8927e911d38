"""`suite run lazy_regime.theory` as typed: rows that agree with each other, resume, refused input."""

from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from modules.lazy_regime.theory import bounds
from tests.conftest import Finished

pytestmark = pytest.mark.usefixtures("undrawn")

Study = Callable[..., Result]
FinishedStudy = Callable[..., Finished]
NAME = "lazy_regime.theory"
SMALL = (
    "--sizes 4,8 --widths 60,120 --c0s 0,4 --networks 2 --points 4 --ratios 1.5,3 --resisting 2 --search 2 "
    "--epochs 30 --ascent 8 --restarts 1 --draws 4"
)


@pytest.mark.drawn
def test_theory_measures_every_link(finished_study: FinishedStudy) -> None:
    done = finished_study(NAME, SMALL)
    points, around, worst = (done.rows(name) for name in ("points", "around", "worst"))
    assert len(points) == 2 * 2 * 2 * 2 * 4 and len(around) == 2 * len(points) and len(worst) == 2 * 2 * 2 * 2
    for row in points:
        assert row["distance"] <= row["c0"] / row["m"] ** 0.5 * (1 + 1e-5)
        assert abs(row["value"]) <= row["ceiling"] * (1 + 1e-5)
        assert abs(row["value"]) - abs(row["initial_value"]) <= row["c0"] + 1e-5
        assert row["changed"] <= row["may_change"]
        assert 0 <= row["change"] <= bounds.difference_bound(row["d"], row["m"], row["c0"], row["d"] ** -0.5, 0.05)
        if row["c0"] == 0:
            assert row["value"] == row["initial_value"] and row["drift"] == row["changed"] == 0
    sizes = {(r["d"], r["m"], r["c0"], r["run"], r["id"]): r["size"] for r in points}
    for row in around:
        assert row["supremum"] >= max(row["sampled_largest"], row["on_the_way"]) >= 0
        if row["outline"] < 0:
            size = sizes[row["d"], row["m"], row["c0"], row["run"], row["id"]]
            assert row["flipped"] and size <= row["radius"]
    for row in worst:
        assert row["size"] >= sizes[row["d"], row["m"], row["c0"], row["run"], row["id"]]  # where the search begins
        assert row["resists"] == (row["size"] == inf) and row["distance"] <= 1 + 1e-5
    claims = {(row["claim"], row["setting"]): row for row in done.rows("claims")}
    always = claims["|f(x; W)| <= |f(x; W0)| + C0", "all settings"]
    assert always["value"] == 1 and always["note"].startswith("none of 8 trainings violates it")
    held = sum(row["holds"] for row in done.rows("condition"))
    assert claims["where it holds, the step flips, and by that length", "all settings"]["n"] == held > 0
    assert done.shown["headline"]["of_these_flipped"] == held
    assert not any(row["closes"] for row in done.rows("explicit"))
    assert all(Path(file).stat().st_size > 5_000 for file in done.shown["figures"].values())
    assert len(done.shown["figures"]) == 2


def test_theory_continues_to_the_same_tables(finished_study: FinishedStudy, study: Study, monkeypatch: Any) -> None:
    typed = "--sizes 4 --widths 60 --c0s 0,2 --networks 2 --points 4 --ratios 2 --resisting 1 --search 2 --epochs 5"
    whole = finished_study(NAME, typed).table_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("modules.lazy_regime.theory.measure.GivenNets.worst", lambda *_: 1 / 0)
        broken = study(NAME, typed, "--fresh")
    assert broken.exit_code == 1 and "the same command continues it" in broken.stderr
    assert finished_study(NAME, typed).table_bytes() == whole


def test_without_a_search_there_are_no_worst_nets(finished_study: FinishedStudy) -> None:
    typed = "--sizes 4 --widths 30 --c0s 1 --networks 2 --points 4 --ratios 2 --resisting 0 --epochs 2"
    done = finished_study(NAME, typed)
    assert {row["net"] for row in done.rows("sizes")} == {"trained"}
    assert not any("worst" in row["claim"] for row in done.rows("claims"))


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("--classes 0,x", "no class 'x'"),
        ("--sizes 9", "8 x 8"),
        ("--c0s -1", "greater than or equal to 0"),
        ("--widths 0", "greater than 0"),
        ("--widths 1000000", "100000"),
        ("--ratios 1", "greater than 1"),
        ("--resisting 9", "--points"),
        ("--gamma 1", "less than 1"),
    ],
)
def test_bad_input_is_refused_in_one_line_and_leaves_nothing(
    refused: Callable[..., str], typed: str, says: str
) -> None:
    assert says in refused(NAME, typed)
