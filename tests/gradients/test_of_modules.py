"""Rules of the modules from suite.gradients, whatever else is called `modules`."""

import subprocess
import sys
from pathlib import Path

import pytest

import suite.gradients
from modules.linbp.gradient import linbp, linear_backward
from suite.host.closure import sources_behind

FOREIGN = {
    "modules/__init__.py": "raise RuntimeError('not to be run')",
    "modules/net.py": "WIDTH = 7",
}


def test_they_are_the_modules_own() -> None:
    assert suite.gradients.linbp is linbp
    assert suite.gradients.linear_backward is linear_backward
    with pytest.raises(AttributeError, match="has no attribute 'limbp'"):
        suite.gradients.limbp  # noqa: B018


def test_a_runs_key_follows_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "asking_for_linbp.py").write_text("from suite.gradients import linbp\nrule = linbp\n")
    monkeypatch.syspath_prepend(tmp_path)
    behind = sources_behind(["asking_for_linbp"], ("asking_for_linbp", "suite", "modules"))
    assert "modules.linbp.gradient" in behind


@pytest.mark.parametrize("kind", ["package", "file", "imported before"])
def test_a_package_of_that_name_in_the_working_folder_hides_nothing(kind: str, tmp_path: Path) -> None:
    if kind == "file":
        (tmp_path / "modules.py").write_text("raise RuntimeError('not to be run')")
    else:
        (tmp_path / "modules").mkdir()
        for name, text in FOREIGN.items():
            (tmp_path / name).write_text("MINE = 1" if kind == "imported before" and "init" in name else text)
    code = {
        "package": "import suite.host, modules.net; assert modules.net.WIDTH == 7",
        "file": "import suite.host",
        "imported before": "import modules, modules.net, suite.host; import modules.net as net, modules as again; "
        "assert modules.MINE == again.MINE == 1 and again.net.WIDTH == net.WIDTH == 7",
    }[kind]
    code += (
        "\nfrom suite.host.registry import Registry\nknown = Registry()"
        "\nassert known.studies and not known.broken, known.broken"
        "\nassert known.study('linbp.attack').question"
        "\nfrom modules.linbp.attack.config import AttackConfig"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_command_runs_beside_such_a_folder(tmp_path: Path) -> None:
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "__init__.py").write_text(FOREIGN["modules/__init__.py"])
    done = subprocess.run(
        [sys.executable, "-m", "suite", "list"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and "linbp.attack" in done.stdout, done.stderr
