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
    driver.communicate()
    assert not left_after(2.0, [int(pid)])
    kill(int(pid))
    end = time.monotonic() + 2
    while Path(folder).exists():
        assert time.monotonic() < end
        time.sleep(0.02)
