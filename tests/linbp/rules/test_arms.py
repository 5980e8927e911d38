"""Where rules may be put in models of known anatomy, and that each is the rule that it is named after."""

from functools import partial

import pytest
import torch
from torch import nn
from torchvision.models import VisionTransformer

from modules.linbp.gradient import linbp
from modules.linbp.rules.arms import choice, own_choice, spaced
from modules.linbp.rules.budget import steps_within
from modules.linbp.rules.catalogue import BOTH, CALIBRATED, CATALOGUE, PUBLISHED
from modules.linbp.rules.counted import multiply_adds
from modules.linbp.rules.measure import both_places
from suite.attacks import Autograd, frozen
from suite.errors import SuiteError
from suite.gradients import GradientRule, bp, compose, gated, leaky, match, sgm, silu, softplus, softpool
from suite.models.cifar_resnet import CifarResNet

X = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))
RESNET = ("linbp-guo", "linbp-match", "conbp", "silu", "sgm", "guided", "half", "rate", "permuted", "shuffled")
"""Rules of the catalogue that a ResNet without a start of its own has; linbp asks for one."""


@pytest.fixture(scope="module")
def resnet() -> nn.Module:
    torch.manual_seed(0)
    return CifarResNet(14, 3, 10).eval()


def vgg() -> nn.Module:
    """Two maps with a max-pool between them, then two rectifiers of vectors."""
    torch.manual_seed(0)
    layers = (
        nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2),
    )  # fmt: skip
    return nn.Sequential(*layers).eval()


def picked(name: str, model: nn.Module, count: int = 4) -> tuple[str, list[str]]:
    found = choice(name, CATALOGUE[name], model, X, count)
    return found.published.gradient, [arm.gradient for arm in found.candidates]


def test_candidates_are_evenly_spaced_and_each_once() -> None:
    assert spaced(13, 4) == [0, 4, 8, 12] and spaced(3, 4) == [0, 1, 2] and spaced(1, 4) == [0]


def test_the_published_depth_is_that_of_layer3_1_in_resnet50(resnet: nn.Module) -> None:
    """Of 13 rectifier calls 25/49 is the 7th, the first in layer2.1; a ResNet-50 with 49 would have layer3.1 itself."""
    published, candidates = picked("silu", resnet)
    assert published == "silu(start=7)" and candidates == [f"silu(start={k})" for k in (0, 4, 8, 12)]
    assert choice("silu", CATALOGUE["silu"], resnet, X, 4).published.at == "layer2.1"


def test_as_many_candidates_for_every_rule(resnet: nn.Module) -> None:
    for name in RESNET:
        assert len(picked(name, resnet)[1]) == 4 - (name == "linbp-guo"), name  # no branch follows the last addition


def test_linbp_begins_where_the_model_says(resnet: nn.Module) -> None:
    with pytest.raises(SuiteError, match="does not say where LinBP starts"):
        picked("linbp", resnet)
    resnet.linbp_start = "layer3"  # type: ignore[assignment]
    try:
        assert picked("linbp", resnet)[0] == "linbp(start=9)"
    finally:
        del resnet.linbp_start


def test_gates_end_where_maps_do() -> None:
    published, candidates = picked("rate", vgg())
    assert published == "gated(gate=rate,start=0,stop=2)"
    assert candidates == ["gated(gate=rate,start=0,stop=2)", "gated(gate=rate,start=1,stop=2)"]


def test_factors_go_from_the_one_that_changes_most_to_the_one_that_changes_least(resnet: nn.Module) -> None:
    assert picked("sgm", resnet) == ("sgm(lam=0.2)", [f"sgm(lam={k / 5:g})" for k in range(1, 5)])


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("sgm", "no residual block"),
        ("linbp-guo", "no residual block"),
        ("pna", "no attention"),
        ("tgr", "no MLP"),
        ("vdc", "no "),
    ],
)
def test_a_rule_that_finds_nothing_to_change_is_refused(name: str, what: str) -> None:
    with pytest.raises(SuiteError, match=what):
        picked(name, vgg())


def test_rules_about_attention_have_no_place_and_what_they_do_twice_costs_steps() -> None:
    torch.manual_seed(0)
    model = VisionTransformer(16, 8, num_layers=2, num_heads=2, hidden_dim=8, mlp_dim=16, num_classes=4).eval()
    assert [picked(name, model) for name in ("pna", "tgr", "vdc")] == [("pna", []), ("tgr", []), ("vdc", [])]
    with frozen(model):
        plain, vdc = (
            multiply_adds(model, rule, X) for rule in (bp, choice("vdc", CATALOGUE["vdc"], model, X, 4).published.apply)
        )
    assert 1.2 * plain < vdc < 2 * plain and steps_within(10, vdc / plain) < 9


def test_bpa_needs_a_pool(resnet: nn.Module) -> None:
    assert picked("bpa", vgg())[0] == "silu(start=2)+softpool(temperature=10)"
    with pytest.raises(SuiteError, match="no max-pools"):
        picked("bpa", resnet)


@pytest.mark.parametrize(
    ("name", "rule"),
    {
        "conbp": compose(match, partial(softplus, beta=0.5, start=7)),
        "linbp-match": compose(match, partial(linbp, start=7)),
        "sgm": partial(sgm, lam=0.2),
        "half": partial(gated, gate="half", start=11),
    }.items(),
)
def test_each_is_the_rule_that_it_is_named_after(name: str, rule: GradientRule, resnet: nn.Module) -> None:
    ours = choice(name, CATALOGUE[name], resnet, X, 2).published.apply
    gradients = [Autograd(each(resnet))(X, torch.ones_like)[1] for each in (ours, rule, bp)]
    assert torch.equal(gradients[0], gradients[1]) and not torch.equal(gradients[0], gradients[2])


def test_a_rule_of_ones_own_stays_where_it_was_typed_and_its_start_is_calibrated() -> None:
    own = own_choice("leaky(slope=0.1,start=3)", partial(leaky, slope=0.1, start=3), vgg(), X, 2)
    assert (own.published.gradient, own.published.at) == ("leaky(slope=0.1,start=3)", "as typed")
    assert [arm.gradient for arm in own.candidates] == ["leaky(slope=0.1,start=0)", "leaky(slope=0.1,start=3)"]
    both = compose(silu, partial(softpool, temperature=10))
    assert not own_choice("silu+softpool(temperature=10)", both, vgg(), X, 2).candidates  # a sum has no one place
    with pytest.raises(SuiteError, match="out of range"):
        own_choice("leaky(slope=0.1,start=9)", partial(leaky, slope=0.1, start=9), vgg(), X, 2)


def test_one_arm_where_both_places_are_the_same() -> None:
    found = choice("rate", CATALOGUE["rate"], vgg(), X, 2)
    first, second = found.candidates
    assert [place for place, _ in both_places(found.published, first)] == [BOTH]
    assert both_places(found.published, second) == [(PUBLISHED, found.published), (CALIBRATED, second)]
