"""`suite reproduce`: the plan, the runs, and what is printed beside what was published."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from suite.host import reproduction
from suite.host.experiments import planning

Suite = Callable[..., Result]


def plan(suite: Suite, *arguments: str) -> dict[str, str]:
    result = suite("reproduce", "toy.opinion", "--dry-run", "--json", "--device", "cpu", *arguments)
    assert result.exit_code == 0, result.stderr
    (row,) = json.loads(result.stdout)["plan"]
    return dict(row)


def computed(workplace: Path) -> list[str]:
    log = workplace / "computed"
    return log.read_text().splitlines() if log.exists() else []


@pytest.mark.parametrize(
    ("within", "preset", "how"),
    [("30", "middle", "run, about 5 min"), ("1", "quick", "run, about 6 s"), ("0", "-", "left out")],
)
def test_the_plan_takes_what_fits_and_says_what_stands_against_the_rest(
    suite: Suite, within: str, preset: str, how: str
) -> None:
    row = plan(suite, "--within", within)
    assert (row["preset"], row["how"]) == (preset, how)
    against = row["nearer to the paper"]
    assert "paper: data set 'mnist' is not in" in against and "large: needs a GPU" in against
    assert "vast: needs 1e+06 GB" in against and "other" not in against
    assert ("middle: takes 5 min" in against) == (preset != "middle")
    assert ("quick: takes 6 s" in against) == (preset == "-")


def test_published_and_measured_stand_side_by_side_and_the_run_is_read_the_next_time(
    suite: Suite, workplace: Path
) -> None:
    result = suite("reproduce", "toy", "--within", "1")
    assert result.exit_code == 0, result.stderr
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    judged = "toy.opinion squares grow faster (Table 9) 3 3.00 [2.50, 3.50] 3 reproduced 3 [2.5, 3.5] holds 3"
    assert judged in lines
    assert "toy.opinion quick 1 0 0" in lines and "toy.squares - 0 0 0" in lines
    assert any("toy.lost - left out" in line and "cannot load 'toy.lost.nowhere:Config'" in line for line in lines)
    assert any("toy.squares - left out" in line and "what it takes is not stated" in line for line in lines)
    assert "toy.opinion, quick: finished" in result.stderr and computed(workplace) == ["growth of 3"]
    again = suite("reproduce", "toy.opinion", "--within", "0")
    assert "nothing to run" in again.stdout and "3 [2.5, 3.5]" in again.stdout
    assert computed(workplace) == ["growth of 3"]
    nearer = suite("reproduce", "toy.opinion", "--json")
    found = json.loads(nearer.stdout)
    assert found["plan"][0]["preset"] == "middle" and found["failed"] == []
    (verdict,) = found["verdicts"]
    assert (verdict["study"], verdict["value"], verdict["verdict"]) == ("toy.opinion", 4.0, "differs")
    assert Path(verdict["run"], "run.json").exists()


def test_a_run_that_fails_is_kept_and_listed_and_tried_again(
    suite: Suite, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOY_FATE", "crash@opinion")
    result = suite("reproduce", "toy", "--within", "1")
    assert result.exit_code == 1
    first, listed = result.stderr.splitlines()[-2:]
    assert first.startswith("error: 1 run failed") and "toy.opinion, quick: ZeroDivisionError" in listed
    assert "toy.opinion - 0 0 0" in " ".join(result.stdout.split())
    assert len([*(workplace / "runs" / "toy.opinion").iterdir()]) == 1
    monkeypatch.delenv("TOY_FATE")
    assert "reproduced" in suite("reproduce", "toy.opinion", "--within", "1").stdout


def test_a_damaged_table_costs_its_study_alone(suite: Suite, workplace: Path) -> None:
    assert suite("reproduce", "toy.opinion", "--within", "1").exit_code == 0
    (claims,) = workplace.glob("runs/toy.opinion/*/results/tables/claims.parquet")
    claims.write_bytes(b"PAR1 and no more")
    result = suite("reproduce", "toy", "--within", "0")
    assert result.exit_code == 1
    first, listed = result.stderr.splitlines()[-2:]
    assert first.startswith("error: 1 run failed") and listed.startswith("  toy.opinion, quick: ")
    assert f"{claims} is missing or damaged".removeprefix(f"{workplace}/") in listed
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "toy.opinion - 0 0 0" in lines and "toy.squares - 0 0 0" in lines
    told = suite("reproduce", "toy.opinion", "--within", "0", "--json")
    assert told.exit_code == 1
    found = json.loads(told.stdout)
    assert found["verdicts"] == [] and "toy.opinion, quick" in found["failed"][0]
    nearer = suite("reproduce", "toy.opinion", "--within", "5")
    assert nearer.exit_code == 0 and "toy.opinion middle" in " ".join(nearer.stdout.split())


def test_a_preset_without_a_stated_cost_is_no_result_but_the_papers_is(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert suite("run", "toy.opinion", "--preset", "other").exit_code == 0
    monkeypatch.setattr(reproduction, "PAPER", "none")  # so that `other`, the last preset, is in question
    assert plan(suite, "--within", "0")["how"] == plan(suite, "--within", "0", "--any-code")["how"] == "left out"
    assert "other: what it takes is not stated" in plan(suite, "--within", "0")["nearer to the paper"]
    monkeypatch.setattr(reproduction, "PAPER", "other")
    row = plan(suite, "--within", "0")
    assert (row["preset"], row["how"]) == ("other", "read")


def test_runs_that_other_code_made_are_read_when_asked(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    assert suite("reproduce", "toy.opinion", "--within", "1").exit_code == 0
    assert plan(suite, "--within", "0")["how"] == "read"
    monkeypatch.setattr(planning, "measuring_code", lambda study, config, registry: "another")
    assert plan(suite, "--within", "0")["how"] == "left out"
    assert plan(suite, "--within", "1")["how"] == "run, about 6 s"
    row = plan(suite, "--within", "1", "--any-code")
    assert (row["preset"], row["how"]) == ("quick", "read, made by other code")


def test_several_processes_share_the_work(suite: Suite, workplace: Path) -> None:
    result = suite("reproduce", "toy.opinion", "--within", "0.05", "--jobs", "2")
    assert result.exit_code == 0, result.stderr
    assert "3 [2.5, 3.5]" in result.stdout and computed(workplace) == ["growth of 3"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("toys",), "unknown module or study 'toys' (did you mean toy"),
        (("toy", "--within", "-1"), "invalid value for '--within'"),
        (("toy", "--device", "cuda:99"), "no GPU 'cuda:99'"),
        (("toy", "--jobs", "0"), "invalid value for '--jobs'"),
    ],
)
def test_bad_input_ends_before_work(suite: Suite, workplace: Path, arguments: tuple[str, ...], told: str) -> None:
    result = suite("reproduce", *arguments)
    assert result.exit_code == 2 and told in result.stderr.splitlines()[-1]
    assert not (workplace / "runs").exists()
