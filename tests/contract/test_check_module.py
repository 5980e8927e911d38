"""The contract suite itself: what is sound passes, and every fault is found and named."""

import shutil
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from suite.host.registry import Registry
from suite.host.testing import Check, ContractBroken, check_module, contract_checks
from suite.plugin import Module, Study

SMOKE = {
    "sound": {},
    "sourceless": {
        "says its source": "the study's docstring cites no source",
    },
    "undescribed": {"describes its options": "option more has no description"},
    "hiding": {"describes its options": "option jobs hides the host's --jobs"},
    "unstable": {
        "options survive JSON, TOML and the command line": "the defaults become others by way of JSON",
        "options have their place in the key": "another value of batch_size gives another run",
        "gives the same for another batch size and number of jobs": "column square of table squares",
        "bad values are refused": "--how no-such-thing is accepted",
    },
    "mislabelled": {
        "gives the same for another batch size and number of jobs": "column square of table squares is another under "
        "another value of shift, batch_size, threads"
    },
    "deaf": {"every option reaches the study": "option unheard is not read under preset 'smoke'"},
    "lenient": {"bad values are refused": "--shift nan is not refused, it crashes: ValueError: "},
    "crashing": {
        "bad values are refused": "--shift eleven is not refused, it crashes: TypeError",
        "options survive JSON, TOML and the command line": "can only concatenate str",
    },
    "bare": {
        "has tables, a headline and figures": "nothing is stored by run.once: an interruption loses everything\n"
        "  it shows the table 'cubes' and has none of that name\n  there is no headline",
    },
    "speechless": {
        "explains its columns": "broken:\n  table squares is not explained: name it in TABLES of the study's columns.py"
    },
    "garrulous": {
        "explains its columns": "broken:\n  column square of table squares is not listed in columns.py\n"
        "  column vague of table squares is not explained\n"
        "  column number is not explained in one line of some words, at most 200 characters: 'it'\n"
        "  COLUMNS explains cube, which no table lists\n"
        "  table squares explains root, which it does not list\n"
        "  table cubes is explained, and neither stored nor named in the sources\n"
        "  column vague of table squares is explained, and neither stored nor named in the sources"
    },
    "wandering": {"has results that come back when deleted": "results.json is another when analysed again"},
    "batchwise": {"gives the same for another batch size and number of jobs": "column square of table squares"},
    "drifting": {
        "gives the same bytes when interrupted and continued": "table squares is another after an interruption",
        "gives the same for another batch size and number of jobs": "column square of table squares",
    },
}
RULES = {
    "faulty_sound(slope=0.5)": {},
    "faulty_same": {"gives another, finite backward pass": "its input gradient is backpropagation's on all of them"},
    "faulty_forward": {"keeps parameters and logits, bit for bit": "mlp: its parameters are not those of the model"},
    "faulty_infinite": {
        "gives another, finite backward pass": "mlp: its gradients are not finite",
        "refuses nonsense": "start=nonsense is accepted",
    },
}


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory, warm_cache: Path) -> Module:
    """The plugin of that name, installed: a package and its metadata on the path."""
    site = tmp_path_factory.mktemp("site")
    shutil.copytree(Path(__file__).parent / "faulty", site / "faulty", ignore=shutil.ignore_patterns("__pycache__"))
    info = site / "faulty_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: faulty-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[suite.modules]\nfaulty = faulty:module\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(site)
        patch.setenv("SUITE_CACHE", str(warm_cache))
        faulty = import_module("faulty")
        for name in faulty.NAMES:
            (site / "faulty" / name).mkdir()
            (site / "faulty" / name / "__init__.py").write_text(_declaration(faulty, name))
            if words := faulty.WORDS.get(name, faulty.SOUND_WORDS):
                (site / "faulty" / name / "columns.py").write_text(words)
        module = faulty.module
        assert isinstance(module, Module)
        yield module
    for name in [name for name in sys.modules if name.split(".")[0] == "faulty"]:
        del sys.modules[name]


def _declaration(faulty: ModuleType, name: str) -> str:
    results = {"bare": "bare_results", "wandering": "wandering_results"}.get(name, "results")
    figures = "no_figures" if name == "bare" else "figures"
    text: str = faulty.DECLARATION
    return text.format(name=name, config=f"{name.title()}Config", results=results, figures=figures)


def broken(checks: list[Check]) -> dict[str, str]:
    """What is said of every rule that is not kept."""
    found = {}
    for check in checks:
        try:
            check()
        except Exception as error:
            found[check.rule] = str(error)
    return found


@pytest.mark.parametrize("study", SMOKE)
def test_every_fault_of_a_study_is_found(faulty: Module, study: str) -> None:
    checks = [check for check in contract_checks(faulty) if check.owner == f"faulty.{study}"]
    assert len(checks) == 11
    found, expected = broken(checks), SMOKE[study]
    assert set(found) == set(expected), found
    for rule, said in expected.items():
        assert said in found[rule]


@pytest.mark.parametrize("ref", RULES)
def test_every_fault_of_a_gradient_rule_is_found(faulty: Module, ref: str) -> None:
    checks = [
        check for check in contract_checks(faulty, ["faulty_sound(slope=0.5)"]) if check.owner == f"gradient {ref}"
    ]
    assert len(checks) == 3
    found, expected = broken(checks), RULES[ref]
    assert set(found) == set(expected), found
    for rule, said in expected.items():
        assert said in found[rule]


def test_a_rule_with_an_argument_that_it_needs_needs_an_example(faulty: Module) -> None:
    found = broken([check for check in contract_checks(faulty) if check.owner == "gradient faulty_sound"])
    assert (
        "'faulty_sound' lacks slope (write faulty_sound(slope=...))"
        in found["keeps parameters and logits, bit for bit"]
    )


def test_all_at_once_names_every_rule_that_is_broken(faulty: Module) -> None:
    """The module with two of its studies, one of which breaks a rule."""
    two = Module("faulty", faulty.summary, faulty.paper, ("sourceless", "undescribed"))
    with pytest.raises(ContractBroken) as found:
        check_module(two)
    lines = str(found.value).splitlines()
    assert lines[0] == "faulty breaks 3 of 27 rules of the contract"
    assert lines[1] == "faulty: is installed - broken:"  # this object is not what the entry point gives
    assert "faulty.sourceless: says its source - broken:" in lines
    assert lines[-1] == "  option more has no description"


def test_what_stands_in_the_table_is_checked(faulty: Module, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = Study(" ", "faulty.nowhere:Config", "faulty.studies:MEMORY", "faulty.results", "faulty.figures")
    odd = Study("odd", "json:dumps", "json:dumps", "faulty.results", "faulty.figures")
    monkeypatch.setattr(Registry, "studies_of", lambda known, module: {"lost": lost, "odd": odd})
    found = broken([check for check in contract_checks(Module("no-name", "", "paper")) if check.owner == "no-name"])
    assert set(found) == {"is installed", "has a complete table of contents", "every target loads"}
    assert "its name 'no-name' is no identifier" in found["has a complete table of contents"]
    assert "it has no summary" in found["has a complete table of contents"]
    assert "study 'lost' has no question" in found["has a complete table of contents"]
    assert "cannot load 'faulty.nowhere:Config'" in found["every target loads"]
    assert "faulty.studies:MEMORY of lost is no function" in found["every target loads"]
    assert "json:dumps of odd is no StudyConfig" in found["every target loads"]


def test_a_table_that_imports_torch_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "heavy.py").write_text(
        "import torch\nfrom suite.plugin import Module\nmodule = Module('heavy', 'Heavy.', 'none')\n"
    )
    info = tmp_path / "heavy-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: heavy\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[suite.modules]\nheavy = heavy:module\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = broken(contract_checks(import_module("heavy").module))
    del sys.modules["heavy"]
    assert set(found) == {"is light to list"}
    assert "listing it imports torch: import it inside the functions that need it" in found["is light to list"]
