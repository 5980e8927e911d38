"""Experiment files whose values have wrong types, or whose names leave their folder: one line, before any run."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from suite.errors import SuiteError
from suite.host.cli import main
from suite.host.experiments.definition import check, read
from suite.host.registry import Registry

STAGE = "[stages.s]\nstudy = 'linbp.attack'\n"
TABLE = STAGE + "[tables.t]\nrows = 's.success'\n"
MEAN = TABLE + "mean = 'rate'\n"
FIGURE = MEAN + "[figures.f]\ntable = 't'\nseries = 'x'\n"
BAD = [
    ("question = 3\n" + STAGE, "bad.toml: question = 3 is no text (write question ="),
    ("stages = 3", "stages = 3 is no table (write stages = { name = ... })"),
    ("[[stages]]\nstudy = 'linbp.attack'", "is no table"),
    ("tables = 3\n" + STAGE, "tables = 3 is no table"),
    ("figures = 'x'\n" + STAGE, "figures = 'x' is no table"),
    ("presets = [1]\n" + STAGE, "presets = [1] is no table"),
    (STAGE + "[presets]\np = 3", "preset 'p' is no table: 3"),
    (STAGE + "[presets.p]\ns = 3", "preset 'p', stage 's' is no table: 3"),
    (STAGE + "[presets.p.s]\nset = 3", "preset 'p', stage 's': set = 3 is no table"),
    (STAGE + "[presets.p.s]\nsets = {}", "preset 'p', stage 's': unknown key 'sets' (did you mean set"),
    ("[stages]\ns = 3", "stage 's' is no table: 3 (write study or"),
    ("[stages.s]\nset = {}", "stage 's' names no study"),
    ("[stages.s]\nstudy = 3", "stage 's': study = 3 is no text"),
    (STAGE + "preset = 3", "stage 's': preset = 3 is no text"),
    (STAGE + "set = 3", "set = 3 is no table"),
    (STAGE + "grid = [1]", "grid = [1] is no table"),
    (STAGE + "zip = 'x'", "zip = 'x' is no table"),
    (STAGE + "labels = [1]", "labels = [1] is no list of texts"),
    (STAGE + "labels = 'x'", "labels = 'x' is no list of texts (write labels = ["),
    (STAGE + "labels = ['x']\ngrid = { x = [{ a = 1 }] }", "are no labels (write texts or numbers)"),
    (STAGE + "[tables]\nt = 3", "table 't' is no table: 3 (write rows or"),
    (STAGE + "[tables.t]\nrows = 3", "table 't': rows = 3 is no text"),
    (STAGE + "[tables.t]\nrows = 's'", "rows = 's' names no stage's table"),
    (TABLE + "where = 'x'", "table 't': where = 'x' is no table"),
    (TABLE + "columns = [1]", "columns = [1] is no table"),
    (TABLE + "columns = { x = 3 }", "column 'x' = 3 is no expression"),
    (TABLE + "mean = 3", "mean = 3 is no text"),
    (MEAN + "versus = 'x'", "versus = 'x' is no table"),
    (MEAN + "versus = { x = 'ab' }", "compares no two values"),
    (TABLE + "versus = { x = [1, 2] }", "has versus, and no mean"),
    (MEAN + "by = 'claim'", "by = 'claim' is no list of texts"),
    (MEAN + "pair = 'seed'", "pair = 'seed' is no list of texts"),
    (MEAN + "[figures]\nf = 3", "figure 'f' is no table: 3 (write table or"),
    (FIGURE + "x = 3", "figure 'f': x = 3 is no text"),
    (FIGURE + "x = 'x'\nlog_x = 'yes'", "log_x = 'yes' is neither true nor false (write log_x = true)"),
    (FIGURE + "x = 'x'\ndifferences = 1", "differences = 1 is neither true nor false"),
    (FIGURE + "x = 'x'\npanels = 1", "panels = 1 is no text"),
    (FIGURE + "x = 'x'\ntitle = ['a']", "title = ['a'] is no text"),
    (FIGURE, "figure 'f' lacks 'x'"),
]
ESCAPES = ("../../evil", "/tmp/evil", "a/b", "", ".", "..", "é")


@pytest.mark.parametrize(("content", "told"), BAD)
def test_wrong_types_are_told_with_what_to_write(tmp_path: Path, content: str, told: str) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(content)
    with pytest.raises(SuiteError) as refused:
        check(read(file), Registry())
    assert told in str(refused.value) and "\n" not in str(refused.value)
    assert refused.value.remedy


@pytest.mark.parametrize("name", ESCAPES)
@pytest.mark.parametrize("kind", ["tables", "figures", "presets"])
def test_names_stay_in_their_folder(tmp_path: Path, kind: str, name: str) -> None:
    file = tmp_path / "bad.toml"
    bodies = {"tables": "rows = 's.success'", "figures": "table = 't'\nx = 'x'\nseries = 'y'", "presets": ""}
    file.write_text(f'{MEAN}[{kind}."{name}"]\n{bodies[kind]}\n')
    with pytest.raises(SuiteError, match="is no file name") as refused:
        read(file)
    assert repr(name) in str(refused.value) and f"a {kind[:-1]}'s name" in str(refused.value)


def test_as_typed_it_is_one_line_and_nothing_runs(workplace: Path) -> None:
    for content in ("tables = 3\n" + STAGE, TABLE.replace("tables.t", 'tables."../../evil"')):
        Path("bad.toml").write_text(content)
        done = CliRunner().invoke(main, ["experiment", "bad.toml"], prog_name="suite")
        assert done.exit_code == 2 and done.stderr.startswith("error: bad.toml: ")
        assert len(done.stderr.splitlines()) == 1 and not (workplace / "runs").exists()
