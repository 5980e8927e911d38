"""Code in README and docs runs as printed, commands are ones that exist, links lead somewhere."""

import importlib
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from suite.host.cli import main
from suite.host.experiments.definition import check, read
from suite.host.registry import Registry

ROOT = Path(__file__).parents[1]
RUN = ["README.md", "docs/python.md", "docs/tutorials/my-model.md", "docs/tutorials/first-hour.md"]
OWN_MODULE = ["docs/writing-a-module.md"]  # tests/scaffold runs it
WRITTEN = ["README.md", "CONTRIBUTING.md", *(str(path.relative_to(ROOT)) for path in ROOT.glob("docs/**/*.md"))]

SMALL = {
    "linbp.attack": ["--model", "digits-cnn", "--steps", "2"],
    "linbp.transfer": [
        "--surrogates",
        "digits-cnn",
        "--victims",
        "two-layer@random(0)",
        "--steps",
        "2",
        "--limit",
        "400",
    ],
}


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


@pytest.fixture
def readers_files(workplace: Path) -> Path:
    """What a reader of the README has: a model with weights in files of their own, images in folders by class."""
    (workplace / "mynet.py").write_text(
        "from torch import nn\n\n\nclass Net(nn.Sequential):\n    def __init__(self):\n"
        "        super().__init__(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.ReLU(), nn.Flatten(),\n"
        "                         nn.Linear(4 * 12 * 12, 8), nn.ReLU(), nn.Linear(8, 2))\n"
    )
    sys.path.insert(0, str(workplace))
    try:
        torch.save(importlib.import_module("mynet").Net().state_dict(), workplace / "mynet.pt")
    finally:
        sys.path.remove(str(workplace))
        del sys.modules["mynet"]
    pixels = np.random.default_rng(0)
    for number in range(32):
        path = workplace / "IMAGES" / ("train", "test")[number % 2] / ("cat", "dog")[number // 2 % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(path)
    return workplace


def test_the_readmes_commands_run(readers_files: Path, undrawn: None) -> None:
    """As printed, one after the other; runs on a few images, with a net that is trained already."""
    key = ""
    for words in commands("README.md"):
        typed = [word.replace("KEY", key) for word in words]
        if typed[0] == "run":
            typed += ["--limit", "12"] if "--model" in typed else ["--limit", "40", *SMALL[typed[1]]]
        done = CliRunner().invoke(main, typed, prog_name="suite")
        assert done.exit_code == 0, f"{typed}\n{done.output}"
        key = key or next((readers_files / "runs" / "linbp.attack").iterdir()).name
