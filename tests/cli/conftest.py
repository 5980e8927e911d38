"""The toy plugin installed for real: a package and its metadata on the path."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from suite.host.cli import main


@pytest.fixture(scope="session")
def site(installed: Callable[[Path, str], Path]) -> Path:
    """The toy plugin and two broken ones, installed."""
    return installed(Path(__file__).parent / "toy", "toy = toy:module\nbroken = nowhere:module\nodd = json:dumps\n")


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, site: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder with all roots below it, and no setting from outside."""
    for name in [name for name in os.environ if name.startswith(("SUITE_", "TOY_"))]:
        monkeypatch.delenv(name)
    for root in ("data", "cache", "runs"):
        monkeypatch.setenv(f"SUITE_{root.upper()}", str(tmp_path / root))
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "computed"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.syspath_prepend(site)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def suite() -> Callable[..., Result]:
    """Runs a command line in this process."""
    return lambda *arguments: CliRunner().invoke(main, list(arguments), prog_name="suite")


@pytest.fixture
def process() -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Runs a command line in a process of its own."""

    def run(*arguments: str, first: str = "") -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-c", f"{first}\nfrom suite.host.cli import main; main()", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=120)

    return run
