"""The optimisers are torch's, to the bit, and import no compiler."""

import sys

import pytest
import torch
from torch import nn

from suite.training import Recipe
from suite.training.optimiser import optimiser_for

RECIPES = {
    "sgd": (Recipe(1, 1, 0.1, momentum=0.9, weight_decay=5e-4), torch.optim.SGD, {"momentum": 0.9}),
    "adam": (Recipe(1, 1, 0.1, weight_decay=5e-4, optimiser="adam"), torch.optim.Adam, {}),
}


def steps(optimiser: torch.optim.Optimizer, model: nn.Module) -> list[torch.Tensor]:
    """Parameters after four steps, another rate from the third on."""
    inputs = torch.randn(4, 8, 5, generator=torch.Generator().manual_seed(1))
    for step, batch in enumerate(inputs):
        optimiser.param_groups[0]["lr"] = 0.1 if step < 2 else 0.03
        optimiser.zero_grad()
        model(batch).square().mean().backward()
        optimiser.step()
    return [parameter.detach().clone() for parameter in model.parameters()]


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 3))


@pytest.mark.parametrize("name", RECIPES)
def test_steps_are_those_of_torch(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, kind, more = RECIPES[name]
    theirs, ours = net(), net()
    reference = kind(theirs.parameters(), 0.1, weight_decay=5e-4, fused=True, **more)
    expected, state = steps(reference, theirs), reference.state_dict()
    for module in [module for module in sys.modules if module.startswith("torch._dynamo")]:
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, "torch._dynamo", None)  # importing it fails
    optimiser = optimiser_for(recipe, ours)
    assert all(map(torch.equal, steps(optimiser, ours), expected))
    optimiser.load_state_dict(optimiser.state_dict())
    assert optimiser.state_dict()["param_groups"] == state["param_groups"]
    assert isinstance(optimiser, kind)
