"""Where a rule may start: containers that are never called, and what a refusal offers instead."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from modules.linbp import linbp
from suite.errors import SuiteError
from suite.gradients import leaky

Differentiate = Callable[[nn.Module, Tensor], Tensor]


class Iterating(nn.Module):
    """A residual net that goes through its stages' blocks, and so never calls a stage."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.stem, self.layer1, self.layer2, self.head = net.stem, net.layer1, net.layer2, net.head
        self.spare = nn.Sequential(nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for stage in (self.layer1, self.layer2):
            for block in stage:
                x = block(x)
        return self.head(x.mean((2, 3)))


@pytest.mark.parametrize("place", [("layer1", None), ("layer2", None), ("layer1", "layer2")])
def test_a_container_that_is_never_called_means_its_contents(
    residual: nn.Module, images: Tensor, gradient: Differentiate, place: tuple[str, str | None]
) -> None:
    model, (start, stop) = Iterating(residual), place
    expected = gradient(linbp(residual, start, stop=stop), images)
    assert torch.equal(gradient(linbp(model, start, stop=stop), images), expected)
    assert not torch.allclose(expected, gradient(model, images), rtol=0.01)
    wrapped = nn.Sequential(model)
    assert torch.equal(gradient(linbp(wrapped, start, stop=stop), images), expected)


def test_guos_variant_starts_there_too(residual: nn.Module, images: Tensor, gradient: Differentiate) -> None:
    expected = gradient(linbp(residual, "layer2", variant="guo"), images)
    assert torch.equal(gradient(linbp(Iterating(residual), "layer2", variant="guo"), images), expected)


@pytest.mark.parametrize(
    ("start", "why"),
    [
        ("layer3", r"no module 'layer3' \(did you mean layer1 or layer2"),
        ("layers2.conv1", r"did you mean layer2.0.conv1"),
        ("zzz", r"no module 'zzz' \(known: stem, layer1, layer2, head, spare, stem.0"),
        ("spare", r"start='spare' is never called in a forward pass \(.*stem, stem.0, stem.1, layer1.0, layer2.0"),
        ("head", r"no rectifier follows start='head' \(the model calls 7 before it; .*stem, stem.0, stem.1, layer1.0"),
    ],
)
def test_a_refusal_lists_where_the_rule_could_start(residual: nn.Module, images: Tensor, start: str, why: str) -> None:
    with pytest.raises(SuiteError, match=why):
        leaky(Iterating(residual), 0.5, start)(images)
