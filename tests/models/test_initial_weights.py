"""Architectures to be trained: initial weights from the seed alone."""

import pytest
import torch

from suite import data, models
from suite.errors import SuiteError


def state(seed: int) -> dict[str, torch.Tensor]:
    return models.architecture("digits-cnn", data.load("digits")).initial(seed).state_dict()


def test_the_seed_alone_decides_and_nothing_outside_is_touched() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one = state(3)
    torch.rand(4)
    other, another = state(3), state(4)
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert any(not torch.equal(one[name], another[name]) for name in one)
    torch.set_rng_state(before)
    state(3)
    assert torch.equal(torch.get_rng_state(), before)


def test_what_cannot_be_built_is_refused_at_once() -> None:
    digits = data.load("digits")
    with pytest.raises(SuiteError, match=r"unknown model 'lenet'.*did you mean"):
        models.architecture("lenet", digits)
    with pytest.raises(SuiteError, match="lenet5 cannot take the 8 x 8 images of digits"):
        models.architecture("lenet5", digits)
    with pytest.raises(SuiteError, match="the seed is -1"):
        models.architecture("mlp", digits).initial(-1)


def test_only_densenet_starts_elsewhere_in_training() -> None:
    assert {entry.name: entry.training_start for entry in models.ZOO.values() if entry.training_start} == {
        "densenet161": "features.denseblock4"
    }
