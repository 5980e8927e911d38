"""Plugins through injected entry points: found, lazy, colliding, broken, nearest names."""

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from suite.errors import SuiteError
from suite.host.registry import Registry, load_target
from suite.plugin import StudyConfig

MODULE = """
from suite.plugin import Module, Target
module = Module(
    "{name}", "Summary.", "Paper.", studies=("attack",), gradients={{"{rule}": Target("math:sqrt", "A root.")}}
)
"""
STUDY = "from suite.plugin import Study\nstudy = Study('An attack.', '.config:Config')\n"
CONFIG = "from suite.plugin import StudyConfig\nclass Config(StudyConfig): pass\n"


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path; what is imported from it is forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] in ("plug_one", "plug_two")]:
        del sys.modules[name]


def plugin(folder: Path, package: str, name: str, rule: str, study: str = STUDY) -> EntryPoint:
    """Writes a plugin with a study; returns its entry point."""
    (folder / package / "attack").mkdir(parents=True)
    (folder / package / "__init__.py").write_text(MODULE.format(name=name, rule=rule))
    (folder / package / "attack" / "__init__.py").write_text(study)
    (folder / package / "attack" / "config.py").write_text(CONFIG)
    return EntryPoint(package, f"{package}:module", "suite.modules")


def test_names_become_objects_and_nothing_is_imported_before(write: Path) -> None:
    known = Registry([plugin(write, "plug_one", "one", "root")])
    assert list(known.studies) == ["one.attack"]
    assert known.module_of("one.attack").paper == "Paper."
    assert "plug_one.attack.config" not in sys.modules
    assert issubclass(known.config("one.attack"), StudyConfig)
    assert known.gradient("root")(4) == 2
    own = {"bp", "leaky", "softplus", "sgm", "gated"}
    assert own <= set(Registry([]).gradients) and set(known.gradients) == {*Registry([]).gradients, "root"}


def test_targets_are_found_beside_the_study(write: Path) -> None:
    study = Registry([plugin(write, "plug_one", "one", "root")]).study("one.attack")
    assert (study.config, study.measure) == ("plug_one.attack.config:Config", "plug_one.attack.measure:measure")
    assert (study.results, study.figures) == ("plug_one.attack.results", "plug_one.attack.figures")


def test_the_code_of_a_run_is_that_of_the_study_and_of_its_rules(write: Path) -> None:
    known = Registry([plugin(write, "plug_one", "one", "root"), plugin(write, "plug_two", "two", "cube")])
    own = ["plug_one.attack.measure:measure", "plug_one.attack.config:Config"]
    assert known.code_roots("one.attack", []) == own
    assert known.code_roots("one.attack", ["bp", "cube"]) == [*own, "suite.gradients:bp", "math:sqrt"]
    assert known.top_packages() == {"suite", "plug_one", "plug_two"}


@pytest.mark.parametrize(
    ("study", "said"),
    [("1 / 0", "ZeroDivisionError"), ("study = 3", "plug_two.attack:study is not a Study"), ("", "has no attribute")],
)
def test_a_broken_study_is_one_line_and_the_others_work(write: Path, study: str, said: str) -> None:
    known = Registry([plugin(write, "plug_one", "one", "root"), plugin(write, "plug_two", "two", "cube", study)])
    assert list(known.studies) == ["one.attack"] and "cube" in known.gradients
    (line,) = known.broken
    assert line.startswith("study two.attack is broken: ") and said in line


@pytest.mark.parametrize(
    ("name", "rule", "what"),
    [
        ("one", "cube", "module 'one' is offered twice, by plug_one:module and plug_two:module"),
        ("two", "root", "gradient rule 'root' is offered twice, by plug_one:module and plug_two:module"),
        ("two", "bp", "gradient rule 'bp' is offered twice, by suite and plug_two:module"),
    ],
)
def test_a_name_taken_twice_names_both_owners(write: Path, name: str, rule: str, what: str) -> None:
    plugins = [plugin(write, "plug_one", "one", "root"), plugin(write, "plug_two", name, rule)]
    with pytest.raises(SuiteError) as caught:
        Registry(plugins)
    assert caught.value.what == what


@pytest.mark.parametrize("code", ["import absent", "1 / 0", "raise SystemExit(3)", "module = 7", "x = 1", "def ("])
def test_a_broken_plugin_is_one_line_and_the_others_work(write: Path, code: str) -> None:
    good = plugin(write, "plug_one", "one", "root")
    (write / "plug_two.py").write_text(code)
    known = Registry([good, EntryPoint("plug_two", "plug_two:module", "suite.modules")])
    assert list(known.studies) == ["one.attack"]
    (line,) = known.broken
    assert "plug_two" in line and "\n" not in line


def test_unknown_names_answer_with_the_nearest(write: Path) -> None:
    known = Registry([plugin(write, "plug_one", "one", "root")])
    with pytest.raises(SuiteError, match=r"unknown study 'one.atack' \(did you mean one.attack\?\)"):
        known.study("one.atack")
    with pytest.raises(SuiteError, match=r"unknown gradient rule 'roots' \(did you mean root\?\)"):
        known.gradient("roots")


@pytest.mark.parametrize("target", ["nowhere:x", "math:nothing", "math"])
def test_a_target_that_cannot_be_loaded_says_why(target: str) -> None:
    with pytest.raises(SuiteError, match=f"cannot load '{target}'"):
        load_target(target)
