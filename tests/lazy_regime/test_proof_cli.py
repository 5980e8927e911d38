"""`suite run lazy_regime.theory` and `.dial` as typed: rows that agree with each other, resume, refused input."""

from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result

from modules.lazy_regime import dial_tables, proof_claims, proof_tables
from modules.lazy_regime.nets import portions
from suite.stats import Mean
from tests.conftest import Finished

Study = Callable[..., Result]
FinishedStudy = Callable[..., Finished]
THEORY = (
    "--sizes 4,8 --widths 60,120 --c0s 0,4 --networks 2 --points 4 --ratios 1.5,3 --resisting 2 --search 2 "
    "--epochs 30 --ascent 8 --restarts 1 --draws 4"
)
DIAL = "--size 4 --widths 40,80 --c0s 0,2 --networks 3 --epochs 40 --steps 5 --test-limit 20"


def test_theory_measures_every_link(finished_study: FinishedStudy) -> None:
    done = finished_study("lazy_regime.theory", THEORY)
    points, around, worst = (done.rows(name) for name in ("points", "around", "worst"))
    assert len(points) == 2 * 2 * 2 * 2 * 4 and len(around) == 2 * len(points) and len(worst) == 2 * 2 * 2 * 2
    for row in points:
        assert row["distance"] <= row["c0"] / row["m"] ** 0.5 * (1 + 1e-5)
        assert abs(row["value"]) <= row["ceiling"] * (1 + 1e-5)
        assert abs(row["value"]) - abs(row["initial_value"]) <= row["c0"] + 1e-5
        assert row["changed"] <= row["may_change"]
        if row["c0"] == 0:
            assert row["value"] == row["initial_value"] and row["drift"] == row["changed"] == 0
    sizes = {(r["d"], r["m"], r["c0"], r["run"], r["id"]): r["size"] for r in points}
    for row in around:
        assert row["supremum"] >= max(row["sampled_largest"], row["on_the_way"]) >= 0
        if row["outline"] < 0:
            size = sizes[row["d"], row["m"], row["c0"], row["run"], row["id"]]
            assert row["flipped"] and size <= row["radius"]
    for row in worst:
        start = sizes[row["d"], row["m"], row["c0"], row["run"], row["id"]]
        assert row["size"] is None or row["size"] >= start  # the search begins at the trained net
        assert row["resists"] == (row["size"] is None) and row["distance"] <= 1 + 1e-5
    claims = {(row["claim"], row["of"]): row for row in done.rows("claims")}
    assert claims["|f(x; W)| <= |f(x; W0)| + C0", "all settings"]["verdict"] == "reproduced"
    held = sum(row["holds"] for row in done.rows("condition"))
    assert claims["where it holds, the step flips, and by that length", "all settings"]["n"] == held > 0
    assert done.manifest["headline"]["of_these_flipped"] == held
    assert not any(row["closes"] for row in done.rows("explicit"))
    assert all(Path(file).stat().st_size > 5_000 for file in done.shown["figures"].values())
    assert len(done.shown["figures"]) == 2


def test_theory_continues_to_the_same_tables(finished_study: FinishedStudy, study: Study, monkeypatch: Any) -> None:
    typed = "--sizes 4 --widths 60 --c0s 0,2 --networks 2 --points 4 --ratios 2 --resisting 1 --search 2 --epochs 5"
    whole = finished_study("lazy_regime.theory", typed).table_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("modules.lazy_regime.proof_scene.Scene.worst", lambda *_: 1 / 0)
        broken = study("lazy_regime.theory", typed, "--fresh")
    assert broken.exit_code == 1 and "the same command continues it" in broken.stderr
    assert finished_study("lazy_regime.theory", typed).table_bytes() == whole


def test_without_a_search_there_are_no_worst_nets(finished_study: FinishedStudy) -> None:
    typed = "--sizes 4 --widths 30 --c0s 1 --networks 2 --points 4 --ratios 2 --resisting 0 --epochs 2"
    done = finished_study("lazy_regime.theory", typed)
    assert {row["net"] for row in done.rows("sizes")} == {"trained"}
    assert not any("worst" in row["claim"] for row in done.rows("claims"))


def test_the_dial_goes_from_initialisation_to_unbounded(finished_study: FinishedStudy) -> None:
    done = finished_study("lazy_regime.dial", DIAL)
    nets = done.rows("nets")
    assert len(nets) == 2 * 3 * 3 and [row["c0"] for row in nets[:9]] == [0] * 3 + [2] * 3 + [None] * 3
    for row in nets:
        assert row["c0"] is None or row["distance"] <= row["c0"] * (1 + 1e-5)
        assert (row["drift"] == 0) == (row["c0"] == 0)
        assert row["many_steps"] <= row["single_step"]
        flips = [flip for flip in done.rows("flips") if all(flip[name] == row[name] for name in ("m", "c0", "run"))]
        sizes = {(flip["attack"], flip["gradient"]): flip["size"] for flip in flips}
        assert sizes["one step", "bp"] == row["single_step"] and sizes["nearest found", "bp"] == row["many_steps"]
        assert sizes["PGD", "linbp"] == pytest.approx(sizes["one step", "linbp"], rel=0.011)  # its field is constant
        assert sizes["PGD", "bp"] < 1.02 * sizes["one step", "bp"]
    by_c0 = {(row["m"], row["c0"]): row for row in done.rows("dial")}
    mine = [row["drift"] for row in nets if (row["m"], row["c0"]) == (80, None)]
    assert by_c0[80, None]["drift"] == pytest.approx(np.mean(mine)) and by_c0[80, None]["nets"] == 3
    assert any("linbp" in row["claim"] for row in done.rows("claims"))
    assert all(Path(file).stat().st_size > 5_000 for file in done.shown["figures"].values())


def test_nets_in_portions_are_the_same_nets(finished_study: FinishedStudy, monkeypatch: Any) -> None:
    assert [list(runs) for runs in portions(5, 2**26)] == [[0, 1], [2, 3], [4]] and len(portions(3, 2**40)) == 3
    typed = f"{DIAL} --widths 40"
    together = finished_study("lazy_regime.dial", typed).rows("nets")
    monkeypatch.setattr("modules.lazy_regime.dial_scene.portions", lambda networks, _: portions(networks, 2**27))
    apart = {(r["m"], r["c0"], r["run"]): r for r in finished_study("lazy_regime.dial", typed, "--fresh").rows("nets")}
    for row in together:
        assert apart[row["m"], row["c0"], row["run"]] == {name: pytest.approx(value) for name, value in row.items()}


def test_the_dial_under_the_released_protocol_and_no_other_rule(finished_study: FinishedStudy) -> None:
    done = finished_study("lazy_regime.dial", DIAL, "--widths 40 --biases --no-unit-norm --stop outside --gradient bp")
    assert not any("step is longer than the gradient's" in row["claim"] for row in done.rows("claims"))
    assert all(row["rule_step"] == row["single_step"] for row in done.rows("nets"))
    assert {row["gradient"] for row in done.rows("flips")} == {"bp"}


def test_a_net_that_gets_nothing_right_is_recorded() -> None:
    columns = {
        "run": [0, 0, 1, 1], "margin": [-1.0, -0.5, 1.0, 2.0], "norm": [1.0, 1.0, 2.0, 2.0], "gradient": [3.0] * 4,
        "single_step": [0.1, 0.2, 0.4, None], "rule_step": [0.1, 0.2, 0.6, None], "many_steps": [0.1, 0.1, 0.2, 0.4],
        "pgd": [0.1, 0.1, 0.2, 0.4], "rule_pgd": [0.1, 0.2, 0.6, None],
        "drift": [0.5] * 4, "distance": [1.0] * 4, "sgd_steps": [3] * 4, "left": [True] * 4,
    }  # fmt: skip
    wrong, right = dial_tables.nets(columns, 10, inf)
    assert wrong["n"] == 0 and wrong["single_step"] is None and "nothing to flip" in wrong["note"]
    assert right["single_step"] == inf and right["unflipped"] == 0.5 and right["many_steps"] == pytest.approx(0.15)
    for net in (wrong, right):  # a size over one that is not known is not known
        assert len(told := [*dial_tables.flips(net, "linbp")]) == 5 and {flip["ratio"] for flip in told} == {None}
    (row,) = dial_tables.dial([wrong, right])
    assert row["single_step"] is None and row["drift"] == 0.5 and row["c0"] is None
    first = dial_tables._row("b is longer", "", "", [(1.0, 2.0)] * 8 + [(None, 1.0)])
    assert first["verdict"] == "reproduced" and first["n"] == 8 and first["p_value"] == pytest.approx(2 / 2**8)


def test_powers_and_means_over_nets() -> None:
    rows = [{"run": run, "d": d, "v": (run + 1) * d**-0.5, "id": k} for run in (0, 1) for d in (4, 16) for k in (0, 1)]
    found, places = proof_tables.power(rows, "d", lambda row: row["v"])
    assert found.mean == pytest.approx(-0.5) and found.n == 2 and places == [4, 16]
    endless = [{"run": run, "d": 64, "v": v, "id": 0} for run, v in ((0, 1.0), (1, inf))]
    assert proof_tables.power([*rows, *endless], "d", lambda row: row["v"]) == (found, [4, 16])  # left out for both
    few, places = proof_tables.power(rows[:2] + endless, "d", lambda row: row["v"])
    assert np.isnan(few.mean) and places == [4]
    mean = proof_tables.over_nets([row for row in rows if row["d"] == 4], lambda row: row["v"])
    assert mean.mean == pytest.approx(0.75) and mean.n == 2
    assert np.isnan(proof_tables.over_nets([{"run": 0, "v": inf}], lambda row: row["v"]).mean)
    assert proof_tables.with_infinity([{"size": None, "id": 3}], "size") == [{"size": inf, "id": 3}]


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (-0.7, -0.3, "reproduced"),
        (-0.59, -0.52, "reproduced"),  # within 0.1
        (-0.9, -0.65, "differs"),
        (-0.2, 0.3, "differs"),
        (-0.8, 0.1, "cannot be told"),  # 0 as well
        (np.nan, np.nan, "cannot be told"),
    ],
)
def test_verdicts_of_powers(low: float, high: float, verdict: str) -> None:
    assert proof_claims._verdict(Mean((low + high) / 2, low, high, 3), -0.5) == verdict


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("theory --classes 0,x", "no class 'x'"),
        ("theory --sizes 9", "8 x 8"),
        ("theory --c0s -1", "greater than or equal to 0"),
        ("theory --widths 0", "greater than 0"),
        ("theory --widths 1000000", "100000"),
        ("theory --ratios 1", "greater than 1"),
        ("theory --resisting 9", "--points"),
        ("theory --gamma 1", "less than 1"),
        ("dial --classes 3", "two different"),
        ("dial --size 28", "8 x 8"),
        ("dial --c0s -0.1", "greater than or equal to 0"),
        ("dial --widths 0", "greater than 0"),
        ("dial --gradient nothing", "nothing"),
        ("dial --gradient linbp(start=7)", "out of range"),
    ],
)
def test_bad_input_is_refused_in_one_line_and_leaves_nothing(
    study: Study, workplace: Path, typed: str, says: str
) -> None:
    name, *options = typed.split()
    result = study(f"lazy_regime.{name}", *options)
    assert result.exit_code == 2, result.output
    assert says in result.stderr and result.stderr.count("\n") == 1
    assert not (workplace / "runs").exists() or not any((workplace / "runs").rglob("*.*"))
