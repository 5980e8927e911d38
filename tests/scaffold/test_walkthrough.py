"""docs/writing-a-module.md from top to bottom, as printed: a module scaffolded, installed, run, extended and tested."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/writing-a-module.md").read_text(encoding="utf-8")


def blocks() -> Iterator[tuple[str, str]]:
    """(language, text) of every block of the page, in order."""
    yield from re.findall(r"^```(\w*)\n(.*?)^```", PAGE, re.S | re.M)


@pytest.fixture(scope="module")
def walked(
    tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str], warm_cache: Path
) -> tuple[Path, list[str]]:
    """The working folder when all is done, and what every block of commands printed."""
    place, printed = tmp_path_factory.mktemp("walk"), []
    settings = {name: value for name, value in environment.items() if not name.startswith("SUITE_")}
    settings["SUITE_CACHE"] = str(warm_cache)
    for language, text in blocks():
        if language == "python":
            path = text.splitlines()[0].removeprefix("# ")
            (place / "rays" / path).parent.mkdir(exist_ok=True)
            (place / "rays" / path).write_text(text, encoding="utf-8")
        elif language == "sh":
            command = ["bash", "-e", "-o", "pipefail", "-c", text]
            done = subprocess.run(command, cwd=place, env=settings, capture_output=True, text=True, timeout=300)
            assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
            printed.append(done.stdout)
    return place, printed


def test_the_module_is_listed_and_its_studies_run(walked: tuple[Path, list[str]]) -> None:
    place, printed = walked
    first, attack, noise, _ = printed
    assert "rays.flip" in first and "rays_guided" in first
    assert re.search(r"^ *[\d.]+ +\d+ +rays_guided ", attack, re.M)
    assert "sqrt(d)" in noise
    assert len(list((place / "runs").glob("*/*/run.json"))) == 3


def test_it_prints_what_the_page_says(walked: tuple[Path, list[str]]) -> None:
    """The first columns, whose numbers are counts; others may differ in their last digit on another processor."""
    _, printed = walked
    for language, text in blocks():
        if language == "":
            lines = text.strip().splitlines()
            title, header, row = lines[0], lines[2], lines[4].split()[0]
            assert any(title in output and header in output and row in output for output in printed)


def test_its_tests_pass(walked: tuple[Path, list[str]]) -> None:
    _, printed = walked
    assert re.search(r"\d+ passed", printed[-1])
    assert "failed" not in printed[-1] and "skipped" not in printed[-1]


def test_the_code_is_clean(walked: tuple[Path, list[str]]) -> None:
    """By the package's own rules of style, and typed as strictly as this repository."""
    place, _ = walked
    package = place / "rays"
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "."], cwd=package, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stdout
    files = [str(path) for path in package.rglob("*.py")]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", *files],
        cwd=ROOT, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert str(place) not in done.stdout, done.stdout
