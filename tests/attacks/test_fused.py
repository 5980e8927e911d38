"""IFGSM and PGD as a Foolbox user meets them: epsilons in any form and order, criteria, repetition, faults."""

from typing import Any

import eagerpy
import foolbox
import numpy as np
import pytest
import torch
from foolbox.criteria import Misclassification, TargetedMisclassification
from torch import Tensor, nn

from suite.attacks import IFGSM
from suite.errors import SuiteError

EPSILONS = [0.02, 0.06, 0.3]


@pytest.fixture(scope="module")
def model() -> foolbox.PyTorchModel:
    torch.manual_seed(0)
    layers = nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(96, 4)
    return foolbox.PyTorchModel(nn.Sequential(*layers).eval().requires_grad_(False), bounds=(0, 1))


@pytest.fixture(scope="module")
def x() -> Tensor:
    return torch.rand(20, 1, 6, 6, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def y(model: foolbox.PyTorchModel, x: Tensor) -> Tensor:
    return model(x).argmax(1)


def size(norm: str, offset: Tensor) -> Tensor:
    return offset.flatten(1).abs().amax(1) if norm == "linf" else offset.flatten(1).norm(dim=1)


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("random_start", [False, True])
@pytest.mark.parametrize("early_stop", [False, True])
def test_returns_what_foolbox_attacks_return(
    model: foolbox.PyTorchModel, x: Tensor, y: Tensor, norm: str, random_start: bool, early_stop: bool
) -> None:
    scale = 1 if norm == "linf" else 6
    epsilons = [eps * scale for eps in EPSILONS]
    attack = IFGSM(
        steps=10, step_size=0.01 * scale, norm=norm, random_start=random_start, early_stop=early_stop  # type: ignore[arg-type]
    )  # fmt: skip
    raw, clipped, success = attack(model, x, y, epsilons=epsilons)
    assert isinstance(raw, list) and isinstance(clipped, list) and success.shape == (3, 20)
    for eps, adversarial, image, fooled in zip(epsilons, raw, clipped, success, strict=True):
        for candidate in (adversarial, image):
            assert candidate.shape == x.shape
            assert size(norm, candidate - x).max() <= eps * (1 + 1e-5)
            assert candidate.min() >= -1e-7 and candidate.max() <= 1 + 1e-7
        assert torch.equal(fooled, model(image).argmax(1) != y)
    rates = success.float().mean(1)
    assert 0 <= rates[0] < rates[-1]


def test_one_epsilon_gives_tensors_and_a_list_of_one_gives_lists(
    model: foolbox.PyTorchModel, x: Tensor, y: Tensor
) -> None:
    attack = IFGSM(steps=3, step_size=0.02)
    raw, clipped, success = attack(model, x, y, epsilons=0.05)
    raws, clippeds, successes = attack(model, x, y, epsilons=[0.05])
    assert raw.shape == clipped.shape == x.shape and success.shape == (20,)
    assert torch.equal(raw, raws[0]) and torch.equal(clipped, clippeds[0]) and torch.equal(success, successes[0])


@pytest.mark.parametrize("random_start", [False, True])
def test_unsorted_epsilons_keep_their_order(
    model: foolbox.PyTorchModel, x: Tensor, y: Tensor, random_start: bool
) -> None:
    def attack(epsilons: list[float]) -> Any:
        made = IFGSM(steps=6, step_size=0.015, random_start=random_start)
        return made(model, x, y, epsilons=epsilons)

    mixed, expected = [0.3, 0.02, 0.3, 0.06], [2, 0, 2, 1]
    raw, clipped, success = attack(mixed)
    raws, clippeds, successes = attack(EPSILONS)
    for index, place in enumerate(expected):
        torch.testing.assert_close(raw[index], raws[place], rtol=0, atol=1e-6)
        torch.testing.assert_close(clipped[index], clippeds[place], rtol=0, atol=1e-6)
        assert torch.equal(success[index], successes[place])


@pytest.mark.parametrize("form", [tuple, np.array, torch.tensor])
def test_epsilons_in_any_iterable(model: foolbox.PyTorchModel, x: Tensor, y: Tensor, form: Any) -> None:
    """As in Foolbox, whose own examples pass `np.linspace(...)`."""
    attack = IFGSM(steps=4, step_size=0.02)
    assert torch.equal(
        attack(model, x, y, epsilons=form(EPSILONS))[2], attack(model, x, y, epsilons=EPSILONS)[2]
    )  # fmt: skip


def test_epsilon_zero_is_the_clean_image(model: foolbox.PyTorchModel, x: Tensor, y: Tensor) -> None:
    """Foolbox's examples start their lists at 0.0."""
    for norm in ("linf", "l2"):
        _, clipped, success = IFGSM(steps=4, step_size=0.02, norm=norm)(model, x, y, epsilons=[0.0, 0.3])  # type: ignore[arg-type]
        assert torch.equal(clipped[0], x) and not success[0].any()


def test_criteria(model: foolbox.PyTorchModel, x: Tensor, y: Tensor) -> None:
    attack = IFGSM(steps=8, step_size=0.05)
    plain = attack(model, x, y, epsilons=0.3)
    wrapped = attack(model, x, Misclassification(y), epsilons=0.3)
    assert all(torch.equal(a, b) for a, b in zip(plain, wrapped, strict=True))
    goal = (y + 1) % 4
    _, clipped, success = attack(model, x, TargetedMisclassification(goal), epsilons=0.3)
    assert torch.equal(success, model(clipped).argmax(1) == goal)
    assert success.float().mean() > 0.5 > (plain[1] == clipped).float().mean()


def test_eagerpy_tensors_come_back_as_such(model: foolbox.PyTorchModel, x: Tensor, y: Tensor) -> None:
    attack = IFGSM(steps=3, step_size=0.05)
    wrapped = attack(model, eagerpy.astensor(x), eagerpy.astensor(y), epsilons=0.1)
    for ours, expected in zip(wrapped, attack(model, x, y, epsilons=0.1), strict=True):
        assert isinstance(ours, eagerpy.PyTorchTensor) and torch.equal(ours.raw, expected)


@pytest.mark.parametrize("epsilons", [0.05, [0.02, 0.05]])
def test_repeat(model: foolbox.PyTorchModel, x: Tensor, y: Tensor, epsilons: Any) -> None:
    """Foolbox's `attack.repeat(n)`; without chance the repetition changes nothing."""
    attack = IFGSM(steps=3, step_size=0.02)
    once, thrice = attack(model, x, y, epsilons=epsilons)[2], attack.repeat(3)(model, x, y, epsilons=epsilons)[2]
    assert torch.equal(once, thrice)


def test_repeat_restarts_from_other_points(model: foolbox.PyTorchModel, x: Tensor, y: Tensor) -> None:
    """Random restarts are what `repeat` is for: thirty of them fool more samples than one."""
    attack = IFGSM(steps=1, step_size=0.001, random_start=True)
    once = attack(model, x, y, epsilons=[0.2])[2]
    often = attack.repeat(30)(model, x, y, epsilons=[0.2])[2]
    assert often.sum() > once.sum()


def test_pgd_is_keyed_by_its_seed(model: foolbox.PyTorchModel, x: Tensor, y: Tensor) -> None:
    def adversarials(seed: int, images: Tensor = x, labels: Tensor = y) -> Tensor:
        attack = IFGSM(steps=2, step_size=0.01, random_start=True, seed=seed)
        result: Tensor = attack(model, images, labels, epsilons=0.1)[0]
        return result

    assert torch.equal(adversarials(0), adversarials(0))
    assert not torch.equal(adversarials(0), adversarials(1))
    torch.testing.assert_close(adversarials(0)[:7], adversarials(0, x[:7], y[:7]), rtol=0, atol=1e-6)


def test_bounds_of_the_model(x: Tensor, model: foolbox.PyTorchModel) -> None:
    """A model on [-1, 1]: eps and steps are in its units."""

    class Shifted(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return model((images + 1) / 2)  # type: ignore[no-any-return]

    target, images = foolbox.PyTorchModel(Shifted().eval(), bounds=(-1, 1), device="cpu"), 2 * x - 1
    labels = target(images).argmax(1)
    wide = IFGSM(steps=6, step_size=0.04)(target, images, labels, epsilons=0.2)
    narrow = IFGSM(steps=6, step_size=0.02)(model, x, labels, epsilons=0.1)
    torch.testing.assert_close((wide[0] + 1) / 2, narrow[0], rtol=0, atol=1e-5)
    assert wide[0].min() < -0.9 and torch.equal(wide[2], narrow[2])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": 0}, "steps=0"),
        ({"steps": -3}, "steps=-3"),
        ({"step_size": 0.0}, "step_size=0.0"),
        ({"step_size": -0.1}, "step_size=-0.1"),
        ({"step_size": float("nan")}, "step_size=nan"),
        ({"loss": "nll_logit"}, "nll_logits"),
        ({"norm": "l1"}, "linf or l2"),
    ],
)
def test_bad_settings_are_one_clear_line(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(SuiteError, match=message):
        IFGSM(**arguments)


def test_bad_calls_are_one_clear_line(model: foolbox.PyTorchModel, x: Tensor, y: Tensor) -> None:
    with pytest.raises(SuiteError, match="stable_ce"):
        IFGSM(loss="stable_ce")(model, x, TargetedMisclassification(y), epsilons=0.1)
    with pytest.raises(SuiteError, match="mask"):
        IFGSM()(model, x, y, epsilons=0.1, mask=x)
    with pytest.raises(SuiteError, match="str is not supported"):
        IFGSM()(model, x, "dog", epsilons=0.1)


@pytest.mark.parametrize("epsilons", [-0.1, [0.1, -0.1], None, [0.1, None], [], float("nan")])
def test_bad_epsilons_are_one_clear_line(model: foolbox.PyTorchModel, x: Tensor, y: Tensor, epsilons: Any) -> None:
    with pytest.raises(SuiteError, match="eps"):
        IFGSM()(model, x, y, epsilons=epsilons)
