"""The generated pages: all that can be named is on one, links lead to the site, llms.txt lists every page."""

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from suite import data, models
from suite.host.cli.fields import config_fields
from suite.host.glossary import explain
from suite.host.registry import Registry

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site() -> dict[str, ModuleType]:
    """The scripts of the site by name, imported as mkdocs does: with their folder on the path."""
    pytest.importorskip("mkdocs", reason="no mkdocs: pip install 'suite-robustness[docs]'")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs" / "_site")
        return {name: importlib.import_module(name) for name in ("reference", "index", "hooks", "screenshots")}


@pytest.fixture(scope="module")
def pages(site: dict[str, ModuleType]) -> dict[str, str]:
    made: dict[str, str] = site["reference"].pages()
    return made


def test_every_study_is_there_with_its_options_presets_and_tables(pages: dict[str, str]) -> None:
    known = Registry()
    for name, study in known.studies.items():
        module = name.partition(".")[0]
        page = pages[f"reference/{module}.md"]
        of_study = page[page.index(f"## {name} ") :].partition("\n## ")[0]
        wanted = [f"`{field.flag}`" for field in config_fields(known.config(name))] + [f"`{p}`" for p in study.presets]
        assert [text for text in wanted if text not in of_study] == []
        assert f"### Tables of {name}" in of_study and name in pages["reference/index.md"]
        lacking = [key for key, table in explain(name, known).items() if f"| `{key}` | {table.row} |" not in of_study]
        assert lacking == []


def test_columns_are_there_with_their_meaning(pages: dict[str, str]) -> None:
    page = pages["reference/linbp.md"]
    of_study = page[page.index("### Columns of linbp.attack") :].partition("\n### ")[0]
    assert "| `n` | `calibration` | training samples attacked |" in of_study
    assert "| `perturbation` | all | norm of the change at the last step, in the unit of eps |" in of_study


def test_rules_models_data_sets_and_commands_are_there(pages: dict[str, str]) -> None:
    assert all(f"## {rule}\n" in pages["reference/rules.md"] for rule in Registry().gradients)
    assert all(f"`{row.name}`" in pages["reference/models.md"] for row in models.describe())
    assert all(f"`{row.name}`" in pages["reference/data.md"] for row in data.describe())
    assert (
        "## suite run\n" in pages["reference/commands.md"]
        and "### suite models train" in pages["reference/commands.md"]
    )


def test_errors_are_read_from_the_code(site: dict[str, ModuleType], pages: dict[str, str]) -> None:
    code = (
        'SuiteError(f"no {name!r} | here", "say " "which")\nWorkFailed("lost")\nSuiteError(text)\nSuiteError("x", near)'
    )
    assert [*site["reference"].errors_in(code)] == [
        ("no ... | here", "say which"),
        ("lost", ""),
        ("x", "said with it"),
    ]
    assert site["reference"].table(["a"], [["x | y"]])[-1] == "| x \\| y |"
    assert "Ray is not installed" in pages["reference/errors.md"]


def test_the_navigation_names_every_page(pages: dict[str, str], site: dict[str, ModuleType]) -> None:
    """What is not in it cannot be found by readers."""
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    named = {*_leaves(yaml.safe_load(text)["nav"])}
    written = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    assert named == written | pages.keys() | site["hooks"].COPIES.keys()


@pytest.mark.parametrize(
    ("page", "link", "leads_to"),
    [
        ("reproduction.md", "../modules/linbp/README.md", "records/linbp.md"),
        ("findings/index.md", "../reproduction.md", "../reproduction.md"),
        ("records/linbp.md", "../../docs/reproduction.md", "../reproduction.md"),
        ("records/linbp.md", "../../docs/images/a.png", "../images/a.png"),
        ("contributing.md", "README.md", "index.md"),
        ("guide.md", "https://example.org/README.md", "https://example.org/README.md"),
    ],
)
def test_links_lead_to_pages_of_the_site(site: dict[str, ModuleType], page: str, link: str, leads_to: str) -> None:
    assert site["hooks"].moved(link, page) == leads_to


def test_every_image_is_shown_and_can_be_made_again(site: dict[str, ModuleType]) -> None:
    shots = site["screenshots"]
    images = {path.stem for path in (ROOT / "docs" / "images").iterdir()}
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "modules").glob("*/README.md")]
    texts = "".join(page.read_text(encoding="utf-8") for page in pages)
    assert {image for image in images if f"images/{image}.png" not in texts} == set()
    assert images == shots.FIGURES.keys() | shots.REPORTS.keys() | shots.EXPENSIVE.keys()


def test_cheap_images_are_figures_of_their_studies(site: dict[str, ModuleType]) -> None:
    for study, figure in site["screenshots"].FIGURES.values():
        target = Registry().study(study).figures
        assert target and callable(getattr(importlib.import_module(target), figure))


def test_the_index_for_machines(site: dict[str, ModuleType]) -> None:
    index = site["index"]
    text = "# Title\n\n```sh\nnot this\n```\n\n**Question.** What [is](a.md) it? Deng et al. say so."
    page = index.described("Title", "a/b.html", text)
    assert page.about == "Question. What is it? Deng et al. say so."
    home = index.described("Home", "index.html", "")
    assert index.llms("suite", "About.", [page, home]).splitlines() == [
        "# suite", "", "> About.", "", "## Pages", "",
        "- [Home](index.html)", "- [Title](a/b.html): Question. What is it? Deng et al. say so.",
    ]  # fmt: skip


def _leaves(nav: Any) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    below = nav.values() if isinstance(nav, dict) else nav
    return [leaf for each in below for leaf in _leaves(each)]
