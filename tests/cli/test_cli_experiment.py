"""`suite sweep` and `suite experiment` as typed: points, reuse, references, several processes, failures, bad input."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import Result

from suite.host.executors import Outcome, Point

from .stages import TWO_STAGES, runs

Suite = Callable[..., Result]


def second_stage(where: Path, not_of: tuple[list[int], ...]) -> list[tuple[int, list[int], float]]:
    """(repeats, numbers, step size) of the runs on other numbers than the first stage's."""
    configs: list[Any] = [run["config"] for run in runs(where).values()]
    return sorted((c["repeats"], c["numbers"], c["step_size"]) for c in configs if c["numbers"] not in not_of)


def told_by(result: Result) -> list[str]:
    """What stands on stderr beside the toy site's broken plugins."""
    return [line for line in result.stderr.splitlines() if not line.startswith("warning: plugin")]


def tables(where: Path) -> dict[str, bytes]:
    return {path.parts[-3]: path.read_bytes() for path in where.glob("runs/toy.squares/*/tables/squares.parquet")}


def computed(where: Path) -> list[str]:
    return sorted((where / "computed").read_text().split())


def test_a_point_that_was_killed_before_it_was_analysed_is_analysed_and_not_measured(
    suite: Suite, workplace: Path
) -> None:
    """Its run is finished, and nobody can tell what it says."""
    typed = ["sweep", "toy.squares", "--grid", "repeats=1,2"]
    assert suite(*typed).exit_code == 0
    made, done = [*workplace.glob("runs/toy.squares/*/results")], computed(workplace)
    shutil.rmtree(made[0])
    assert "about" in suite(*typed, "--dry-run").stdout
    again = suite(*typed)
    assert again.exit_code == 0 and len(told_by(again)) == 1
    assert [*workplace.glob("runs/toy.squares/*/results")] == made
    assert computed(workplace) == done


def test_a_sweep_is_the_product_of_its_grid_and_takes_what_is_there(suite: Suite, workplace: Path) -> None:
    assert suite("run", "toy.squares", "--numbers", "7", "--repeats", "2").exit_code == 0
    typed = ["sweep", "toy.squares", "--grid", "repeats=1,2", "--grid", "mode=plain,fancy", "--set", "numbers=7"]
    planned = suite(*typed, "--dry-run")
    assert planned.exit_code == 0 and len(runs(workplace)) == 1
    words = planned.stdout.splitlines()[2].split()
    assert words[:5] == ["squares", "toy.squares", "4", "1", "3"]
    done = suite(*typed)
    assert done.exit_code == 0, done.stderr
    assert len(runs(workplace)) == 4 and computed(workplace) == ["7"] * 4
    assert done.stdout.splitlines()[2].split() == ["squares", "4", "1", "0"]
    again = suite(*typed)
    assert again.exit_code == 0 and computed(workplace) == ["7"] * 4


def test_later_stages_take_from_earlier_ones_point_by_point(suite: Suite, workplace: Path) -> None:
    Path("two.toml").write_text(TWO_STAGES)
    planned = suite("experiment", "two.toml", "--dry-run")
    assert planned.stdout.startswith("What are squares of squares?")
    assert "after first" in planned.stdout
    done = suite("experiment", "two.toml")
    assert done.exit_code == 0, done.stderr
    # Both stages have the axis `repeats`, so that a point of the second is joined with two of the first.
    assert second_stage(workplace, not_of=([3], [4])) == [
        (repeats, [9, 16], step) for repeats in (1, 2) for step in (0.25, 0.5)
    ]


def test_a_preset_of_the_file_replaces_single_values(suite: Suite, workplace: Path) -> None:
    Path("two.toml").write_text(TWO_STAGES)
    done = suite("experiment", "two.toml", "--preset", "small")
    assert done.exit_code == 0, done.stderr
    assert second_stage(workplace, not_of=([5],)) == [(1, [25], 0.5), (2, [25], 0.5)]


def test_two_processes_give_the_same_tables_and_share_the_machine(suite: Suite, workplace: Path) -> None:
    typed = ["sweep", "toy.squares", "--grid", "repeats=1,2,3,4"]
    assert suite(*typed).exit_code == 0
    before = tables(workplace)
    for path in workplace.glob("runs/toy.squares"):
        path.rename(workplace / "before")
    done = suite(*typed, "--jobs", "2")
    assert done.exit_code == 0, done.stderr
    assert tables(workplace) == before and len(before) == 4


def test_a_failed_point_is_told_and_kept_and_tried_again_only_when_asked(
    suite: Suite, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = ["sweep", "toy.squares", "--grid", "numbers=1,2,3"]
    monkeypatch.setenv("TOY_FATE", "crash@2")
    failed = suite(*typed)
    assert failed.exit_code == 1
    assert "1 point failed" in failed.stderr and "squares (numbers=2): ZeroDivisionError" in failed.stderr
    assert failed.stdout.splitlines()[2].split() == ["squares", "2", "0", "1"]
    monkeypatch.delenv("TOY_FATE")
    again = suite(*typed)
    assert again.exit_code == 1 and computed(workplace) == ["1", "3"]
    retried = suite(*typed, "--retry-failed")
    assert retried.exit_code == 0 and computed(workplace) == ["1", "2", "3"]
    assert suite(*typed).exit_code == 0


def test_a_process_that_dies_costs_its_point_alone(
    suite: Suite, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOY_FATE", "kill@2")
    failed = suite("sweep", "toy.squares", "--grid", "numbers=1,2,3", "--jobs", "2")
    assert failed.exit_code == 1
    assert "its process died 3 times" in failed.stderr
    assert computed(workplace) == ["1", "3"]


@pytest.mark.nightly
def test_killed_and_typed_again_it_goes_on(
    process: "Callable[..., subprocess.CompletedProcess[str]]", workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = ["sweep", "toy.squares", "--grid", "numbers=1,2,3"]
    monkeypatch.setenv("TOY_FATE", "kill@2")
    assert process(*typed).returncode == -9
    monkeypatch.delenv("TOY_FATE")
    done = process(*typed)
    assert done.returncode == 0, done.stderr
    assert computed(workplace) == ["1", "2", "3"]


@pytest.mark.nightly
def test_two_at_once_do_nothing_twice(workplace: Path) -> None:
    typed = [sys.executable, "-c", "from suite.host.cli import main; main()", "sweep", "toy.squares"]
    both = [
        subprocess.Popen([*typed, "--grid", "numbers=1,2,3,4"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    for one in both:
        _, told = one.communicate(timeout=120)
        assert one.returncode == 0, told
    assert computed(workplace) == ["1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[stages", "is not TOML"),
        ("question = ''", "has no stage"),
        ("[stage.one]\nstudy = 'toy.squares'", "unknown key 'stage' (did you mean stages or tables?)"),
        ("[stages.one]\nstudy = 'toy.squares'\ngrids = {}", "unknown key 'grids' (did you mean grid?)"),
        ("[stages.one]\nstudy = 'toy.square'", "unknown study 'toy.square' (did you mean toy.squares or"),
        ("[stages.one]\nstudy = 'toy.squares'\npreset = 'larg'", "has no preset 'larg' (did you mean large?)"),
        ("[stages.one]\nstudy = 'toy.squares'\nset = { repeat = 1 }", "has no option 'repeat' (did you mean repeats?)"),
        ("[stages.one]\nstudy = 'toy.squares'\nset = { repeats = 0 }", "stage 'one', repeats: 0 is not valid"),
        ("[stages.one]\nstudy = 'toy.squares'\ngrid = { repeats = [1, 2, 1] }", "repeats: 1 is given twice"),
        ("[stages.one]\nstudy = 'toy.squares'\ngrid = { repeats = 1 }", "is no list of values"),
        ("[stages.one]\nstudy = 'toy.squares'\ngrid = { repeats = [1] }\nset = { repeats = 1 }", "'repeats' twice"),
        (
            "[stages.one]\nstudy = 'toy.squares'\nzip = { repeats = [1], mode = ['plain', 'fancy'] }",
            "zips 1 of repeats",
        ),
        ("[stages.one]\nstudy = 'toy.squares'\nset = { repeats = '{on.headline.x}' }", "'on', which is no stage"),
        ("[stages.one]\nstudy = 'toy.squares'\nset = { repeats = '{one.headline.x}' }", "in a circle: one -> one"),
        ("[stages.one]\nstudy = 'toy.squares'\nset = { repeats = '{one.x}' }", "cannot read the reference"),
        ("[stages.one]\nstudy = 'toy.squares'\nset = { repeats = '{a.headline.x}; 1' }", "an expression is made of"),
        ("[stages.one]\nstudy = 'toy.squares'\ngrid = { batch = [1, 2] }", "are the same run"),
    ],
)
def test_bad_files_are_refused_before_any_work(suite: Suite, workplace: Path, content: str, told: str) -> None:
    Path("bad.toml").write_text(content)
    result = suite("experiment", "bad.toml")
    assert result.exit_code == 2, result.stderr
    assert len(told_by(result)) == 1 and told in told_by(result)[0]
    assert not (workplace / "runs").exists()


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("sweep toy.square", "unknown study"),
        ("sweep toy.squares --grid repeats", "is not key=value"),
        ("sweep toy.squares --grid repeats=1 --grid repeats=2", "gives 'repeats' twice"),
        ("sweep toy.squares --grid repeats=1,1", "'1' is given twice"),
        ("sweep toy.squares --grid repeats=1 --set repeats=2", "gives 'repeats' twice"),
        ("sweep toy.squares --jobs 0", "--jobs"),
        ("sweep toy.squares --device gpu", "unknown device"),
        ("experiment nowhere.toml", "cannot read nowhere.toml"),
    ],
)
def test_bad_options_are_one_line(suite: Suite, workplace: Path, typed: str, told: str) -> None:
    result = suite(*typed.split())
    assert result.exit_code == 2, result.stderr
    assert len(told_by(result)) == 1 and told in told_by(result)[0]
    assert not (workplace / "runs").exists()


def test_joint_tables_and_figures_stand_beside_the_runs(suite: Suite, workplace: Path) -> None:
    folder, file = workplace / "runs/experiments/joint", Path("joint.toml")
    file.write_text(TWO_STAGES + "[tables.cubes]\nrows = 'first.squares'\n")
    assert suite("experiment", "joint.toml").exit_code == 0
    for name in ("notes.txt", "mine.parquet"):
        (folder / name).write_bytes(b"somebody's own")
    file.write_text(
        TWO_STAGES
        + """
[tables.squares]
rows = "first.squares"
where = { name = "n3" }
columns = { twice = "{first.headline.largest} * 2" }
mean = "square"
by = ["repeats", "twice"]

[figures.squares]
table = "squares"
x = "repeats"
series = "twice"
"""
    )
    done = suite("experiment", "joint.toml")
    assert done.exit_code == 0, done.stderr
    found = {path.name: path.read_bytes() for path in folder.iterdir()}
    # Of the earlier form nothing is left, and what the experiment has not written stays.
    made = ["squares.parquet", "squares.png", "squares.svg", "squares_means.parquet"]
    assert sorted(found) == ["mine.parquet", "notes.txt", *made]
    assert pq.read_table(folder / "squares_means.parquet").to_pylist() == [
        {"repeats": repeats, "twice": 18, "quantity": "square", "value": 9.0, "low": None, "high": None, "n": 1}
        for repeats in (1, 2)
    ]
    assert "squares_means" in done.stdout and str(Path("runs/experiments/joint/squares.svg")) in done.stdout
    for name in made:
        (folder / name).unlink()
    assert suite("experiment", "joint.toml").exit_code == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == found  # byte for byte, figures too


def test_a_failed_point_costs_later_stages_only_what_asks_for_it(
    suite: Suite, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("chain.toml").write_text(
        """
[stages.first]
study = "toy.squares"
grid = { seed = [0, 1], numbers = [[2], [3]] }

[stages.second]
study = "toy.squares"
set = { repeats = "{first.headline.largest}" }
zip = { seed = [0, 1], numbers = [[2], [2]] }

[stages.third]
study = "toy.squares"
set = { repeats = "max({first.headline.largest})" }
grid = { seed = [0, 1], mode = ["fancy"] }
"""
    )
    monkeypatch.setenv("TOY_FATE", "crash@3")
    failed = suite("experiment", "chain.toml")
    assert failed.exit_code == 1
    table = [line.split() for line in failed.stdout.splitlines()[2:5]]
    # second asks for (seed, 2) alone; third for both numbers of its seed, of which 3 has failed.
    assert table == [["first", "2", "0", "2"], ["second", "2", "0", "0"], ["third", "0", "0", "2"]]
    assert "third (seed=0, mode=fancy): {first.headline.largest} is asked of a run that failed" in failed.stderr
    monkeypatch.delenv("TOY_FATE")
    mended = suite("experiment", "chain.toml", "--retry-failed")
    assert mended.exit_code == 0, mended.stderr
    assert {run["config"]["repeats"] for run in runs(workplace).values()} == {1, 4, 9}


def test_a_failure_is_noted_at_once(suite: Suite, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interruption right after it does not have the point tried again."""

    def execute(point: Point) -> Outcome:
        if point.values["numbers"] == [2]:
            return Outcome("failed", None, 0.0, "no luck")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("suite.host.executors.local.execute", execute)
        assert suite("sweep", "toy.squares", "--grid", "numbers=2,3").exit_code == 130
    again = suite("sweep", "toy.squares", "--grid", "numbers=2,3")
    assert again.exit_code == 1 and "1 point failed" in again.stderr and "no luck" in again.stderr
    assert (workplace / "computed").read_text().split() == ["3"]


def test_what_goes_wrong_after_work_is_exit_1_and_keeps_the_work(suite: Suite, workplace: Path) -> None:
    Path("late.toml").write_text(TWO_STAGES.replace("headline.largest", "headline.smallest"))
    done = suite("experiment", "late.toml")
    assert done.exit_code == 1 and "what earlier stages made is kept" in done.stderr
    assert list(workplace.glob("runs/toy.squares/*/run.json"))


def test_a_place_that_cannot_be_written_is_refused_before_work(suite: Suite, workplace: Path) -> None:
    Path("file").write_text("")
    for verb in (["sweep", "toy.squares", "--grid", "seed=0,1"], ["reproduce", "toy"]):
        done = suite(*verb, "--runs", "file")
        assert done.exit_code == 2 and "file is not a directory" in done.stderr
    assert not (workplace / "computed").exists()


def test_ctrl_c_ends_the_processes_in_silence(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_FATE", "sleep@2")
    typed = [sys.executable, "-c", "from suite.host.cli import main; main()", "sweep", "toy.squares", "--jobs", "2"]
    with subprocess.Popen(
        [*typed, "--grid", "numbers=2", "--grid", "repeats=1,2"], stderr=subprocess.PIPE, start_new_session=True
    ) as running:
        until = time.monotonic() + 60
        while len(runs(workplace)) < 2 and time.monotonic() < until:
            time.sleep(0.1)
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does: to everybody in the foreground
        _, told = running.communicate(timeout=60)
    assert running.returncode == 130 and b"Traceback" not in told
