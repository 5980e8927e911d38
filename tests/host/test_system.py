"""On a system without Unix's locks the command and the Python door say one line."""

import subprocess
import sys

import pytest

from suite.host.system import check_system

DOORS = {
    "suite": "from suite.host.cli import main; main()",  # what the installed command is
    "python -m suite": "import runpy; runpy.run_module('suite', run_name='__main__')",
    "suite.run": "import suite; suite.run",
}


@pytest.mark.parametrize("door", DOORS)
def test_windows_is_one_line(door: str) -> None:
    windows = "import sys; sys.modules['fcntl'] = None; sys.platform = 'win32'; "
    done = subprocess.run([sys.executable, "-c", windows + DOORS[door]], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("error: suite runs on Linux and macOS (on Windows use WSL")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_others_go_on(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    check_system()
