"""`list`, `info`, `--help`, `doctor`: what a newcomer types first; quick, and without torch."""

import errno
import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import Result

Suite = Callable[..., Result]
LIGHT = [["--help"], ["list"], ["info", "toy.squares"], ["run", "--help"], ["run", "toy.squares", "--help"], ["runs"]]
HEAVY = {"torch", "scipy", "matplotlib", "pyarrow", "rich", "numpy"}


def test_list_names_studies_and_rules_of_all_modules(suite: Suite) -> None:
    result = suite("list")
    assert result.exit_code == 0
    for name in ("toy.squares", "The square of every number.", "linbp.attack", "flip", "bp "):
        assert name in result.stdout


def test_broken_plugins_cost_one_line_each(suite: Suite) -> None:
    lines = suite("list").stderr.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("warning: plugin 'broken' of toy-plugin is broken: ModuleNotFoundError")
    assert lines[1] == "warning: plugin 'odd' of toy-plugin is broken: json:dumps is not a Module"


def test_info_shows_everything_about_an_option(suite: Suite) -> None:
    text = suite("info", "toy.squares").stdout
    assert "default 1/4," in text
    assert "default 2/255," in text
    assert "paper: Nobody (2026)" in text
    assert "--numbers INTEGER,..." in text
    assert "Numbers to square. Unit: apples. Source: Table 9." in text
    assert "default 1,2,3, environment SUITE_NUMBERS" in text
    assert "--fast/--no-fast" in text
    assert "--mode plain|fancy" in text
    assert "--rules GRADIENT,..." in text
    assert "--seed INTEGER" in text
    assert "preset large: numbers=10,20, fast=yes" in text


def test_info_for_programs(suite: Suite) -> None:
    study = json.loads(suite("info", "toy.squares", "--json").stdout)
    assert study["paper"] == "Nobody (2026)"
    numbers = next(option for option in study["options"] if option["name"] == "numbers")
    assert numbers["flag"] == "--numbers" and numbers["default"] == "1,2,3" and numbers["unit"] == "apples"
    assert study["presets"]["large"] == {"numbers": [10, 20], "fast": True}
    assert study["tables"]["squares"] == {
        "row": "a number",
        "columns": {"number": "what is squared", "square": "its square", "name": "n and the number"},
    }
    rule = json.loads(suite("info", "leaky", "--json").stdout)
    assert rule["typed"] == "leaky(slope=..., start=all)" and rule["arguments"] == {"slope": "...", "start": "all"}


def test_help_of_a_study_shows_default_and_variable(suite: Suite) -> None:
    text = " ".join(suite("run", "toy.squares", "--help").stdout.split())
    assert "--step-size NUMBER A number that may be a fraction. [env var: SUITE_STEP_SIZE; default: (1/4)]" in text
    assert "SUITE_DEVICE" in text and "SUITE_FRESH" in text and "large, wrong" in text


@pytest.mark.parametrize("command", LIGHT, ids=" ".join)
def test_answers_without_heavy_imports_and_at_once(command: list[str]) -> None:
    code = (
        "import sys\nfrom suite.host.cli import main\n"
        f"try: main({command})\n"
        "except SystemExit as exit: code = exit.code\n"
        f"sys.stderr.write('HEAVY ' + ' '.join({HEAVY} & set(sys.modules)))\nsys.exit(code)"
    )
    seconds = []
    for _ in range(3):
        start = cpu_of_children()
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
        seconds.append(cpu_of_children() - start)
        assert done.returncode == 0
        assert done.stderr.endswith("HEAVY ")
    assert min(seconds) < 0.8  # about 0.25 s on an idle machine; a busy twin core doubles it


def cpu_of_children() -> float:
    """CPU seconds of all processes that have ended so far; what else runs here does not count."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_nothing_typed_is_help(suite: Suite) -> None:
    result = suite()
    assert result.exit_code == 0, result.stderr
    assert "Commands:" in result.stdout


def test_doctor_names_what_is_broken(suite: Suite) -> None:
    result = suite("doctor")
    assert result.exit_code == 1  # because of the broken plugins
    lines = {line.split()[1]: line for line in result.stdout.splitlines()}
    assert lines["plugins"].startswith("BAD") and "json:dumps" in lines["plugins"]
    assert all(lines[name].startswith("ok ") for name in ("python", "torch", "torchvision", "cache", "runs"))


def test_doctor_looks_at_disks(suite: Suite, monkeypatch: pytest.MonkeyPatch, workplace: Path) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr("fcntl.flock", refuse)
    assert suite("doctor").stdout.count("no locks on this file system") == 2  # of the cache and of the runs
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=2 * 10**7))
    told = [line for line in suite("doctor").stdout.splitlines() if line.startswith("BAD")]
    assert [line.split()[1] for line in told] == ["cache", "runs", "plugins"]
    assert "only 0.02 GB of disk left (free some space" in told[0]
    assert not any(workplace.iterdir())


def test_models_and_data_are_listed(suite: Suite) -> None:
    assert "resnet50" in suite("models", "list").stdout
    assert "cifar10" in suite("data", "list").stdout
