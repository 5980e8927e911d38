"""Robust accuracy against a linear model whose worst case is known, and against a model that hides its gradient."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from suite.attacks import Adversary, Settings, one_and_many, robustness
from suite.training import MANY_STEPS, ONE_STEP, Collapse, Epoch, History


class Line(nn.Module):
    """Two logits +-(w . x + b)."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 1)
        with torch.no_grad():
            self.layer.weight.copy_(torch.tensor([[1.0, -2.0, 0.5, 1.5]]))
            self.layer.bias.fill_(-0.5)

    def forward(self, x: Tensor) -> Tensor:
        margin = self.layer(x.flatten(1))
        return torch.cat([margin, -margin], 1)


def data(count: int = 300) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    images = 0.3 + 0.4 * torch.rand(count, 1, 2, 2, generator=generator)  # the ball never reaches the pixels' bounds
    return images, (Line()(images).argmax(1) + (torch.arange(count) % 5 == 0)) % 2


def test_a_linear_models_worst_case_is_exact() -> None:
    model, (images, labels), eps = Line().train(), data(), 0.03
    margin = Line()(images).gather(1, labels[:, None]).squeeze(1) - eps * 5.0  # the weights' l1 norm
    worst = F.cross_entropy(torch.stack([margin, -margin], 1), torch.zeros(len(labels), dtype=torch.int64))
    found = robustness(model, images, labels, Adversary(model, eps, Settings(4, eps / 2)), batch_size=70)
    assert abs(found.loss - float(worst.detach())) < 1e-6
    assert found.accuracy == int((margin > 0).sum()) / len(labels) and 0.3 < found.accuracy < 0.8
    assert model.training and all(p.requires_grad and p.grad is None for p in model.parameters())


def test_one_step_and_many_agree_on_a_linear_model() -> None:
    images, labels = data()
    torch.manual_seed(0)  # of PGD's random starts
    # l2 steps turn to the worst place slowly: of 100 seeds the largest difference was 3 of 300 images.
    for norm, eps, apart in (("linf", 0.03, 0.0), ("l2", 0.06, 4 / 300)):
        found = one_and_many(Line(), images, labels, eps, norm)  # type: ignore[arg-type]
        assert abs(found[ONE_STEP] - found[MANY_STEPS]) <= apart and 0.3 < found[ONE_STEP] < 0.75
        assert Collapse().first([found[MANY_STEPS]], [found[ONE_STEP]]) is None


class Masked(Line):
    """The same decision far from the images' own place, but a slope that points the wrong way at the images."""

    def __init__(self, images: Tensor) -> None:
        super().__init__()
        self.images = images

    def forward(self, x: Tensor) -> Tensor:
        logits = super().forward(x)
        near = torch.exp(-1e4 * (x.detach()[:, None] - self.images).square().sum((2, 3, 4)).amin(1, keepdim=True))
        return logits * (1 - near) + near * (2 * logits.detach() - logits)  # the same value, the slope reversed


def test_a_masked_gradient_is_told_by_many_steps() -> None:
    images, labels = data()
    model = Masked(images)
    torch.testing.assert_close(model(images), Line()(images))
    found = one_and_many(model, images, labels, 0.3)
    true = one_and_many(Line(), images, labels, 0.3)
    assert found[ONE_STEP] > 0.75 and abs(found[MANY_STEPS] - true[MANY_STEPS]) < 0.02
    assert Collapse()(History((Epoch(0, 0.1, 1.0, 0.5, found),)))
