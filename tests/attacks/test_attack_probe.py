"""Models that mask their gradient are caught on a few images; an honest one is not."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from suite.attacks import frozen, gradient_health, probe_outputs, probe_unbounded
from suite.attacks.losses import against

Elementwise = Callable[[Tensor], Tensor]
MASKED = {"zero", "unbounded", "not risen"}


class Behind(nn.Module):
    """A trained linear model with something before and behind it."""

    def __init__(
        self, linear: nn.Module, before: Callable[[Tensor], Tensor], behind: Callable[[Tensor], Tensor]
    ) -> None:
        super().__init__()
        self.linear, self.before, self.behind = linear, before, behind

    def forward(self, x: Tensor) -> Tensor:
        return self.behind(self.linear(self.before(x.flatten(1))))


def same(x: Tensor) -> Tensor:
    return x


def data() -> tuple[Tensor, Tensor]:
    """Images whose class is their brightest quarter."""
    generator = torch.Generator().manual_seed(0)
    images, labels = torch.rand(400, 1, 4, 4, generator=generator) / 2, torch.arange(400) % 4
    images.flatten(1).view(400, 4, 4)[torch.arange(400), labels] += 0.5
    return images, labels


@pytest.fixture(scope="module")
def linear() -> nn.Module:
    torch.manual_seed(0)
    model, (images, labels) = nn.Linear(16, 4), data()
    optimiser = torch.optim.Adam(model.parameters(), 0.1)
    for _ in range(60):
        optimiser.zero_grad()
        F.cross_entropy(model(images.flatten(1)), labels).backward()
        optimiser.step()
    return model


def examined(model: nn.Module) -> tuple[set[str], Tensor, Tensor]:
    """What is found on 20 images that the model gets right."""
    model.eval()
    images, labels = data()
    with torch.no_grad():
        right = (model(images).argmax(1) == labels).nonzero()[:20, 0]
    assert len(right) == 20
    images, labels, found = images[right], labels[right], set()
    with frozen(model):
        health, outputs = (
            gradient_health(model, images, against("ce", labels, check=True)),
            probe_outputs(model, images),
        )
        attack = probe_unbounded(model, model, images, labels)
    found |= {"zero"} if health.zero else set()
    found |= {"probabilities"} if outputs.probabilities else set()
    found |= {"stochastic"} if outputs.stochastic else set()
    found |= {"unbounded"} if attack.fooled < attack.images else set()
    found |= {"not risen"} if attack.not_risen else set()
    return found, images, labels


@pytest.mark.parametrize(
    ("before", "behind", "expected"),
    [
        pytest.param(same, same, set(), id="honest"),
        pytest.param(same, lambda z: 3 * z, set(), id="honest and confident"),
        pytest.param(same, lambda z: 1e5 * z, MASKED, id="as after defensive distillation"),
        pytest.param(lambda x: (8 * x).round() / 8, same, MASKED, id="rounded pixels"),
        pytest.param(same, lambda z: torch.sigmoid(100 * z), MASKED, id="saturated sigmoid"),
        pytest.param(same, lambda z: F.dropout(z, 0.1, training=True), {"stochastic"}, id="dropout at test time"),
        pytest.param(same, lambda z: torch.softmax(z, 1), {"probabilities"}, id="softmax outputs"),
    ],
)
def test_what_masks_a_gradient_is_caught(
    linear: nn.Module, before: Elementwise, behind: Elementwise, expected: set[str]
) -> None:
    torch.manual_seed(1)
    found, *_ = examined(Behind(linear, before, behind))
    assert expected <= found
    assert expected or not found, "an honest model is left in peace"


def test_without_a_bound_every_image_of_an_honest_model_is_fooled_in_either_norm(linear: nn.Module) -> None:
    model = Behind(linear, same, same)
    _, images, labels = examined(model)
    for norm in ("linf", "l2"):
        probe = probe_unbounded(model, model, images, labels, norm=norm)  # type: ignore[arg-type]
        assert (probe.fooled, probe.not_risen, probe.images) == (20, 0, 20)


def test_a_rule_that_leads_downhill_is_caught_on_an_honest_model(linear: nn.Module) -> None:
    """The gradient of another model, whose logits have the other sign; the true one judges."""
    model, wrong = Behind(linear, same, same), Behind(linear, same, lambda z: -z)
    _, images, labels = examined(model)
    probe = probe_unbounded(wrong, model, images, labels)
    assert probe.fooled == 0 and probe.not_risen > 0
