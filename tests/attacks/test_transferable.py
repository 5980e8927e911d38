"""FGSM, I-FGSM, PGD, MI, DI and MI-DI against plain loops in float64, closed forms, and batches of other sizes."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from suite.attacks import METHODS, Autograd, Budget, craft
from suite.attacks.diversity import PURPOSE
from suite.attacks.keyed_draws import uniform
from suite.attacks.losses import Cotangent

BUDGET = Budget((0.02, 0.05, 0.1), steps=11, step_size=0.01, decay=0.9)
IDS = torch.tensor([4, 0, 19, 7, 1000])
every_method = pytest.mark.parametrize("name", METHODS)


def net(dtype: torch.dtype = torch.float64) -> nn.Module:
    torch.manual_seed(0)
    layers = (nn.Conv2d(2, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 4, 3, stride=2), nn.ReLU(), nn.Flatten())
    return nn.Sequential(*layers, nn.Linear(36, 5)).to(dtype).eval().requires_grad_(False)


def images(dtype: torch.dtype = torch.float64) -> Tensor:
    """Five images in [0, 1], a fifth of whose pixels lie on a bound."""
    x = torch.rand(5, 2, 8, 8, generator=torch.Generator().manual_seed(1), dtype=dtype)
    return (1.25 * x - 0.125).clamp(0, 1)


LABELS = torch.tensor([0, 3, 1, 4, 2])


def diverse(x: Tensor, identity: int, step: int, seed: int) -> Tensor:
    """One image, resized and padded with torch's own operations by the sample's draws."""
    chance, size, top, left = uniform(seed, torch.tensor([identity]), step, 4, PURPOSE)[0].tolist()
    if chance >= 0.5:
        return x
    side = 8 + int(size * 3)
    room = 10 - side
    y, z = int(top * (room + 1)), int(left * (room + 1))
    x = F.pad(F.interpolate(x, (side, side), mode="nearest"), (z, room - z, y, room - y))
    return F.interpolate(x, (8, 8), mode="nearest")


def one_by_one(model: nn.Module, name: str, seed: int, targeted: bool = False) -> Tensor:
    """Guo et al.'s attacks as a plain loop over strengths, samples and steps."""
    every = []
    for eps in BUDGET.epsilons:
        for x0, label, identity in zip(images(), LABELS, IDS.tolist(), strict=True):
            x, momentum = x0.clone(), torch.zeros_like(x0)
            for step in range(1 if name == "fgsm" else BUDGET.steps):
                seen = x.clone()
                if name == "pgd":
                    unit = 2 * uniform(seed, torch.tensor([identity]), step, 128).double() - 1
                    seen = seen + eps * unit.view_as(x)
                leaf = seen[None].requires_grad_()
                shown = diverse(leaf, identity, step, seed) if "di2" in name else leaf
                loss = F.cross_entropy(model(shown), label[None])
                (gradient,) = torch.autograd.grad(-loss if targeted else loss, leaf)
                if name.startswith("m"):
                    momentum = BUDGET.decay * momentum + gradient[0] / gradient.abs().sum()
                    gradient = momentum[None]
                length = 2 * eps if name == "fgsm" else BUDGET.step_size
                x = (x + length * gradient[0].sign()).clamp(x0 - eps, x0 + eps).clamp(0, 1)
            every.append(x)
    return torch.stack(every).view(len(BUDGET.epsilons), *images().shape)


@every_method
@pytest.mark.parametrize("targeted", [False, True])
def test_equal_to_a_plain_loop(name: str, targeted: bool) -> None:
    model = net()
    found = craft(
        Autograd(model), images(), LABELS, METHODS[name], BUDGET, ids=IDS, seed=3, targeted=targeted
    )  # fmt: skip
    torch.testing.assert_close(found, one_by_one(model, name, 3, targeted), rtol=0, atol=1e-12)


def test_the_methods_differ() -> None:
    made = [craft(Autograd(net()), images(), LABELS, method, BUDGET, ids=IDS) for method in METHODS.values()]
    assert all(not torch.equal(a, b) for i, a in enumerate(made) for b in made[:i])


@every_method
def test_batch_size_and_order_change_nothing(name: str) -> None:
    model, x = net(), images()
    whole = craft(Autograd(model), x, LABELS, METHODS[name], BUDGET, ids=IDS, seed=3)
    order = torch.tensor([3, 0, 4, 1, 2])
    parts = [
        craft(Autograd(model), x[part], LABELS[part], METHODS[name], BUDGET, ids=IDS[part], seed=3)
        for part in order.split(2)
    ]
    torch.testing.assert_close(torch.cat(parts, 1), whole[:, order], rtol=0, atol=1e-12)
    # Nor do the other strengths.
    alone = Budget(BUDGET.epsilons[1:2], BUDGET.steps, BUDGET.step_size, BUDGET.decay)
    one = craft(Autograd(model), x, LABELS, METHODS[name], alone, ids=IDS, seed=3)
    torch.testing.assert_close(one[0], whole[1], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["pgd", "di2fgsm", "mdi2fgsm"])
def test_random_methods_follow_the_seed(name: str) -> None:
    made = [craft(Autograd(net()), images(), LABELS, METHODS[name], BUDGET, ids=IDS, seed=seed) for seed in (0, 0, 1)]
    assert torch.equal(made[0], made[1]) and not torch.equal(made[0], made[2])


class Linear(nn.Module):
    """Logits -s/2 and s/2 with s = w.x: cross-entropy's gradient is along w everywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.w = torch.randn(2 * 64, generator=torch.Generator().manual_seed(5), dtype=torch.float64)

    def forward(self, x: Tensor) -> Tensor:
        score = x.flatten(1) @ self.w
        return torch.stack([-score / 2, score / 2], 1)


@pytest.mark.parametrize("name", ["fgsm", "ifgsm", "pgd", "mifgsm"])
def test_the_optimum_of_a_linear_model(name: str) -> None:
    """Its worst case in the ball is the corner against w: every method without resizing gets there."""
    y = torch.tensor([0, 1, 0, 1, 1])
    budget = Budget((0.03, 0.1), steps=10, step_size=0.01)
    found = craft(Autograd(Linear()), images(), y, METHODS[name], budget, ids=IDS)
    side = (1 - 2 * y.double()).view(-1, 1, 1, 1) * Linear().w.sign().view(1, 2, 8, 8)
    for level, eps in enumerate(budget.epsilons):
        torch.testing.assert_close(found[level], (images() + eps * side).clamp(0, 1), rtol=0, atol=1e-12)
    away = craft(Autograd(Linear()), images(), 1 - y, METHODS[name], budget, ids=IDS, targeted=True)
    torch.testing.assert_close(away, found, rtol=0, atol=1e-12)  # of two classes, one is left only for the other


class Counting(Autograd):
    def __init__(self, model: nn.Module) -> None:
        super().__init__(model)
        self.rows: list[int] = []

    def __call__(self, x: Tensor, cotangent: Cotangent) -> tuple[Tensor, Tensor]:
        self.rows.append(len(x))
        return super().__call__(x, cotangent)


@every_method
def test_one_gradient_a_step_for_all_strengths(name: str) -> None:
    counting = Counting(net())
    craft(counting, images(), LABELS, METHODS[name], Budget((0.025, 0.055, 0.1), 11, 0.01), ids=IDS)
    first, second, third = 5, 10, 15  # rows: five samples under one, two, three strengths
    if name == "fgsm":
        assert counting.rows == [first]
    elif name == "pgd":
        assert counting.rows == [third] * 11
    else:
        assert counting.rows == [first] * 3 + [second] * 3 + [third] * 5
