"""Columns in words: which source wins, what is derived, and what a run's older tables are told."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from suite.errors import SuiteError
from suite.glossary import COMMON
from suite.host.glossary import explain
from suite.host.registry import Registry

KNOWN = Registry()
STUDY = "linbp.attack"
COLUMNS = """
from suite.glossary import Table

COLUMNS = {"gradient": "the study's", "label": "the study's"}
TABLES = {
    "rates": Table("a rule", "gradient, label, eps, seed, <victim>", {"label": "the table's", "<victim>": "a victim's"})
}
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A study's package whose `columns.py` is as above."""
    folder = tmp_path / "of_a_test"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "columns.py").write_text(COLUMNS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(Registry, "package_of", lambda known, study: "of_a_test")
    yield folder
    for name in ("of_a_test", "of_a_test.columns"):
        sys.modules.pop(name, None)


@pytest.mark.usefixtures("package")
def test_the_table_comes_before_the_study_that_before_common_names_those_before_options() -> None:
    rates = explain(STUDY, KNOWN)["rates"]
    assert rates.row == "a rule"
    assert rates.columns["label"] == "the table's"
    assert rates.columns["gradient"] == "the study's"
    assert rates.columns["eps"] == COMMON["eps"]  # not the option, which holds several
    assert rates.columns["seed"] == COMMON["seed"]  # not the option's words


@pytest.mark.usefixtures("package")
def test_exactly_the_stored_columns_are_explained() -> None:
    stored = {"rates": ["label", "norm", "label_low", "mlp"], "lost": ["label", "what"], "claims": ["value"]}
    rates, lost, claims = explain(STUDY, KNOWN, stored).values()
    assert rates.columns["mlp"] == "a victim's"
    assert lost.row == "" and lost.columns == {"label": "the study's", "what": ""}
    assert claims.columns["value"].startswith("what was measured")


@pytest.mark.usefixtures("package")
def test_options_and_the_ends_of_intervals_need_no_words() -> None:
    lost = explain(STUDY, KNOWN, {"lost": ["norm", "step_size", "label_low", "what_high"]})["lost"].columns
    assert lost["norm"] == "norm of the ball and of a step; l1 with autoattack alone"
    assert lost["step_size"] == "length of a step; unit: as eps"
    assert lost["label_low"] == "lower end of the 95 % confidence interval of label"
    assert lost["what_high"] == ""


def test_a_broken_glossary_is_named_and_an_absent_one_declares_nothing(package: Path) -> None:
    (package / "columns.py").write_text("1 / 0")
    with pytest.raises(SuiteError, match=r"cannot load 'of_a_test\.columns': ZeroDivisionError"):
        explain(STUDY, KNOWN)
    (package / "columns.py").unlink()
    assert explain(STUDY, KNOWN) == {}
