"""The catalogue of rules names all of them and what they change; its examples run, and agree."""

import re
from pathlib import Path

import pytest
import torch

from suite.host.registry import Registry

PAGE = (Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")
ROWS = [line.strip("|").split("|") for line in PAGE.splitlines() if line.startswith("| `")]


def test_every_rule_has_its_row() -> None:
    known = Registry()
    named = [re.findall(r"`(\w+)", row[0])[0] for row in ROWS]
    assert set(named) == {name for name, target in known.gradients.items() if "modules" not in target.target} | {
        "linbp"
    }
    changed = {name: set(row[3].strip().split(", ")) for name, row in zip(named, ROWS, strict=True) if name != "linbp"}
    for name, parts in changed.items():
        assert set(known.gradient(name).changes or {"nothing"}) == parts, name


@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")
def test_the_examples_run_and_agree() -> None:
    pytest.importorskip("torchattacks", reason="pip install --no-deps torchattacks")
    space: dict[str, torch.Tensor] = {}
    for block in re.findall(r"^```python\n(.*?)^```", PAGE, re.S | re.M):
        exec(compile(block, "docs/rules.md", "exec"), space)
    adversarial, images = space["adversarial"], space["images"]
    assert torch.allclose(adversarial, space["adversarial_too"], atol=1e-6)
    assert float((adversarial - images).abs().max()) == pytest.approx(8 / 255, abs=1e-6)
    assert float((space["x"] - images).abs().max()) == pytest.approx(8 / 255, abs=1e-6)


def test_those_without_torchattacks_run_everywhere() -> None:
    space: dict[str, torch.Tensor] = {}
    for block in re.findall(r"^```python\n(.*?)^```", PAGE.partition("**torchattacks**")[0], re.S | re.M):
        exec(compile(block, "docs/rules.md", "exec"), space)
    assert not torch.equal(space["x"], space["images"]) and not torch.equal(space["adversarial"], space["images"])
