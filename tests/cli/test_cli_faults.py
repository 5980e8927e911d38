"""Bad input: one line on stderr, exit code 2, nothing on stdout, nothing on disk."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from click.testing import Result

Suite = Callable[..., Result]

FAULTS = {
    "toy.squars": "error: unknown study 'toy.squars' (did you mean toy.squares or toy.lost?)",
    "toy.squares --step-sise 1": "error: no such option --step-sise (did you mean --step-size or ",
    "toy.squares --step-size 8/255x": "error: --step-size: '8/255x' is not a number "
    "(write 0.05 or a fraction such as 8/255)",
    "toy.squares --eps 0.1,0": "error: --eps: '0' is not valid (input should be greater than 0)",
    "toy.squares --eps -8/255": "error: --eps: '-8/255' is not valid (input should be greater than 0)",
    "toy.squares --eps 0.1,0.1": "error: --eps: a value is given twice in 0.1, 0.1 (give each once)",
    "toy.squares --repeats 0": "error: --repeats: '0' is not valid (input should be greater than 0)",
    "toy.squares --repeats 100": "error: --repeats: '100' is not valid (keep it below 100)",
    "toy.squares --mode fancier": "error: --mode: 'fancier' is not valid (input should be 'plain' or 'fancy')",
    "toy.squares --seed -1": "error: --seed: '-1' is not valid (input should be greater than or equal to 0)",
    "toy.squares --rules flop": "error: unknown gradient rule 'flop' (did you mean flip?)",
    "toy.squares --rules flip(strenth=2)": "error: 'flip(strenth=2)': flip has no argument 'strenth' "
    "(did you mean strength?)",
    "toy.squares --rules flip(": "error: --rules: cannot read 'flip(' (write name or name(key=value,...))",
    "toy.squares --preset larg": "error: --preset: unknown preset 'larg' (did you mean large?)",
    "toy.squares --config absent.toml": "error: --config: cannot read absent.toml: No such file or directory "
    "(give a TOML file)",
    "toy.squares --device gpu": "error: --device: unknown device 'gpu' (write auto, cpu, cuda or cuda:N)",
    "toy.squares extra": "error: got unexpected extra argument (extra) (see suite run toy.squares --help)",
    "toy.squares --runs file/runs": "error: cannot write file/runs/",
    "toy.lost": "error: cannot load 'toy.lost.nowhere:Config': ModuleNotFoundError: No module named 'toy.lost.nowhere'",
    "--fresh toy.squares": "error: no such option --fresh (options follow the name: suite run NAME --fresh)",
}


@pytest.mark.parametrize("command", FAULTS)
def test_bad_input_is_one_line_before_work(suite: Suite, workplace: Path, command: str) -> None:
    (workplace / "file").touch()
    result = suite("run", *command.split(" "))
    _, *warnings, line = ["", *result.stderr.splitlines()]
    assert all(warning.startswith("warning: ") for warning in warnings)
    assert line.startswith(FAULTS[command])
    assert (result.exit_code, result.stdout) == (2, "")
    assert [path.name for path in workplace.iterdir()] == ["file"]


def test_unknown_command(suite: Suite) -> None:
    result = suite("lists")
    assert (result.exit_code, result.stderr) == (2, "error: unknown command 'lists' (did you mean list?)\n")


def test_cuda_without_a_gpu(suite: Suite, monkeypatch: pytest.MonkeyPatch, workplace: Path) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    result = suite("run", "toy.squares", "--device", "cuda")
    assert "error: --device: no GPU 'cuda' (there is none here; use --device cpu)" in result.stderr
    assert result.exit_code == 2


def test_faults_name_the_place_they_come_from(suite: Suite, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (workplace / "a.toml").write_text("repeats = 0")
    assert "error: a.toml, repeats: 0 is not valid" in suite("run", "toy.squares", "--config", "a.toml").stderr
    assert "error: preset 'wrong', repeats: 'many' is not" in suite("run", "toy.squares", "--preset", "wrong").stderr
    monkeypatch.setenv("SUITE_REPEATS", "-3")
    assert "error: SUITE_REPEATS: '-3' is not valid" in suite("run", "toy.squares").stderr


@pytest.mark.parametrize(
    ("text", "line"),
    [("repeat = 2", "a.toml: unknown key 'repeat' (did you mean repeats?)"), ("repeats", "a.toml is not TOML: ")],
)
def test_bad_toml(suite: Suite, workplace: Path, text: str, line: str) -> None:
    (workplace / "a.toml").write_text(text)
    result = suite("run", "toy.squares", "--config", "a.toml")
    assert line in result.stderr.splitlines()[-1]
    assert result.exit_code == 2


def test_a_study_that_refuses_before_its_first_write_leaves_nothing(
    suite: Suite, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for fate in ("refuse@start", "refuse@1"):
        monkeypatch.setenv("TOY_FATE", fate)
        result = suite("run", "toy.squares")
        assert result.exit_code == 2
        assert result.stderr.splitlines()[-1].startswith("error: ")
        assert not list(workplace.rglob("run.json"))


def test_a_failure_during_work_keeps_what_was_done(
    suite: Suite, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOY_FATE", "crash@3")
    result = suite("run", "toy.squares")
    last = result.stderr.splitlines()[-1]
    assert last.startswith("error: ZeroDivisionError: division by apples (kept in ")
    assert last.endswith("; the same command continues it)")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "failed" in suite("runs").stdout
    assert "Traceback" not in result.stderr
    assert "Traceback" in suite("--traceback", "run", "toy.squares").stderr

    monkeypatch.delenv("TOY_FATE")
    assert suite("run", "toy.squares").exit_code == 0
    assert (workplace / "computed").read_text().split() == ["1", "2", "3"]


def test_control_c(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_FATE", "interrupt@2")
    result = suite("run", "toy.squares")
    assert result.stderr.splitlines()[-1] == "interrupted (the same command continues)"
    assert (result.exit_code, result.stdout) == (130, "")
    assert "interrupted" in suite("runs").stdout


def _edited(run: Path, fault: str) -> None:
    manifest = json.loads((run / "run.json").read_text())
    if fault == "lacks a key":
        del manifest["timings"]
    if fault == "newer":
        manifest["format"] = 99
    (run / "run.json").write_text("{half" if fault == "no JSON" else json.dumps(manifest))


@pytest.mark.parametrize(
    ("fault", "why"),
    [("lacks a key", "timings: field required"), ("newer", "it is of format 99"), ("no JSON", "it is not JSON")],
)
def test_a_run_directory_that_cannot_be_trusted(suite: Suite, workplace: Path, fault: str, why: str) -> None:
    """Told as such by what reads it; the study's own command makes it anew from the parts that are whole."""
    run = Path(json.loads(suite("run", "toy.squares", "--json").stdout)["run"])
    tables = {path.name: path.read_bytes() for path in run.glob("tables/*")}
    _edited(run, fault)
    for reading in (["runs", "show", run.name], ["compare", run.name, run.name]):
        result = suite(*reading)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith(f"error: cannot use {run / 'run.json'}: {why}")
    assert "unreadable" in suite("runs").stdout
    assert json.loads(suite("query", "SELECT status FROM runs", "--json").stdout) == [{"status": "unreadable"}]
    assert "already finished" not in suite("run", "toy.squares").stderr
    assert {path.name: path.read_bytes() for path in run.glob("tables/*")} == tables
    assert (workplace / "computed").read_text().split() == ["1", "2", "3"]
    assert suite("runs", "show", run.name).exit_code == 0


@pytest.mark.parametrize("content", [None, b"PAR1 and no more"])
def test_a_table_that_is_gone_or_damaged(suite: Suite, content: bytes | None) -> None:
    run = Path(json.loads(suite("run", "toy.squares", "--json").stdout)["run"])
    table = run / "tables" / "squares.parquet"
    table.unlink() if content is None else table.write_bytes(content)
    for reading in (["runs", "show", run.name], ["compare", run.name, run.name], ["run", "toy.squares"]):
        result = suite(*reading)
        assert result.exit_code == 2
        assert f"error: {table} is missing or damaged" in result.stderr
    asked = suite("query", "SELECT * FROM rows_squares")
    warning, error = asked.stderr.splitlines()
    assert asked.exit_code == 2 and "squares.parquet is missing or damaged" in warning
    assert error.startswith("error: ") and "rows_squares" in error
    assert suite("run", "toy.squares", "--fresh").exit_code == 0


def test_a_table_whose_footer_is_damaged_gives_no_numbers(suite: Suite) -> None:
    """A column of another name: neither Parquet's checksums nor DuckDB would notice."""
    run = Path(json.loads(suite("run", "toy.squares", "--json").stdout)["run"])
    table = run / "tables" / "squares.parquet"
    table.write_bytes(table.read_bytes().replace(b"square", b"squirt"))
    for reading in (["compare", run.name, run.name], ["analyse", run.name]):
        result = suite(*reading)
        assert result.exit_code and "damaged" in result.stderr.splitlines()[-1]
    asked = suite("query", "SELECT * FROM rows_squares")
    warning, error = asked.stderr.splitlines()
    assert asked.exit_code == 2 and f"{table.name} is missing or damaged, left out of rows_squares" in warning
    assert error.startswith("error: ")
