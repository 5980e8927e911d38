"""`suite new`: which names, which folders, and what the package is like."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from suite.errors import SuiteError
from suite.host.cli import main
from suite.host.scaffold import check_name
from suite.host.scaffold.names import LONGEST
from suite.host.scaffold.package import render

LONG = "a" + "b" * (LONGEST - 1)
New = Callable[..., Result]


@pytest.fixture
def new(workplace: Path) -> New:
    """`suite new ...` in this process, in an empty folder."""
    return lambda *words: CliRunner().invoke(main, ["new", *words], prog_name="suite")


@pytest.mark.parametrize("name", ["rays", "q", "a_2", "my_rays", LONG])
def test_names(name: str) -> None:
    check_name(name, {"linbp"})


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("My-Rays 2", "'My-Rays 2' cannot be imported (for example my_rays_2)"),
        ("2rays", "for example rays"),
        ("_rays", "for example rays"),
        ("rays.sub", "for example rays_sub"),
        ("../rays", "for example rays"),
        ("räys", "for example r_ys"),
        ("", "a lower-case letter, then letters, digits and _"),
        ("--", "a lower-case letter, then letters, digits and _"),
        (LONG + "c", f"of {LONGEST + 1} letters is too long (for example {LONG})"),
        ("class", "'class' is a keyword of Python (for example class_study)"),
        ("match", "'match' is a keyword of Python"),
        ("linbp", "'linbp' is taken by an installed module or gradient rule (for example linbp_study)"),
        ("LinBP", "cannot be imported (a lower-case letter"),  # the nearest name is taken
        ("torch", "'torch' would hide a package that can be imported"),
        ("random", "'random' would hide a package"),
        ("suite", "'suite' would hide a package"),
        ("tests", "'tests' would hide a package"),
        ("pillow", "'pillow' is the name of an installed distribution"),  # its package is PIL
    ],
)
def test_names_that_will_not_do(name: str, said: str) -> None:
    with pytest.raises(SuiteError) as refused:
        check_name(name, {"linbp", "bp"})
    assert said in str(refused.value)


def test_the_command_writes_the_package_and_says_what_is_next(new: New, workplace: Path) -> None:
    done = new("rays", "--dir", "below/here")
    assert done.exit_code == 0, done.stderr
    written = {path.relative_to(workplace) for path in (workplace / "below").rglob("*") if path.is_file()}
    assert {Path(line) for line in done.stdout.split()} == written
    root = Path("below/here/rays")
    assert {root / "pyproject.toml", root / "README.md", root / ".gitignore", root / "rays/guided.py"} <= written
    assert "pip install -e below/here/rays" in done.stderr and "suite run rays.flip" in done.stderr


@pytest.mark.parametrize("name", ["bp", "linbp", "class"])
def test_the_command_knows_what_is_installed(new: New, workplace: Path, name: str) -> None:
    done = new(name)
    assert done.exit_code == 2 and done.stderr.startswith(f"error: '{name}' is ")
    assert list(workplace.iterdir()) == []


def test_what_is_there_is_kept(new: New, workplace: Path) -> None:
    (workplace / "rays").mkdir()
    assert new("rays").exit_code == 0  # an empty folder is no obstacle
    before = {path: path.read_bytes() for path in workplace.rglob("*") if path.is_file()}
    again = new("rays")
    assert again.exit_code == 2
    assert again.stderr == "error: rays exists (choose another name, or another folder with --dir)\n"
    assert {path: path.read_bytes() for path in workplace.rglob("*") if path.is_file()} == before
    (workplace / "waves").write_text("a file")
    assert new("waves").exit_code == 2 and (workplace / "waves").read_text() == "a file"


def test_a_folder_that_cannot_be_written(new: New, workplace: Path) -> None:
    (workplace / "file").write_text("in the way")
    done = new("rays", "--dir", "file/below")
    assert done.exit_code == 2
    assert done.stderr.startswith("error: --dir: cannot write file/below/rays: ")
    assert [path.name for path in workplace.iterdir()] == ["file"]


def test_a_full_disk_leaves_nothing(new: New, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Path] = []
    write = Path.write_text

    def until_full(path: Path, text: str, encoding: str) -> int:
        written.append(path)
        if len(written) == 5:
            raise OSError(28, "No space left on device")
        return write(path, text, encoding)

    monkeypatch.setattr(Path, "write_text", until_full)
    done = new("rays")
    assert done.exit_code == 2 and "No space left on device" in done.stderr
    assert len(written) == 5 and list(workplace.iterdir()) == []


@pytest.mark.parametrize("name", ["q", LONG])
def test_the_code_is_clean_under_any_name(new: New, workplace: Path, name: str) -> None:
    """Lines neither too long nor broken where they need not be."""
    assert new(name).exit_code == 0
    for command in (["check"], ["format", "--check"]):
        run = [sys.executable, "-m", "ruff", *command, name]
        done = subprocess.run(run, cwd=workplace, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout


def test_nothing_of_a_template_is_left() -> None:
    for path, text in render("rays").items():
        assert "{{" not in text and "{%" not in text and ".jinja" not in str(path) and text.endswith("\n")
