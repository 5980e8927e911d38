"""Where the positions are in models of known anatomy, and that each arm is the rule that it is named after."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from modules.linbp.gates.arms import OPEN, Place, arms, places, rules
from modules.linbp.gradient import linbp
from modules.linbp.samples import beyond
from suite import data
from suite.errors import SuiteError
from suite.gradients import bp, gated, rectifier_calls
from suite.models.cifar_resnet import CifarResNet
from suite.models.cifar_stems import mobilenetv2
from suite.models.preact_resnet import PreActResNet18

X = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))
GATES = ("linear", "half", "rate", "permuted", "shuffled", "random", "guo")
POSITIONS = ("block", "branch", "addition")


def plain(*layers: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(*layers).eval()


def conv(channels_in: int, stride: int = 1) -> nn.Module:
    return nn.Conv2d(channels_in, 4, 3, padding=1, stride=stride)


def vgg() -> nn.Module:
    """Three maps, then two rectifiers of vectors."""
    return plain(
        conv(3), nn.ReLU(), conv(4), nn.ReLU(inplace=True), conv(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2),
    )  # fmt: skip


@pytest.fixture(scope="module")
def resnet() -> nn.Module:
    torch.manual_seed(0)
    return CifarResNet(14, 3, 10).eval()


def test_the_last_block_of_a_residual_net(resnet: nn.Module) -> None:
    assert len(rectifier_calls(resnet, X)) == 13
    assert places(resnet, X) == {
        "block": Place("block", 11, 13, "layer3.1"),
        "branch": Place("branch", 11, 12, "layer3.1"),
        "addition": Place("addition", 12, 13, "layer3.1"),
    }


def test_where_a_block_rectifies_first_the_addition_is_followed_by_the_nets_own_rectifier() -> None:
    model = PreActResNet18(3, 10).eval()
    calls = rectifier_calls(model, X[:1])
    at = places(model, X)
    assert (at["branch"].start, at["branch"].stop, at["addition"].stop) == (len(calls) - 3, len(calls) - 1, len(calls))


def test_a_branch_of_one_module_ends_where_that_does() -> None:
    """The last block of MobileNetV2 that adds is its last but one; what follows the addition is the next block's."""
    model = mobilenetv2(3, 32, 10).eval()
    at = places(model, torch.rand(1, 3, 32, 32))
    calls = rectifier_calls(model, torch.rand(1, 3, 32, 32))
    inside = [call.path for call in calls[at["branch"].start : at["branch"].stop]]
    assert len(inside) == 2 and all(path.startswith(f"{at['branch'].block}.") for path in inside)
    assert not calls[at["addition"].start].path.startswith(f"{at['branch'].block}.")


def test_in_a_plain_net_the_last_two_maps_are_meant() -> None:
    assert places(vgg(), X) == {"block": Place("block", 1, 3, "")}


@pytest.mark.parametrize(
    "model",
    [
        plain(conv(3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)),
        plain(conv(3), nn.ReLU(), nn.Flatten(), nn.Linear(1024, 4), nn.ReLU(), nn.Linear(4, 2)),
    ],
)
def test_a_net_without_two_maps_is_refused(model: nn.Module) -> None:
    with pytest.raises(SuiteError, match="does not rectify two maps"):
        places(model, X)


def test_every_gate_at_the_first_position_and_the_first_gate_at_the_others() -> None:
    assert arms(("linear", "rate"), POSITIONS) == [
        ("linear", "block"), ("rate", "block"), ("linear", "branch"), ("linear", "addition"),
    ]  # fmt: skip


def gradient(model: nn.Module) -> Tensor:
    x = X.clone().requires_grad_()
    (found,) = torch.autograd.grad(nn.functional.cross_entropy(model(x), torch.arange(3)), x)
    return found


def test_each_arm_is_the_rule_of_its_name_and_no_two_are_alike(resnet: nn.Module) -> None:
    made = rules(GATES, POSITIONS, places(resnet, X), seed=3)
    found = {arm: gradient(rule(resnet)) for arm, rule in made.items()}
    expected = {
        "bp": bp(resnet),
        "linear": linbp(resnet, start=11),
        "half": gated(resnet, "half", start="layer3.1"),
        "rate": gated(resnet, "rate", start=-2),
        "permuted": gated(resnet, "permuted", start=-2, seed=3),
        "shuffled": gated(resnet, "shuffled", start=-2, seed=3),
        "random": gated(resnet, "random", start=-2, p=OPEN, seed=3),
        "guo": linbp(resnet, start="layer3.1", variant="guo"),
        "linear@branch": linbp(resnet, start=-2, stop=-1),
        "linear@addition": linbp(resnet, start=-1),
    }
    assert list(found) == list(expected)
    for arm, model in expected.items():
        assert torch.equal(found[arm], gradient(model)), arm
    assert len({tuple(each.flatten().tolist()) for each in found.values()}) == len(found)


@pytest.mark.parametrize(("gates", "positions"), [(("linear",), ("block", "branch")), (("linear", "guo"), ("block",))])
def test_a_plain_net_has_no_branch(gates: tuple[str, ...], positions: tuple[str, ...]) -> None:
    with pytest.raises(SuiteError, match="the model has no residual block"):
        rules(gates, positions, places(vgg(), X), seed=0)


def test_samples_beyond_are_none_that_a_smaller_choice_has() -> None:
    split = data.load("digits").test
    before, chosen = data.sample(split, 40, 0), beyond(split, 40, 50, 0)
    assert len(chosen) == 50 and not np.isin(chosen, before).any()
    assert np.array_equal(np.union1d(before, chosen), data.sample(split, 90, 0))
    assert np.array_equal(beyond(split, 0, 50, 0), data.sample(split, 50, 0))
    with pytest.raises(SuiteError, match="leaves 1 of"):
        beyond(split, len(split) - 1, 50, 0)
