"""Depthwise convolutions with a stride stay in float32, in the model and its views, and leave no trace behind."""

from collections.abc import Callable

import pytest
import torch
import torchvision
from torch import Tensor, nn

from modules.linbp import linbp
from suite.training import Recipe, fit
from suite.training.depthwise import keep_in_float32, strided_depthwise, strided_depthwise_in_float32


def layers() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 3, 2, 1, groups=4), nn.ReLU(), nn.Conv2d(4, 2, 1))


def images() -> Tensor:
    return torch.rand(5, 3, 6, 6, generator=torch.Generator().manual_seed(1))


def in_bfloat16(model: nn.Module, x: Tensor) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        result: Tensor = model(x)
    return result


def by_hand(model: nn.Sequential, x: Tensor) -> Tensor:
    """The second layer in float32, between two in bfloat16."""
    inner = model[1](in_bfloat16(model[0], x).float()).bfloat16()
    return in_bfloat16(model[3], torch.relu(inner))


def test_those_layers_alone_are_found() -> None:
    net = layers()
    assert strided_depthwise(net) == [net[1]]
    with torch.device("meta"):
        mobile = torchvision.models.mobilenet_v2()
    assert not strided_depthwise(mobile)  # on a CPU alone
    assert len(strided_depthwise(mobile.to_empty(device="cpu"))) == 4
    assert not strided_depthwise(nn.Sequential(nn.Conv2d(1, 4, 3, 2), nn.Conv2d(4, 4, 3, 2, groups=2)))


@pytest.mark.parametrize("rule", [lambda model: model, lambda model: linbp(model, "all")], ids=["itself", "view"])
def test_they_compute_in_float32_within_the_block(rule: object) -> None:
    net, x = layers(), images()
    seen = rule(net)  # type: ignore[operator]
    plain = in_bfloat16(seen, x)
    with strided_depthwise_in_float32(net):
        inside = in_bfloat16(seen, x)
        assert torch.equal(seen(x), net(x))  # without autocast nothing changes
    assert inside.dtype == torch.bfloat16 and torch.equal(inside, by_hand(net, x)) and not torch.equal(inside, plain)
    assert torch.equal(in_bfloat16(seen, x), plain) and not net[1]._forward_hooks and not net[1]._forward_pre_hooks


def test_blocks_within_each_other_and_calls_by_keyword() -> None:
    """The inner hooks run within the outer ones."""
    net, x = layers(), images()
    with strided_depthwise_in_float32(net):
        once = in_bfloat16(net, x)
        with strided_depthwise_in_float32(net), torch.autocast("cpu", torch.bfloat16):
            assert torch.equal(net(x), once) and torch.is_autocast_enabled("cpu")
            inner = net[0](x)
            assert torch.equal(net[1](input=inner), net[1](inner))


def test_autocast_is_entered_again_where_the_layer_raises() -> None:
    net = layers()
    keep_in_float32(net[1])
    with torch.autocast("cpu", torch.bfloat16):
        with pytest.raises(RuntimeError, match="channels"):
            net[1](torch.rand(1, 3, 6, 6))
        assert torch.is_autocast_enabled("cpu")
    assert not torch.is_autocast_enabled("cpu")


def test_training_in_bfloat16_keeps_them_so() -> None:
    """The others compute in bfloat16, and afterwards nothing is left."""
    net = nn.Sequential(*layers(), nn.Flatten(), nn.Linear(18, 2))
    inside: dict[int, torch.dtype] = {}
    for place in (1, 3):
        _watch(net[place], lambda dtype, place=place: inside.update({place: dtype}))
    fit(net, images(), torch.arange(5) % 2, Recipe(1, 5, 0.1, bfloat16=True), seed=0)
    assert inside == {1: torch.float32, 3: torch.bfloat16}
    assert not net[1]._forward_hooks


def _watch(layer: nn.Module, told: Callable[[torch.dtype], None]) -> None:
    forward = layer.forward

    def watched(x: Tensor) -> Tensor:
        result: Tensor = forward(x)
        told(result.dtype)
        return result

    layer.forward = watched  # type: ignore[method-assign]
