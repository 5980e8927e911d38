"""Where LinBP may start: every rectifier call by index, module and stage, and which rules can start where."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from modules.linbp import linbp
from modules.linbp.names import BP
from modules.linbp.starts import all_starts, applicable, default_start, starting_at
from suite.errors import SuiteError
from suite.gradients import bp, compose, leaky, sgm
from suite.models.cifar_resnet import CifarResNet
from suite.models.zoo import ZOO


def resnet20() -> nn.Module:
    torch.manual_seed(0)
    return nn.ModuleDict({"network": CifarResNet(20, 3, 10)})["network"].eval()


class Wrapped(nn.Module):
    """As our classifiers hold a network: below one attribute, with a position."""

    def __init__(self, network: nn.Module, linbp_start: str | int | None) -> None:
        super().__init__()
        self.network, self.linbp_start = network, linbp_start

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x)


X = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def test_the_starts_of_a_residual_net() -> None:
    """resnet20: one in the stem, two in each of nine blocks, without the wrapper's name."""
    starts = all_starts(Wrapped(resnet20(), None).eval(), X)
    assert [start.index for start in starts] == list(range(19))
    blocks = [f"layer{stage}.{block}" for stage in (1, 2, 3) for block in (0, 1, 2) for _ in range(2)]
    assert [start.path for start in starts] == ["stem", *blocks]
    assert [start.stage for start in starts] == ["stem", *(["layer1"] * 6), *(["layer2"] * 6), *(["layer3"] * 6)]


def test_a_plain_stack_names_its_layers() -> None:
    model = Wrapped(nn.Sequential(nn.Flatten(), nn.Linear(3072, 4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU()), None).eval()
    assert [(start.path, start.stage) for start in all_starts(model, X)] == [("2", "2"), ("4", "4")]


def test_one_rectifier_keeps_its_name() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(3072, 4), nn.ReLU()).eval()
    assert [start.path for start in all_starts(model, X)] == ["2"]


def test_a_model_without_rectifiers_is_refused() -> None:
    with pytest.raises(SuiteError, match="calls no rectifier"):
        all_starts(nn.Sequential(nn.Flatten(), nn.Linear(3072, 4)), X)


@pytest.mark.parametrize(
    ("given", "index"), [("layer3", 13), ("layer1", 1), ("layer2.1.bn2", 10), (0, 0), (-1, 18), (None, None)]
)
def test_the_default_start_as_an_index(given: str | int | None, index: int | None) -> None:
    """A module's start is the first rectifier called from its entry on, inside it or not."""
    assert default_start(Wrapped(resnet20(), given).eval(), X) == index


def test_the_default_start_gives_the_gradient_of_linbp_without_a_start() -> None:
    entry = ZOO["resnet20"]
    model = Wrapped(resnet20(), entry.linbp_start).eval()

    def gradient(rule: Callable[[nn.Module], nn.Module]) -> Tensor:
        x = X.clone().requires_grad_()
        rule(model)(x).square().sum().backward()
        assert x.grad is not None
        return x.grad

    index = default_start(model, X)
    assert index is not None
    assert gradient(partial(linbp, start=index)).equal(gradient(linbp))
    assert not gradient(partial(linbp, start=index + 1)).equal(gradient(linbp))


def test_another_start_keeps_the_other_arguments() -> None:
    rule = starting_at(partial(leaky, slope=0.3, start="layer3"), "7")
    assert isinstance(rule, partial) and rule.func is leaky and rule.keywords == {"slope": 0.3, "start": 7}
    assert starting_at(partial(linbp), BP)(resnet := resnet20()) is resnet


@pytest.mark.parametrize("rule", [partial(bp), bp, compose(partial(linbp, start=0), partial(sgm, lam=0.5))])
def test_rules_without_a_start(rule: Callable[..., nn.Module]) -> None:
    with pytest.raises(SuiteError, match="no start of its own"):
        starting_at(rule, "3")


def test_only_starts_that_the_rule_accepts() -> None:
    """Behind the last block's branch nothing is left for Guo et al.'s variant."""
    model, starts = resnet20(), [str(index) for index in range(19)]
    assert list(applicable(model, partial(linbp), X, starts)) == [BP, *starts]
    assert list(applicable(model, partial(linbp, variant="guo"), X, starts)) == [BP, *starts[:-1]]


def test_a_rule_that_refuses_every_start_says_why() -> None:
    plain = nn.Sequential(nn.Flatten(), nn.Linear(3072, 4), nn.ReLU()).eval()
    with pytest.raises(SuiteError, match="variant=guo"):
        applicable(plain, partial(linbp, variant="guo"), X, ["0"])
