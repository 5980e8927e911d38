"""A watched trajectory is that of I-FGSM, and what it notes is what can be computed afterwards."""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modules.linbp import linbp
from modules.linbp.positions.watched_trajectory import Trajectory, watched_trajectory
from suite.attacks import LOSSES, Settings, exact_engine, frozen, iterate
from suite.gradients.diagnostics import compare_along

EPS, SETTINGS = 0.1, Settings(6, 0.03, early_stop=False)
CE = LOSSES["ce"]
RULE = partial(linbp, start="all")
WATCHED = torch.tensor([True, False, True, True, False, False, False, True, False])


def toy() -> tuple[nn.Module, Tensor, Tensor]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 12), nn.ReLU(), nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 4))
    images = torch.rand(9, 1, 4, 4, dtype=torch.float64)
    model = model.double().eval()
    return model, images, model(images).argmax(1)


def watched(batch_size: int = 4) -> tuple[Trajectory, nn.Module, Tensor, Tensor]:
    model, images, labels = toy()
    with frozen(model):
        engine = exact_engine(model, RULE, images)
        trajectory = watched_trajectory(model, engine, images, labels, WATCHED, EPS, SETTINGS, batch_size=batch_size)
    return trajectory, model, images, labels


def path(model: nn.Module, images: Tensor, labels: Tensor) -> list[Tensor]:
    """The same I-FGSM by hand."""
    xs = [images]
    for _ in range(SETTINGS.steps):
        x = xs[-1].clone().requires_grad_()
        F.cross_entropy(RULE(model)(x), labels, reduction="sum").backward()
        assert x.grad is not None
        moved = images + (xs[-1] + SETTINGS.step_size * x.grad.sign() - images).clamp(-EPS, EPS)
        xs.append(moved.clamp(0, 1))
    return xs


def test_losses_and_iterates_are_those_of_ifgsm_by_hand() -> None:
    trajectory, model, images, labels = watched()
    xs = path(model, images, labels)
    torch.testing.assert_close(trajectory.adversarials, xs[-1], rtol=0, atol=1e-12)
    by_hand = torch.stack([F.cross_entropy(model(x), labels, reduction="none") for x in xs], 1)
    torch.testing.assert_close(trajectory.loss, by_hand, rtol=1e-9, atol=1e-12)
    ever = torch.stack([model(x).argmax(1) != labels for x in xs], 1).cummax(1).values
    assert trajectory.fooled.equal(ever) and bool(ever[:, -1].any())


def test_gradients_are_compared_at_the_iterates_of_its_own_path() -> None:
    trajectory, model, images, labels = watched()
    steps = [x[WATCHED] for x in path(model, images, labels)[:-1]]
    expected = compare_along(model, RULE, steps, labels[WATCHED], CE)
    assert trajectory.gradients.cosine.shape == (SETTINGS.steps, int(WATCHED.sum()))
    torch.testing.assert_close(trajectory.gradients.cosine, expected.cosine, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(trajectory.gradients.norm_ratio, expected.norm_ratio, rtol=1e-9, atol=1e-9)
    assert float(expected.cosine.min()) < 0.99


def test_batches_change_nothing() -> None:
    """Also where a batch holds no watched sample, as that of samples 4 to 5 does."""
    whole, parts = watched(9)[0], watched(2)[0]
    assert whole.fooled.equal(parts.fooled) and whole.adversarials.equal(parts.adversarials)
    torch.testing.assert_close(whole.loss, parts.loss)
    torch.testing.assert_close(whole.gradients.cosine, parts.gradients.cosine)


def test_success_is_that_of_the_attack_which_stops_early() -> None:
    trajectory, model, images, labels = watched()
    with frozen(model):
        engine = exact_engine(model, RULE, images)
        stopping = Settings(SETTINGS.steps, SETTINGS.step_size)
        found = iterate(engine.differentiate, engine.predict, images, labels, (EPS,), stopping)
    assert trajectory.fooled.equal(found.fooled[0])


def test_nothing_watched() -> None:
    model, images, labels = toy()
    nobody = torch.zeros(9, dtype=torch.bool)
    with frozen(model):
        engine = exact_engine(model, RULE, images)
        trajectory = watched_trajectory(model, engine, images, labels, nobody, EPS, SETTINGS, batch_size=4)
    assert trajectory.gradients.cosine.numel() == 0 and trajectory.loss.shape == (9, 7)
