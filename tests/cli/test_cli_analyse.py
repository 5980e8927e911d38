"""`suite analyse`, and runs whose analysis is older than their measurement: nothing is measured twice, or lost."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from suite.host import analysis, completion, keys
from suite.tables import frame_bytes, read_frame

Suite = Callable[..., Result]


def results(workplace: Path) -> dict[str, bytes]:
    """All files of all results, by path."""
    files = [path for path in workplace.glob("runs/*/*/results/**/*") if path.is_file()]
    return {path.relative_to(workplace).as_posix(): path.read_bytes() for path in files}


def computed(workplace: Path) -> int:
    """How many numbers were measured so far."""
    return len((workplace / "computed").read_text().splitlines())


def test_deleted_results_come_back_byte_for_byte(suite: Suite, workplace: Path) -> None:
    for study in ("toy.squares", "toy.opinion"):
        assert suite("run", study).exit_code == 0
    before, measured = results(workplace), computed(workplace)
    assert len(before) == 3  # two records and a table of claims
    for path in before:
        (workplace / path).unlink()
    done = suite("analyse", "--all")
    assert done.exit_code == 0 and done.stdout.count(": analysed\n") == 2
    assert results(workplace) == before and computed(workplace) == measured


def test_a_run_with_older_results_is_analysed_anew_and_not_measured(
    suite: Suite, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert suite("run", "toy.opinion").exit_code == 0
    measured = computed(workplace)
    assert "already finished; --fresh measures it again" in suite("run", "toy.opinion").stderr
    for place in (analysis, completion):
        monkeypatch.setattr(place, "analysing_code", lambda study, registry: "edited")
    again = suite("run", "toy.opinion")
    assert again.exit_code == 0 and "analysed anew; --fresh measures it again" in again.stderr
    assert computed(workplace) == measured and b'"code": "edited"' in b"".join(results(workplace).values())


def test_runs_that_other_code_measured_are_analysed_and_told(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    assert suite("run", "toy.opinion").exit_code == 0
    monkeypatch.setattr(keys, "measuring_code", lambda study, config, registry: "edited")
    assert "analysed (measured by other code)" in suite("analyse", "toy.opinion").stdout


def test_a_damaged_raw_table_is_named_and_the_results_stay(suite: Suite, workplace: Path) -> None:
    for study in ("toy.squares", "toy.opinion"):
        assert suite("run", study).exit_code == 0
    before = results(workplace)
    (raw,) = workplace.glob("runs/toy.squares/*/tables/squares.parquet")
    raw.write_bytes(raw.read_bytes()[:-20])
    done = suite("analyse", "--all")
    assert done.exit_code == 1 and "error: 1 run not analysed" in done.stderr
    assert "raw table 'squares' of " in done.stderr and "--fresh" in done.stderr
    assert "toy.opinion/" in done.stdout and results(workplace) == before


def test_analysis_that_fails_names_study_function_and_columns(suite: Suite, workplace: Path) -> None:
    assert suite("run", "toy.squares").exit_code == 0
    before = results(workplace)
    (raw,) = workplace.glob("runs/toy.squares/*/tables/squares.parquet")
    raw.write_bytes(frame_bytes(read_frame(raw).rename({"square": "cube"})))
    done = suite("analyse", "toy.squares")
    assert done.exit_code == 1
    assert "toy.squares: headline failed" in done.stderr and "squares has number, cube, name" in done.stderr
    assert results(workplace) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "which runs? (name runs or studies, or write --all)"),
        (["--all", "toy.squares"], "which runs?"),
        (["toy.squares"], "no finished run of toy.squares"),
        (["0123"], "no run '0123'"),
    ],
)
def test_what_cannot_be_meant(suite: Suite, words: list[str], said: str) -> None:
    done = suite("analyse", *words)
    assert done.exit_code == 2 and said in done.stderr
