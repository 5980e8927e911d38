"""What works in a cluster's folder ends with the process that began the cluster."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from suite.host.executors.fate import Fate

from ..faults.processes import kill, left_after

pytest.importorskip("psutil", reason="pip install 'suite-robustness[ray]'")

DEAF = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
log = open(sys.argv[1], "w")
print("begun", flush=True)
time.sleep(60)
"""
DRIVER = f"""
import subprocess, sys, time
from suite.host.executors.fate import Fate

fate = Fate()
deaf = subprocess.Popen([sys.executable, "-c", {DEAF!r}, str(fate.folder / "log")], stdout=subprocess.PIPE)
deaf.stdout.readline()
print(fate.folder, deaf.pid, flush=True)
time.sleep(60)
"""


def begun(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", *arguments], stdout=subprocess.PIPE, text=True)


def test_who_only_reads_there_is_left_alone(tmp_path: Path) -> None:
    fate = Fate()
    (fate.folder / "log").write_text("told")
    reader = begun(DEAF.replace('"w"', '"r"'), str(fate.folder / "log"))
    assert reader.stdout is not None and reader.stdout.readline() == "begun\n"
    fate.end()
    assert reader.poll() is None and not fate.folder.exists()
    kill(reader.pid)
    reader.communicate()


@pytest.mark.parametrize("variable", ["TMPDIR", "RAY_TMPDIR"])
def test_the_folder_leaves_room_for_the_paths_of_sockets(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, expected in (
        (tmp_path / ("long" * 10), Path("/tmp").resolve()),
        (Path("/tmp"), Path("/tmp").resolve()),
    ):
        folder.mkdir(exist_ok=True)
        monkeypatch.setenv(variable, str(folder))
        monkeypatch.setattr("tempfile.tempdir", None)
        fate = Fate()
        assert fate.folder.parent == expected
        fate.end()


def test_the_end_kills_what_works_in_the_folder_but_not_us(tmp_path: Path) -> None:
    fate = Fate()
    with (fate.folder / "ours").open("w"):
        inside, outside = begun(DEAF, str(fate.folder / "log")), begun(DEAF, str(tmp_path / "log"))
        for process in (inside, outside):
            assert process.stdout is not None and process.stdout.readline() == "begun\n"
        fate.end()
    assert inside.wait(0) == -signal.SIGKILL and outside.poll() is None
    assert not fate.folder.exists()
    kill(outside.pid)
    for process in (inside, outside):
        process.communicate()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_folder_ends_with_a_process_that_is_killed(how: signal.Signals) -> None:
    driver = begun(DRIVER)
    assert driver.stdout is not None
    folder, pid = driver.stdout.readline().split()
    driver.send_signal(how)
    driver.wait()
    assert not left_after(2.0, [int(pid)])
    kill(int(pid))
    driver.stdout.close()
    end = time.monotonic() + 2
    while Path(folder).exists():
        assert time.monotonic() < end
        time.sleep(0.02)
