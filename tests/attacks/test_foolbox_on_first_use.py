"""Foolbox is loaded by what is built on it: half a second, in each command that attacks."""

import subprocess
import sys
from pathlib import Path

import pytest

import suite.attacks

LOADED = "; print('foolbox' in sys.modules)"


def loads_foolbox(code: str) -> bool:
    root = Path(__file__).parents[2]
    said = subprocess.check_output([sys.executable, "-c", f"import sys; {code}{LOADED}"], cwd=root, text=True)
    return {"True\n": True, "False\n": False}[said]


def test_our_own_attacks_do_not_wait_for_it() -> None:
    assert not loads_foolbox("import modules.linbp.attack.measure, suite.attacks")
    assert loads_foolbox("from suite.attacks import IFGSM")


def test_every_name_that_is_announced_is_there() -> None:
    assert all(hasattr(suite.attacks, name) for name in suite.attacks.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = suite.attacks.nothing
