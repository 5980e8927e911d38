"""Verdicts of tables that read from left to right, and of runs on disk."""

from pathlib import Path
from typing import Any

import pytest

from suite.errors import SuiteError
from suite.host.store import RunDirectory
from suite.host.verdicts import Verdict, of_rows, verdicts
from suite.tables import write_columns

MANIFEST = {
    "study": "a.b", "key": "c", "status": "finished", "headline": {}, "seed": 0, "device": "cpu",
    "config": {}, "inputs": {}, "versions": {},
    "code": {"digest": ""}, "timings": {"started": "", "seconds": 1.0}, "facts": {}, "tables": {}, "shown": [],
    "figures": {}, "models": {},
}  # fmt: skip


def test_a_claim_with_all_its_columns() -> None:
    row = {
        "claim": "it grows", "source": "Fig. 1", "d": 20, "eps": 0.125, "value": 0.5, "low": 0.4, "high": 0.6, "n": 9,
        "p_value": 0.01, "published": 0.45, "verdict": "reproduced",
    }  # fmt: skip
    expected = Verdict("claims", "it grows; d 20, eps 0.125 (Fig. 1)", 0.45, 0.5, 0.4, 0.6, 9, "reproduced")
    assert of_rows("claims", [row]) == [expected]


@pytest.mark.parametrize(
    ("row", "claim", "published", "measured", "n"),
    [
        ({"loss": "hinge", "power": 0.5, "low": 0.4, "high": 0.6, "predicted": 0.5}, "loss hinge", 0.5, 0.5, None),
        ({"scale": 3, "measured": 1.5, "n": 4, "other": 1.0}, "scale 3", None, 1.5, 4),
        ({"low": 0.4, "high": 0.6, "claim": "x", "measured": 0.5, "n": 2}, "x", None, 0.5, 2),
        ({"claim": "it holds", "rule": "raw", "yes": 3}, "it holds; rule raw, yes 3", None, None, None),
        ({"claim": "x", "paper": "", "d": None, "value": None, "low": None, "high": None}, "x", None, None, None),
        ({"claim": "x", "published": "", "expected": "more", "measured": "less"}, "x", "more", "less", None),
    ],
)
def test_what_stands_where(
    row: dict[str, Any], claim: str, published: Any, measured: float | str | None, n: int | None
) -> None:
    (found,) = of_rows("t", [{**row, "verdict": "differs"}])
    assert (found.claim, found.published, found.measured, found.n) == (claim, published, measured, n)
    assert (found.low, found.high) == (row.get("low"), row.get("high"))


def test_rows_without_a_verdict_judge_nothing() -> None:
    rows = [{"claim": name, "value": 1.0, "verdict": word} for name, word in (("a", ""), ("b", "differs"), ("c", None))]
    assert [verdict.claim for verdict in of_rows("t", rows)] == ["b; value 1"]
    assert of_rows("t", []) == []


def test_verdicts_of_a_run_come_from_all_tables_that_have_the_column(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    assert verdicts(run) == []
    tables = {
        "numbers": {"number": [1, 2]},
        "second": {"claim": ["a", "b"], "measured": [1.0, 2.0], "verdict": ["reproduced", ""]},
        "first": {"measure": ["rate"], "rate": [0.5], "low": [0.4], "high": [0.6], "verdict": ["cannot be told"]},
        "empty": {},
    }
    for name, columns in tables.items():
        write_columns(tmp_path / f"{name}.parquet", columns)
    listed = {name: {"file": f"{name}.parquet", "rows": len(columns)} for name, columns in tables.items()}
    run.write(MANIFEST | {"tables": listed, "status": "failed"})
    assert verdicts(run) == []
    run.write(MANIFEST | {"tables": listed})
    assert [(found.table, found.claim, found.verdict) for found in verdicts(run)] == [
        ("second", "a", "reproduced"),
        ("first", "measure rate", "cannot be told"),
    ]
    (tmp_path / "numbers.parquet").write_text("no longer a table")
    with pytest.raises(SuiteError, match=r"numbers\.parquet is missing or damaged .*--fresh"):
        verdicts(run)
