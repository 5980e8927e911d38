"""PGD on training batches: closed forms on linear models, the ball, and agreement with the attack loop."""

from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from suite.attacks import Adversary, Autograd, Settings, iterate
from suite.attacks.adversary import Start, unit_ball


def linear(classes: int = 2) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(12, classes, bias=False)).double()


def batch(count: int = 40, low: float = 0.3, high: float = 0.7) -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    return low + (high - low) * torch.rand(count, 3, 2, 2, dtype=torch.float64), torch.arange(count) % 2


def towards_the_other_class(model: nn.Module, labels: Tensor) -> Tensor:
    weight = model.get_parameter("1.weight").detach()
    return (weight[1 - labels] - weight[labels]).view(len(labels), 3, 2, 2)


def test_fgsm_is_one_sign_step() -> None:
    model, (x, y) = linear(), batch()
    found = Adversary(model, 0.1, Settings(1, 0.1), start="image")(x, y)
    torch.testing.assert_close(found, x + 0.1 * towards_the_other_class(model, y).sign())


@pytest.mark.parametrize("start", ["uniform", "image", "near", "radial"])
def test_long_enough_it_ends_in_the_corner_and_on_the_sphere(start: Start) -> None:
    model, (x, y) = linear(), batch()
    direction = towards_the_other_class(model, y)
    corner = Adversary(model, 0.1, Settings(9, 0.03), start)(x, y)
    torch.testing.assert_close(corner, x + 0.1 * direction.sign())
    pole = Adversary(model, 0.1, Settings(400, 0.02, norm="l2"), start)(x, y)
    torch.testing.assert_close(pole, x + 0.1 * direction / direction.flatten(1).norm(dim=1).view(-1, 1, 1, 1))


def test_pixels_stay_valid() -> None:
    model, (x, y) = linear(), batch(low=0.0, high=1.0)
    found = Adversary(model, 0.5, Settings(3, 0.4))(x, y)
    assert float(found.min()) >= 0 and float(found.max()) <= 1
    assert float((found - x).abs().max()) <= 0.5 + 1e-12


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_from_the_image_on_it_walks_as_the_attack_loop(norm: str) -> None:
    torch.manual_seed(3)
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 20), nn.ReLU(), nn.Linear(20, 3)).double()
    x, _ = batch()
    y = torch.arange(40) % 3
    settings = Settings(5, 0.02, norm=norm, early_stop=False)  # type: ignore[arg-type]
    walk = iterate(Autograd(model), model, x, y, (0.06,), settings)
    assert torch.equal(Adversary(model, 0.06, settings, start="image")(x, y), walk.adversarials[0])


def test_it_leaves_weights_mode_and_gradients_alone_and_draws_from_the_generator() -> None:
    model, (x, y) = linear().train(), batch()
    weight = model.get_parameter("1.weight")
    weight.grad = torch.ones_like(weight)
    adversary = Adversary(model, 0.1, Settings(1, 0.01))
    results = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        results.append(adversary(x, y))
    assert torch.equal(results[0], results[1]) and not torch.equal(results[0], results[2])
    assert torch.equal(weight.grad, torch.ones_like(weight)) and weight.requires_grad and model.training
    assert not results[0].requires_grad


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_no_layer_is_asked_for_a_weight_gradient(mode: Literal["eval", "train"]) -> None:
    """Layers with a backward pass of their own would make it whether wanted or not."""
    model, asked = linear(), []
    weight = model.get_parameter("1.weight")
    model.register_forward_pre_hook(lambda *_: asked.append((weight.requires_grad, model.training)))
    Adversary(model, 0.1, Settings(3, 0.01), mode=mode)(*batch())
    assert asked == [(False, mode == "train")] * 3 and weight.requires_grad


def test_draws_are_uniform_in_the_ball() -> None:
    torch.manual_seed(0)
    like = torch.empty(20_000, 1, 1, 2, dtype=torch.float64)
    disc, square = unit_ball(like, "l2").flatten(1), unit_ball(like, "linf").flatten(1)
    assert float(square.abs().max()) <= 1 and float(disc.norm(dim=1).max()) <= 1 + 1e-12
    # P(|x| <= r) = r^2 in the disc; the share of 20,000 errs by less than 5 sqrt(1/4 / 20000) = 0.018.
    for radius in (0.3, 0.5, 0.8):
        assert abs(float((disc.norm(dim=1) <= radius).double().mean()) - radius**2) < 0.018
        assert abs(float((square.abs().amax(1) <= radius).double().mean()) - radius**2) < 0.018
    assert float(disc.mean(0).abs().max()) < 0.018 and float(square.mean(0).abs().max()) < 0.021


def test_a_radial_start_has_uniform_lengths() -> None:
    model, x = linear(), torch.full((20_000, 3, 2, 2), 0.5, dtype=torch.float64)
    still = Settings(1, 1e-12, norm="l2")
    torch.manual_seed(0)
    lengths = (
        (Adversary(model, 0.1, still, "radial")(x, torch.zeros(20_000, dtype=torch.int64)) - x).flatten(1).norm(dim=1)
    )
    for share in (0.2, 0.5, 0.9):  # of 20,000, to within 5 standard errors
        assert abs(float((lengths <= 0.1 * share).double().mean()) - share) < 0.018


def test_against_the_clean_prediction_it_ascends_the_divergence() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.Tanh(), nn.Linear(8, 3)).double()
    x, y = batch(8)
    clean = torch.log_softmax(model(x), 1).detach()
    settings = Settings(1, 0.01, norm="l2")
    torch.manual_seed(2)
    begin = x + 0.001 * torch.randn_like(x)
    begin.requires_grad_()
    loss = nn.functional.kl_div(torch.log_softmax(model(begin), 1), clean, reduction="sum", log_target=True)
    (gradient,) = torch.autograd.grad(loss, begin)
    step = 0.01 * gradient / gradient.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    torch.manual_seed(2)
    found = Adversary(model, 0.5, settings, "near", against="clean")(x, y)
    torch.testing.assert_close(found, begin.detach() + step)


def test_only_train_mode_moves_batch_statistics() -> None:
    model = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(12), nn.Linear(12, 2)).double().train()
    x, y = batch()
    means = model.get_buffer("1.running_mean")
    Adversary(model, 0.1, Settings(2, 0.1))(x, y)
    assert torch.equal(means, torch.zeros_like(means)) and model.training
    Adversary(model, 0.1, Settings(2, 0.1), mode="train")(x, y)
    assert not torch.equal(means, torch.zeros_like(means)) and model.training
