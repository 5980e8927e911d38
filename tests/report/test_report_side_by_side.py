"""Runs side by side: what differs, numbers on one scale, claims beside what is published, what cannot be."""

import json
from typing import Any

from suite.claims import DIFFERS, REPRODUCED, Claim, Judgement, claims_table
from suite.host.plain import plain
from suite.host.report import runs_page
from suite.host.report.allowance import Allowance
from suite.host.report.plots import MARGIN, WIDTH
from suite.host.report.side_by_side import MOST, SideBySide, side_by_side
from suite.host.store import RunDirectory
from suite.statistics import Estimate
from suite.tables import frame_bytes
from tests.report.conftest import MakeRun


def judged(run: RunDirectory, value: float, low: float, high: float, verdict: str) -> RunDirectory:
    """The run with one claim and one headline number that is an estimate."""
    claim = Claim("it grows", "Fig. 1", Judgement(verdict), "d = 2", Estimate(value, low, high, 9, "nets"), 4.0)
    path = run.path / "results" / "results.json"
    content = json.loads(path.read_text())
    (run.path / "results" / "tables").mkdir()
    (run.path / "results" / "tables" / "claims.parquet").write_bytes(frame_bytes(claims_table([claim])))
    content["tables"] = {"claims": {"file": "tables/claims.parquet", "rows": 1}}
    content |= {"headline": {"rate": value, "word": verdict}, "limits": {"rate": [low, high]}}
    path.write_text(json.dumps(plain(content)))
    return run


def pair(make_run: MakeRun) -> list[RunDirectory]:
    """Two runs that differ in their seed, their numbers and 2 of 8 samples."""
    fooled = ([True] * 4 + [False] * 4, [True] * 2 + [False] * 6)
    made = [
        make_run(
            key=key, config={"seed": seed, "eps": [0.1, 0.2]}, tables={"samples": {"id": [*range(8)], "fooled": f}}
        )
        for seed, (key, f) in enumerate(zip(("aa" * 8, "bb" * 8), fooled, strict=True))
    ]
    return [judged(made[0], 1.0, 0.0, 2.0, DIFFERS), judged(made[1], 3.0, 2.0, 4.0, REPRODUCED)]


def beside(*runs: RunDirectory) -> list[SideBySide]:
    return side_by_side(runs, Allowance.of_one_in(2))


def test_two_runs_side_by_side(make_run: MakeRun) -> None:
    (found,) = beside(*pair(make_run))
    assert (found.study, found.keys, found.notes) == ("linbp.attack", ("aaaaaaaa", "bbbbbbbb"), ())
    assert [(row.what, [cell.text for cell in row.cells]) for row in found.settings] == [("seed", ["0", "1"])]
    rate, word = found.headline
    assert [cell.text for cell in rate.cells] == ["1 [0, 2]", "3 [2, 4]"]
    plots: list[Any] = [cell.plot for cell in rate.cells]
    assert plots[0].low == MARGIN and plots[0].high == plots[1].low == WIDTH / 2 and plots[1].high == WIDTH - MARGIN
    assert word.what == "word" and not word.is_drawn
    (claim,) = found.claims
    assert (claim.what, claim.published) == ("it grows; d = 2 (Fig. 1)", "4")
    assert [cell.verdict for cell in claim.cells] == [DIFFERS, REPRODUCED]
    (moved,) = found.moved
    assert moved.title == "bbbbbbbb minus aaaaaaaa"
    (row,) = moved.cells
    assert {"column": "fooled", "n": "8", "only first": "2"}.items() <= dict(
        zip(moved.columns, row, strict=True)
    ).items()
    (flipped,) = found.flipped
    assert flipped.title.endswith("2 rows") and [row[1] for row in flipped.cells] == ["id=2", "id=3"]


def test_three_runs_stand_beside_the_first(make_run: MakeRun) -> None:
    one, other = pair(make_run)
    third = make_run(key="cc" * 8, config={"seed": 0, "eps": [0.1, 0.3]})
    (found,) = beside(one, other, third)
    told = {row.what: [cell.text for cell in row.cells] for row in found.settings}
    assert told == {"seed": ["0", "1", "0"], "eps": ["0.1,0.2", "0.1,0.2", "0.1,0.3"]}
    assert [cell.text for cell in found.headline[0].cells] == ["1 [0, 2]", "3 [2, 4]", ""]


def test_only_some_runs_of_one_study_stand_side_by_side(make_run: MakeRun) -> None:
    one, other = pair(make_run)
    assert beside(one) == beside(one, make_run("linbp.train")) == []
    assert [found.keys for found in beside(one, make_run("linbp.train"), other)] == [("aaaaaaaa", "bbbbbbbb")]
    assert beside(*(make_run(key=f"{number:016x}") for number in range(MOST + 1))) == []


def test_a_run_that_is_not_finished_is_said(make_run: MakeRun) -> None:
    one, _ = pair(make_run)
    (found,) = beside(one, make_run(key="cc" * 8, status="failed", error="out of memory"))
    assert found.notes == (f"{one.path.with_name('cc' * 8)} is failed: finished runs are compared",)
    assert "finished runs are compared" in runs_page([one, RunDirectory(one.path.with_name("cc" * 8))], lambda _: None)


def test_a_page_of_two_runs_has_them_side_by_side_without_a_script(make_run: MakeRun) -> None:
    html = runs_page(pair(make_run), lambda _: None)
    assert html.index("Side by side") < html.index("Runs in full")
    assert html.count('<svg class="plot') >= 4 and 'aria-label="Claim side by side"' in html
    assert "Side by side" not in runs_page(pair_of_studies(make_run), lambda _: None)


def pair_of_studies(make_run: MakeRun) -> list[RunDirectory]:
    return [make_run(), make_run("linbp.train")]
