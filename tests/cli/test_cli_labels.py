"""Labels of an experiment as typed: axes that are no options, what they join, what is refused; models below --runs."""

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import Result

Suite = Callable[..., Result]

LABELLED = """
[stages.first]
study = "toy.squares"
zip = { numbers = [[3], [4]], name = ["three", "four"] }
labels = ["name"]

[stages.second]
study = "toy.squares"
set = { numbers = "[{first.headline.largest}]" }
grid = { name = ["three", "four"] }
labels = ["name"]

[tables.squares]
rows = "second.squares"
where = { number = [9, 16] }
columns = { before = "{first.headline.largest}", quick = "{second.timings.seconds} / 100" }
"""


def test_labels_tell_points_apart_join_stages_and_stand_in_joint_rows(suite: Suite, workplace: Path) -> None:
    Path("labelled.toml").write_text(LABELLED.replace("name = [", "kind = [").replace('["name"]', '["kind"]'))
    done = suite("experiment", "labelled.toml")
    assert done.exit_code == 0, done.stderr
    rows = pq.read_table(workplace / "runs/experiments/labelled/squares.parquet").to_pylist()
    assert [(row["kind"], row["before"], row["number"]) for row in rows] == [("three", 9, 9), ("four", 16, 16)]
    assert all(0 <= row["quick"] < 1 for row in rows)
    assert "second kind=four" in done.stdout


@pytest.mark.parametrize(
    ("stage", "told"),
    [
        ("grid = { repeats = [1] }\nlabels = ['repeats']", "'repeats' is no label of toy.squares"),
        ("grid = { repeats = [1] }\nlabels = ['kind']", "'kind' is no label of toy.squares (a label is varied by grid"),
        ("set = { kind = 1 }\nlabels = ['kind']", "'kind' is no label"),
        ("grid = { kind = [1, 2] }", "has no option 'kind'"),
        ("grid = { kind = [1, 2] }\nlabels = 'kind'", "labels = 'kind' is no list of texts"),
        ("grid = { kind = [1, 2] }\nlabels = ['kind']", "are the same run"),
        ("grid = { kind = [1, 2] }\nlabel = ['kind']", "unknown key 'label' (did you mean labels"),
    ],
)
def test_what_is_no_label_is_refused_before_any_work(suite: Suite, workplace: Path, stage: str, told: str) -> None:
    Path("bad.toml").write_text(f"[stages.one]\nstudy = 'toy.squares'\n{stage}")
    result = suite("experiment", "bad.toml")
    assert result.exit_code == 2 and told in result.stderr, result.stderr
    assert not (workplace / "runs").exists()


@pytest.mark.parametrize(
    ("summaries", "told"),
    [
        ("mean = 'square'\nversus = { number = [9] }", "compares no two values"),
        ("mean = 'square'\nversus = { number = 9 }", "compares no two values"),
        (
            "mean = 'square'\n[figures.f]\ntable = 't'\nx = 'number'\nseries = 'name'\ndifferences = true",
            "no differences",
        ),
    ],
)
def test_comparisons_that_are_none_are_refused(suite: Suite, workplace: Path, summaries: str, told: str) -> None:
    Path("bad.toml").write_text(f"[stages.one]\nstudy = 'toy.squares'\n[tables.t]\nrows = 'one.squares'\n{summaries}")
    result = suite("experiment", "bad.toml")
    assert result.exit_code == 2 and told in result.stderr, result.stderr
    assert not (workplace / "runs").exists()
