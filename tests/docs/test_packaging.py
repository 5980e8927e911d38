"""What the distribution says of itself: name, licence, citation, and how it is installed."""

import re
import subprocess
import tomllib
from importlib.metadata import entry_points, metadata
from pathlib import Path
from typing import Any

import pytest
import yaml

import suite
from suite.host.provenance import DISTRIBUTION, versions

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CITATION: dict[str, Any] = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def test_one_version_one_name_and_one_licence() -> None:
    assert PROJECT["name"] == DISTRIBUTION
    assert suite.__version__ == PROJECT["version"] == CITATION["version"] == versions()["suite"]
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith(f"{PROJECT['license']} License\n")
    assert metadata(DISTRIBUTION)["License-Expression"] == CITATION["license"] == PROJECT["license"] == "MIT"


def test_what_is_installed_gives_the_modules() -> None:
    plugins = {plugin.name for plugin in entry_points(group="suite.modules") if plugin.dist.name == DISTRIBUTION}
    assert plugins == PROJECT["entry-points"]["suite.modules"].keys()


def test_extras_refer_to_the_distribution_by_its_name() -> None:
    assert PROJECT["optional-dependencies"]["dev"][0].startswith(f"{DISTRIBUTION}[")


def test_nothing_asks_for_the_names_that_belong_to_others() -> None:
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=True)
    texts = [ROOT / name for name in listed.stdout.split("\0") if name.endswith((".md", ".py", ".jinja", ".toml"))]
    asks = re.compile(r"pip install( -\S+)* ['\"]?(suite|modules)(?![\w/-])")
    assert asks.search("pip install " + "'suite[ray]'") and asks.search("pip install -U " + "suite")
    assert not [text for text in texts if text.is_file() and asks.search(text.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("work", [CITATION, *CITATION["references"]], ids=lambda work: str(work["title"])[:20])
def test_a_citation_has_what_its_format_asks_for(work: dict[str, Any]) -> None:
    """The fields that the Citation File Format 1.2.0 requires, and what a paper is found by."""
    parts = {"family-names", "given-names", "name"}
    assert work["authors"] and all(author.keys() <= parts for author in work["authors"])
    if work is CITATION:
        assert work["cff-version"] == "1.2.0" and work["message"] and work["type"] == "software"
    else:
        assert work["type"] in ("article", "conference-paper") and 2010 < work["year"] < 2100


def test_every_module_with_a_paper_is_cited() -> None:
    cited = " ".join(work["notes"] for work in CITATION["references"])
    assert all(name in cited for name in PROJECT["entry-points"]["suite.modules"])
