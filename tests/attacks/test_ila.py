"""The intermediate-level attack: its objective in an explicit loop, a closed form, and the layers that it names."""

import pytest
import torch
from torch import Tensor, nn

from suite.attacks import Budget, MidLayer, ila
from suite.errors import SuiteError

BUDGET = Budget((0.03, 0.1), steps=8, step_size=0.02)


class Net(nn.Module):
    """Two stages, the second of which counts its calls; `twins` gives two tensors and `idle` is never called."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stage1 = nn.Sequential(nn.Conv2d(1, 5, 3, padding=1), nn.ReLU(), nn.Conv2d(5, 4, 3))
        self.stage2 = nn.Sequential(nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(64, 3))
        self.twins = Twins()
        self.idle = nn.ReLU()
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        features, _ = self.twins(self.stage1(x))
        self.calls += 1
        logits: Tensor = self.stage2(features)
        return logits


class Twins(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x, x


def net() -> Net:
    return Net().double().eval().requires_grad_(False)


def images() -> Tensor:
    return torch.rand(4, 1, 6, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def finished(x: Tensor) -> Tensor:
    """Something that an attack might have found: (E, N, ...) within the balls."""
    noise = torch.rand(2, *x.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64) - 0.5
    return (x + 2 * noise * torch.tensor(BUDGET.epsilons, dtype=torch.float64).view(2, 1, 1, 1, 1)).clamp(0, 1)


@pytest.mark.parametrize("path", ["stage1", "stage1.0", "stage1.1"])
def test_equal_to_a_plain_loop(path: str) -> None:
    """Ascent of <F(x) - F(x_clean), F(x_adv) - F(x_clean)> with its gradient by autograd, sample by sample."""
    model, x = net(), images()
    found = ila(MidLayer(model, path), x, finished(x), BUDGET)
    depth = {"stage1": 3, "stage1.0": 1, "stage1.1": 2}[path]

    def features(image: Tensor) -> Tensor:
        out: Tensor = model.stage1[:depth](image[None])
        return out

    for level, eps in enumerate(BUDGET.epsilons):
        for sample, clean in enumerate(x):
            guide = features(finished(x)[level, sample]) - features(clean)
            at = clean
            for _ in range(BUDGET.steps):
                leaf = at.clone().requires_grad_()
                objective = ((features(leaf) - features(clean)) * guide).sum()
                (gradient,) = torch.autograd.grad(objective, leaf)
                at = (at + BUDGET.step_size * gradient.sign()).clamp(clean - eps, clean + eps).clamp(0, 1)
            torch.testing.assert_close(found[level, sample], at, rtol=0, atol=1e-12)


def test_the_optimum_of_a_linear_layer() -> None:
    """F(x) = A x: the objective is (A^T A (x_adv - x)) . (x' - x), so its maximum in the ball is a corner."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(36, 9), nn.ReLU(), nn.Linear(9, 3)).double().requires_grad_(False)
    x = images()
    found = ila(MidLayer(model, "1"), x, finished(x), BUDGET)
    a = model[1].weight
    for level, eps in enumerate(BUDGET.epsilons):
        direction = ((finished(x)[level] - x).flatten(1) @ a.T @ a).view_as(x)
        torch.testing.assert_close(found[level], (x + eps * direction.sign()).clamp(0, 1), rtol=0, atol=1e-12)


def test_what_lies_behind_the_layer_is_not_computed_and_no_hook_stays() -> None:
    model = net()
    ila(MidLayer(model, "stage1"), images(), finished(images()), BUDGET)
    assert model.calls == 0
    model(images())
    assert model.calls == 1
    assert all(not module._forward_hooks for module in model.modules())


def test_a_layer_inside_a_wrapper_and_one_that_is_wrong() -> None:
    class Wrapper(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = net()

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.network(x)
            return out

    model = Wrapper()
    assert MidLayer(model, "stage1.2").path == "network.stage1.2"
    assert MidLayer(model, "stage1.2")(images()).shape == (4, 4, 4, 4)
    with pytest.raises(SuiteError, match=r"no module 'stage3' \(did you mean"):
        MidLayer(model, "stage3")
    with pytest.raises(SuiteError, match=r"'network\.idle' is not called"):
        MidLayer(model, "idle")(images())
    with pytest.raises(SuiteError, match=r"'network\.twins' does not give one tensor"):
        MidLayer(model, "twins")(images())
