"""Code in README and docs runs as printed, commands are ones that exist, links lead somewhere."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from suite.host.cli import main
from suite.host.experiments.definition import check, read
from suite.host.registry import Registry

ROOT = Path(__file__).parents[1]
RUN = ["README.md", "docs/python.md", "docs/tutorials/my-model.md", "docs/tutorials/first-hour.md"]
OWN_MODULE = ["docs/writing-a-module.md"]  # tests/scaffold runs it
WRITTEN = ["README.md", "CONTRIBUTING.md", *(str(path.relative_to(ROOT)) for path in ROOT.glob("docs/**/*.md"))]


def blocks(name: str, *languages: str) -> Iterator[str]:
    """The code blocks of a page in any of the languages."""
    for language, text in re.findall(r"^```(\w*)\n(.*?)^```", (ROOT / name).read_text(encoding="utf-8"), re.S | re.M):
        if language in languages:
            yield text


def commands(name: str) -> Iterator[list[str]]:
    """The words of every `suite ...` line in a page's blocks, continued lines joined."""
    for text in blocks(name, "sh", "text", ""):
        for line in text.replace("\\\n", " ").splitlines():
            if line.startswith("suite "):
                yield shlex.split(line, comments=True)[1:]


@pytest.mark.parametrize("page", RUN)
def test_code_runs(page: str, workplace: Path) -> None:
    code = [*blocks(page, "python")]
    assert code
    namespace: dict[str, object] = {"__name__": "page"}
    for block in code:
        exec(compile(block, page, "exec"), namespace)
    if page.endswith("my-model.md"):  # its commands are for the file that its code writes
        for words in commands(page):
            done = CliRunner().invoke(main, words, prog_name="suite")
            assert done.exit_code == 0, done.output


@pytest.mark.parametrize("page", [page for page in WRITTEN if [*commands(page)] and page not in OWN_MODULE])
def test_commands_are_ones_that_exist(page: str) -> None:
    """Verbs, studies and options; nothing is run."""
    for words in commands(page):
        context = click.Context(main, info_name="suite")
        command: click.Command = main
        while isinstance(command, click.Group) and words:
            found = command.get_command(context, words[0])
            assert found is not None, words
            command, words = found, words[1:]
        command.make_context("suite", words, parent=context)


def test_the_experiment_of_the_tutorial_is_one(tmp_path: Path) -> None:
    (text,) = blocks("docs/tutorials/combine.md", "toml")
    path = tmp_path / "around_the_star.toml"
    path.write_text(text, encoding="utf-8")
    check(read(path), Registry())


@pytest.mark.parametrize("name", WRITTEN)
def test_links_lead_somewhere(name: str) -> None:
    page = ROOT / name
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    generated = re.compile(r"(\.\./)*(reference|records)/")  # `make docs` checks these
    wanted = [link for link in links if "://" not in link and not generated.match(link)]
    assert all((page.parent / link).exists() for link in wanted)
