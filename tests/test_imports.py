"""Who imports whom: the host knows no module, modules do not know each other, the laboratory knows only itself."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LABORATORY = ("data", "models", "gradients", "attacks", "training", "stats", "figures")
GROUND = ("errors", "paths", "refs", "files")


def sources(folder: str) -> list[Path]:
    """All Python files below a folder of the repository."""
    return sorted((ROOT / folder).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """The dotted names that a file imports anywhere in it, also in functions; `from a import b` gives a.b."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            yield from (".".join([*base, *filter(None, [node.module]), alias.name]) for alias in node.names)


def part(name: str) -> str:
    """The second word of a dotted name: `data` of `suite.data.load`."""
    return name.partition(".")[2].partition(".")[0]


def laboratory_files() -> list[Path]:
    """The files of the laboratory's packages and modules."""
    below = {path: path.relative_to(ROOT / "suite").parts[0].removesuffix(".py") for path in sources("suite")}
    return [path for path, package in below.items() if package in LABORATORY]


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_the_files_are_found() -> None:
    found = {relative(path) for path in laboratory_files()}
    assert {"suite/stats.py", "suite/figures/lines.py", "suite/data/dataset.py", "suite/attacks/iterate.py"} <= found
    assert "suite.statistics.rate" in set(imported(ROOT / "modules/linbp/attack/results.py"))
    assert "modules.linbp.attack.white_box.WhiteBox" in set(imported(ROOT / "modules/linbp/attack/measure.py"))


@pytest.mark.parametrize("path", sources("suite"), ids=relative)
def test_suite_never_imports_modules(path: Path) -> None:
    assert [name for name in imported(path) if name.split(".")[0] == "modules"] == []


@pytest.mark.parametrize("path", sources("modules"), ids=relative)
def test_modules_never_import_each_other(path: Path) -> None:
    mine = path.relative_to(ROOT / "modules").parts[0]
    assert [name for name in imported(path) if name.split(".")[0] == "modules" and part(name) != mine] == []


@pytest.mark.parametrize("path", laboratory_files(), ids=relative)
def test_the_laboratory_imports_only_itself(path: Path) -> None:
    own = [name for name in imported(path) if name.split(".")[0] == "suite"]
    assert [name for name in own if part(name) not in (*LABORATORY, *GROUND)] == []


@pytest.mark.parametrize("name", GROUND)
def test_the_ground_imports_only_itself(name: str) -> None:
    own = [found for found in imported(ROOT / "suite" / f"{name}.py") if found.split(".")[0] == "suite"]
    assert [found for found in own if part(found) not in GROUND] == []


@pytest.mark.parametrize("path", sources("modules"), ids=relative)
def test_modules_use_the_laboratory_and_what_a_plugin_is_given(path: Path) -> None:
    allowed = (*LABORATORY, *GROUND, "plugin", "run")
    assert [n for n in imported(path) if n.split(".")[0] == "suite" and part(n) not in allowed] == []


@pytest.mark.parametrize("path", [p for p in sources("suite") if p.parent.name not in ("cli", "testing")], ids=relative)
def test_only_the_command_line_and_what_types_it_import_the_command_line(path: Path) -> None:
    assert [name for name in imported(path) if name.startswith(("suite.host.cli", "click"))] == []
