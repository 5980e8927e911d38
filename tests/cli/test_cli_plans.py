"""`suite sweep` and `suite experiment` before any work: dry runs, how many points, names, and what is left out."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import Result

from suite.host.store import RunDirectory

from .stages import TWO_STAGES, runs

Suite = Callable[..., Result]

THREE_STAGES = """
[stages.star]
study = "toy.squares"
grid = { seed = [0, 1] }

[stages.asks]
study = "toy.squares"
set = { repeats = "{star.headline.largest}" }
grid = { seed = [0, 1], batch = [5] }
ON_MISSING

[stages.asks_that]
study = "toy.squares"
set = { repeats = "{asks.headline.largest}" }
grid = { seed = [0, 1], mode = ["fancy"] }
on_missing = "skip"

[stages.rest]
study = "toy.squares"
grid = { seed = [0, 1], numbers = [[3]] }

[tables.all]
rows = "rest.squares"
columns = { star = "{star.headline.largest}" }
"""


@pytest.mark.parametrize("skips", [False, True])
def test_a_run_without_the_number_costs_only_the_points_that_ask_for_it(
    suite: Suite, workplace: Path, monkeypatch: pytest.MonkeyPatch, skips: bool
) -> None:
    Path("star.toml").write_text(THREE_STAGES.replace("ON_MISSING", "on_missing = 'skip'" if skips else ""))
    of_star = RunDirectory.read

    def read(run: RunDirectory) -> dict[str, Any]:  # the first seed's star could not be told
        content = of_star(run)
        if content and content["config"]["seed"] == 0 and content["config"]["repeats"] == 1:
            content = {**content, "headline": {"largest": None if content["config"]["numbers"] != [3] else 9}}
        return content

    monkeypatch.setattr(RunDirectory, "read", read)
    done = suite("experiment", "star.toml")
    told = f"asks (seed=0, batch=5): {{star.headline.largest}}: {next((workplace / 'runs').glob('toy.squares')).name}/"
    table = [[int(word) for word in line.split()[1:]] for line in done.stdout.splitlines()[2:6]]
    if skips:
        assert done.exit_code == 0, done.stderr
        assert table == [[2, 0, 0, 0], [1, 0, 0, 1], [1, 0, 0, 1], [2, 0, 0, 0]]
        assert f"left out: {told}" in done.stderr and "has no value there" in done.stderr
        assert "asked of a point that was left out, at seed=0" in done.stderr
    else:
        assert done.exit_code == 1 and told in done.stderr and "2 points failed" in done.stderr
        assert table == [[2, 0, 0], [1, 0, 1], [1, 0, 1], [2, 0, 0]]
    rows = pq.read_table(workplace / "runs/experiments/star/all.parquet").to_pylist()
    assert {row["seed"]: row["star"] is None for row in rows} == {0: True, 1: False}
    planned = suite("experiment", "star.toml", "--dry-run")
    assert planned.exit_code == 0, planned.stderr
    assert planned.stdout.splitlines()[0].split()[-3:] == ["left", "out", "about"]


def files(folder: Path) -> dict[str, int]:
    """Everything below a folder, with the time of its last change."""
    return {str(path.relative_to(folder)): path.lstat().st_mtime_ns for path in folder.rglob("*")}


def test_a_dry_run_changes_nothing_and_tells_what_it_does_not_know(suite: Suite, workplace: Path) -> None:
    Path("two.toml").write_text(TWO_STAGES.replace("first.headline.largest", "first.headline.largst"))
    before = files(workplace)
    planned = suite("experiment", "two.toml", "--dry-run")
    assert planned.exit_code == 0 and files(workplace) == before
    assert "how long it takes is not known" in planned.stdout and "about 0 s" not in planned.stdout
    assert suite("run", "toy.squares", "--numbers", "3", "--batch", "1").exit_code == 0
    before = files(workplace)
    planned = suite("experiment", "two.toml", "--dry-run")
    assert files(workplace) == before
    first, second = planned.stdout.splitlines()[4:6]
    assert first.split()[:5] == ["first", "toy.squares", "4", "1", "3"] and "after first" in second
    assert "by earlier runs, without second: not known yet" in planned.stdout
    told = "warning: {first.headline.largst}: no finished run of toy.squares has that (did you mean largest?)"
    assert told in planned.stderr


def test_a_dry_run_makes_no_model(suite: Suite, workplace: Path) -> None:
    for typed in (["sweep", "linbp.attack", "--grid", "seed=0,1"], ["reproduce", "linbp.attack"]):
        planned = suite(*typed, "--dry-run")
        assert planned.exit_code == 0, planned.stderr
        assert "is not there yet: the first run that needs it makes it" in planned.stdout
        assert files(workplace) == {}


def test_far_too_many_points_are_refused_at_once(suite: Suite, workplace: Path) -> None:
    thousand = ",".join(map(str, range(1000)))
    grid = [f"--grid={name}={thousand}" for name in ("seed", "repeats", "batch")]
    Path("many.toml").write_text(
        f"[stages.one]\nstudy = 'toy.squares'\ngrid = {{ seed = [{thousand}], repeats = [{thousand}] }}\n"
        "zip = { batch = [1, 2], mode = ['plain', 'fancy'] }"
    )
    for typed, count in (
        (["sweep", "toy.squares", *grid], "1,000,000,000"),
        (["experiment", "many.toml"], "2,000,000"),
    ):
        for dry in ([], ["--dry-run"]):
            begin = time.monotonic()
            refused = suite(*typed, *dry)
            assert refused.exit_code == 2 and f"has more than 1,000,000 points: {count}" in refused.stderr
            assert time.monotonic() - begin < 2
    assert not (workplace / "runs").exists()


def test_expressions_that_give_far_too_many_points_are_refused_before_any_is_planned(
    suite: Suite, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("two.toml").write_text(TWO_STAGES)
    monkeypatch.setattr("suite.host.experiments.planning.MOST", 4)
    monkeypatch.setattr("suite.host.experiments.definition.MOST", 4)
    Path("three.toml").write_text(TWO_STAGES.replace('* [1, 2]" }', '* [1, 2]", seed = [0, 1] }'))
    done = suite("experiment", "three.toml")
    assert done.exit_code == 1 and "stage 'second' has more than 4 points" in done.stderr
    assert len(runs(workplace)) == 4  # those of the first stage
    assert suite("experiment", "two.toml").exit_code == 0


@pytest.mark.parametrize("name", ["...toml", "..toml", ".toml", "-a.toml", "é.toml", f"{'a' * 200}.toml"])
def test_a_file_whose_name_is_none_for_an_experiment_is_refused(suite: Suite, workplace: Path, name: str) -> None:
    (workplace / "precious.txt").write_text("keep")
    Path(f"./{name}").write_text("[stages.one]\nstudy = 'toy.squares'\n")
    refused = suite("experiment", f"./{name}")
    assert refused.exit_code == 2 and "which names the experiment" in refused.stderr
    assert (workplace / "precious.txt").exists() and not (workplace / "runs").exists()
