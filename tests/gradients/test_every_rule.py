"""What the contract of plugins asks of a gradient rule, asked of the suite's own; and that they are shown."""

import pytest
from click.testing import CliRunner

from suite.host.cli import main
from suite.host.registry import Registry
from suite.host.testing import rules

OWN = (
    *("leaky(slope=0.2)", "softplus(beta=2)", "gated(gate=half)", "guided", "deconv", "silu"),
    *("softpool(temperature=2)", "sgm(lam=0.5)"),
)
SPECIAL = {"bp", "match", "pna", "tgr", "vdc"}
"""Backpropagation, one that needs another rule, and three that need attention."""


@pytest.mark.parametrize("asked", rules.RULES)
@pytest.mark.parametrize("ref", OWN)
def test_the_contract(ref: str, asked: str) -> None:
    assert list(rules.RULES[asked](ref, Registry([]))) == []


def test_all_are_asked_listed_and_explained() -> None:
    known = Registry([])
    assert {ref.partition("(")[0] for ref in OWN} | SPECIAL == set(known.gradients)
    for name in known.gradients:
        shown = CliRunner().invoke(main, ["info", name], prog_name="suite")
        assert shown.exit_code == 0 and "as typed: " in shown.stdout and known.gradients[name].summary in shown.stdout
