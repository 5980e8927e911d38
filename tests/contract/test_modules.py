"""What every installed plugin must keep: the contract of suite.host.testing."""

from pathlib import Path

import pytest

from suite.host.registry import Registry
from suite.host.testing import Check, contract_checks

KNOWN = Registry()
VARIANTS = {"linbp": ["linbp", "linbp(start=1)", "linbp(variant=guo,lam=0.5)"]}
CHECKS = [
    check for module in KNOWN.modules.values() for check in contract_checks(module, VARIANTS.get(module.name, []))
]


def test_every_plugin_loads() -> None:
    assert KNOWN.broken == []
    assert {"lazy_regime", "linbp", "pgd_dynamics", "phase_transition"} <= set(KNOWN.modules)


def test_every_study_has_a_smoke_preset() -> None:
    assert [name for name, study in KNOWN.studies.items() if next(iter(study.presets)) != "smoke"] == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the libraries that a plugin imports
@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_contract(check: Check, workplace: Path) -> None:
    check()
