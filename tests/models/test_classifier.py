"""The classifier: normalisation inside, and nothing in the way."""

import copy

import torch
from torch import nn

from suite.models import Classifier, ModelInfo

INFO = ModelInfo("net", "net", "noise", "", None, "")


def test_normalises_by_channel_before_the_network() -> None:
    model = Classifier(nn.Flatten(), INFO, mean=(0.5, 0.25), std=(0.5, 2.0), linbp_start="layer4")
    pixels = torch.tensor([[[[1.0]], [[0.25]]], [[[0.0]], [[1.25]]]])
    assert model(pixels).tolist() == [[1.0, 0.0], [-1.0, 0.5]]
    assert model.mean.shape == model.std.shape == (1, 2, 1, 1)
    assert model.linbp_start == "layer4"


def test_without_normalisation_pixels_reach_the_network_untouched() -> None:
    pixels = torch.rand(2, 3, 4, 4)
    assert Classifier(nn.Identity(), INFO, mean=(0.0,) * 3, std=(1.0,) * 3)(pixels) is pixels
    assert Classifier(nn.Identity(), INFO)(pixels) is pixels


def test_normalisation_is_no_part_of_the_weights_but_moves_with_them() -> None:
    model = Classifier(nn.Linear(2, 2), INFO, mean=(0.5,), std=(0.5,))
    assert set(model.state_dict()) == {"network.weight", "network.bias"}
    assert model.double().mean.dtype == torch.float64


def test_deep_copies_are_independent() -> None:
    model = Classifier(nn.Linear(2, 2), INFO, mean=(0.5,), std=(0.5,), linbp_start=1)
    twin = copy.deepcopy(model)
    nn.init.zeros_(twin.get_parameter("network.weight"))
    assert model.get_parameter("network.weight").all()
    assert (twin.info, twin.linbp_start, twin.normalises) == (model.info, 1, True)
