"""A fresh virtual environment that sees what this one has, so that nothing is downloaded."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

_COMMANDS = {
    "suite": "-P -c 'from suite.host.cli import main; main()' \"$@\"",
    "pytest": '-P -m pytest "$@"',
    # Everything that is needed is there; without these options pip would look for it elsewhere.
    "pip": '-m pip --disable-pip-version-check "$@" --no-build-isolation --no-index --quiet',
}


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment variables under which `suite`, `pip` and `pytest` are those of a fresh virtual environment."""
    root = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", root], check=True, timeout=60)
    python = root / "bin" / "python"
    asked = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = Path(subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60).stdout.strip())
    (site / "host.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    for name, arguments in _COMMANDS.items():
        script = root / "bin" / name
        script.write_text(f'#!/bin/sh\nexec "{python}" {arguments}\n')
        script.chmod(0o755)
    path = f"{root / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
