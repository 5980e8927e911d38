"""Whoever is killed takes along what it has started, the server of processes among it."""

import subprocess
import sys
from pathlib import Path

import pytest

from suite.host.executors import local

from ..faults.processes import descendants, left_after

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are found in /proc: Linux")

START = """
import time
from suite.host.executors.local import Local
executor = Local(2)
print("started", flush=True)
time.sleep(60)
"""


def test_killed_while_the_server_still_imports() -> None:
    with subprocess.Popen([sys.executable, "-c", START], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None and parent.stdout.readline() == b"started\n"
        children = descendants(parent.pid)
        parent.kill()
    assert len(children) == 2  # the server, and Python's tracker of shared memory
    assert not left_after(2, children)


def test_what_a_process_is_given_does_not_say_whose_the_server_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that a study starts there would take itself for the server of somebody else."""
    monkeypatch.setenv(local.PARENT, "1")
    assert local.PARENT not in local._inherited()
