"""What of a run directory a tracker is shown."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from suite.errors import SuiteError
from suite.host.store import RunDirectory
from suite.host.tracking import content
from suite.host.tracking.content import Metric, curves, entry_name, read
from suite.tables import write_columns

MANIFEST: dict[str, Any] = {
    "study": "toy.squares", "key": "abc", "status": "finished", "seed": 0, "device": "cpu",
    "config": {"eps": [0.1, 2 / 255], "limit": None},
    "inputs": {}, "code": {"digest": "d" * 64, "git": {"revision": "f00", "dirty": True}}, "versions": {}, "facts": {},
    "timings": {"started": "2026-01-02T03:04:05+00:00", "written": "2026-01-02T03:05:05+00:00", "seconds": 60.0},
    "tables": {}, "models": {},
}  # fmt: skip

HEADLINE = {"success of linbp(start=3)": 0.5, "count": 2, "text": "1 to 2", "gap": None, "sure": True}


def run_of(path: Path, tables: dict[str, dict[str, list[Any]]], **changes: Any) -> RunDirectory:
    listed = {}
    for name, columns in tables.items():
        write_columns(path / f"tables/{name}.parquet", columns)
        listed[name] = {"file": f"tables/{name}.parquet", "rows": len(next(iter(columns.values())))}
    results = {name: changes.pop(name, default) for name, default in (("headline", HEADLINE), ("figures", {}))}
    run = RunDirectory(path)
    run.write({**MANIFEST, "tables": listed, **changes})
    (path / "results").mkdir(exist_ok=True)
    made = {"code": "c", "tables": {}, "shown": [], "notes": [], **results}
    (path / "results/results.json").write_text(json.dumps(made))
    return run


def test_settings_and_headline_numbers(tmp_path: Path) -> None:
    (tmp_path / "results/figures").mkdir(parents=True)
    (tmp_path / "results/figures/f.svg").touch()
    figure = {"f": {"svg": "figures/f.svg", "png": "figures/f.png", "caption": ""}}
    found = read(run_of(tmp_path, {"rates": {"rate": [0.5]}}, figures=figure, models={"net": "models/gone"}))
    assert found.run == "toy.squares/abc" and found.finished
    assert found.params == {"study": "toy.squares", "code": "d" * 16, "eps": "0.1,2/255", "limit": "none"}
    assert found.metrics == [Metric("success of linbp_start_3_", 0.5, 0), Metric("count", 2.0, 0),
                             Metric("seconds", 60.0, 0)]  # fmt: skip
    assert found.tags["headline.text"] == "1 to 2" and found.tags["headline.sure"] == "yes"
    assert found.tags["suite.git"] == "f00-dirty" and found.tags["suite.status"] == "finished"
    assert found.written - found.started == 60_000
    assert found.started == datetime.fromisoformat("2026-01-02T03:04:05+00:00").timestamp() * 1000
    assert [(file.name, folder) for file, folder in found.files] == [
        ("run.json", ""), ("rates.parquet", "tables"), ("f.svg", "figures"),
    ]  # fmt: skip


def test_another_record_is_another_version_and_none_is_an_error(tmp_path: Path) -> None:
    first = read(run_of(tmp_path, {})).version
    assert read(run_of(tmp_path, {})).version == first
    failed = read(run_of(tmp_path, {}, status="failed"))
    assert failed.version != first and not failed.finished
    with pytest.raises(SuiteError, match="cannot be read"):
        read(RunDirectory(tmp_path / "nowhere"))


def test_curves_are_told_apart_by_the_leading_columns_that_vary() -> None:
    rows = [
        {"model": "net", "rule": rule, "eps": eps, "step": step, "rate": eps * step, "n": 3, "word": "x", "gap": None}
        for rule in ("bp", "linbp(start=a/b)") for eps in (0.5, 1.0) for step in (1, 2)
    ]  # fmt: skip
    found = list(curves("by_step", rows))
    assert len(found) == 8 * 2
    assert Metric("by_step/rate/rule:bp eps:0.5", 1.0, 2) in found
    assert Metric("by_step/n/rule:linbp_start_a_b_ eps:1", 3.0, 1) in found


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{"rule": "bp", "rate": 0.5}],
        [{"id": 1, "steps": 3}, {"id": 2, "steps": 4}],
        [{"step": 1.5, "rate": 1.0}, {"step": 2.0, "rate": 2.0}],
        [{"step": 1, "rate": 1.0}, {"step": 1, "rate": 1.0}],
        [{"step": None, "rate": 1.0}, {"step": 1, "rate": 1.0}],
    ],
)
def test_tables_without_steps_have_no_curves(rows: list[dict[str, Any]]) -> None:
    assert not list(curves("t", rows))


def test_long_tables_are_left_as_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "MOST_VALUES", 10)
    tables: dict[str, dict[str, list[Any]]] = {
        "longest": {"step": [*range(11)], "a": [1.0] * 11},
        "wide": {"step": [0, 1, 2, 3], "a": [1.0] * 4, "b": [1.0] * 4},
        "short": {"step": [0, 1, 2], "c": [1.0, 2.0, 3.0]},
    }
    found = read(run_of(tmp_path, tables, headline={}))
    assert {metric.name for metric in found.metrics} == {"seconds", "short/c"}
    assert [metric.value for metric in found.metrics[1:]] == [1.0, 2.0, 3.0]
    assert len([file for file, folder in found.files if folder == "tables"]) == 3


def test_names_are_such_as_trackers_take() -> None:
    assert entry_name("a b/c-d_e.f:g") == "a b/c-d_e.f:g"
    assert entry_name("//ünï(x)=1,2. ") == "_n__x__1_2"
    long = [entry_name("x" * 300 + end) for end in "ab"]
    assert long[0] != long[1] and all(len(name) <= 250 for name in long)
