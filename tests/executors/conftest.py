"""A plugin whose work can be held and killed, installed for real, and the program in this process or one of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from suite.host.cli import main
from suite.host.executors.point import registry


@pytest.fixture(scope="session")
def gated_site(installed: Callable[[Path, str], Path]) -> Path:
    """The plugin, installed."""
    return installed(Path(__file__).parent / "gated", "gated = gated:module\n")


class Gate:
    """The folder by which the tests hold work, kill it, and see who did it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def reset(self) -> None:
        """Opens the gate and forgets what has passed."""
        for path in self.folder.iterdir():
            path.unlink()

    def hold(self) -> None:
        (self.folder / "hold").touch()

    def open(self) -> None:
        (self.folder / "hold").unlink()

    def kill_elsewhere(self, name: str) -> None:
        """Has every process that computes this die of it, but this one."""
        (self.folder / f"kill-{name}").write_text(str(os.getpid()))

    def passed(self) -> list[tuple[str, int, str]]:
        """(what, process, node) in the order of their beginning."""
        log = self.folder / "log"
        lines = [line.split() for line in log.read_text().splitlines()] if log.exists() else []
        return [(name, int(pid), node) for name, pid, node in lines]

    def wait_for(self, workers: int) -> None:
        """Until that many processes have begun something."""
        self.until(lambda: len({pid for _, pid, _ in self.passed()}) >= workers)

    @staticmethod
    def until(condition: Callable[[], bool]) -> None:
        """Waits for a condition; fails where it does not come in three minutes."""
        end = time.monotonic() + 180
        while not condition():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.05)


@pytest.fixture(scope="session")
def gate_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gate")


@pytest.fixture
def gate(gate_folder: Path) -> Gate:
    """An open gate that nothing has passed."""
    gate = Gate(gate_folder)
    gate.reset()
    return gate


@pytest.fixture
def gated(workplace: Path, gated_site: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working folder, with the plugin installed for this process and those that it starts."""
    monkeypatch.setenv("PYTHONPATH", str(gated_site))
    monkeypatch.syspath_prepend(gated_site)
    monkeypatch.setenv("GATED_FOLDER", str(gate.folder))
    registry.cache_clear()
    yield workplace
    registry.cache_clear()


@pytest.fixture
def suite(gated: Path) -> Callable[..., Result]:
    """Runs a command line in this process; words as typed, separated by spaces."""
    return lambda typed: CliRunner().invoke(main, typed.split(), prog_name="suite")


@pytest.fixture
def start(gated: Path) -> Iterator[Callable[[str], "subprocess.Popen[str]"]]:
    """Starts a command line in a process of its own, which does not outlive the test."""
    started: list[subprocess.Popen[str]] = []

    def begin(typed: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", "from suite.host.cli import main; main()", *typed.split()]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def tables() -> Callable[[Path], dict[str, bytes]]:
    """Every table below a folder of runs."""

    def read(runs: Path) -> dict[str, bytes]:
        raw, made = (runs.glob(f"*/*/{folder}/*.parquet") for folder in ("tables", "results/tables"))
        return {path.relative_to(runs).as_posix(): path.read_bytes() for path in sorted([*raw, *made])}

    return read
