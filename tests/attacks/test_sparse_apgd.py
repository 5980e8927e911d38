"""APGD in l1: near the exact answer on linear models, within ball and box, sparse, and steps that shrink and grow."""

import torch
from torch import Tensor, nn

from suite.attacks import Autograd, apgd
from suite.attacks.ball import Ball
from suite.attacks.sparse_apgd import _Walk


def linear(count: int = 60, d: int = 48) -> tuple[nn.Module, Tensor, Tensor]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(d, 2)).double()
    return model, torch.rand(count, 3, 4, 4, dtype=torch.float64), torch.arange(count) % 2


def most(x: Tensor, w: Tensor, eps: float) -> Tensor:
    """By how much <w, x> can rise, (N,): the heaviest pixels first, each up to the box, until eps is used up."""
    room = torch.where(w > 0, 1 - x, x)
    order = w.abs().argsort(descending=True, stable=True)
    room, heavy = room[:, order], w.abs()[order]
    used = torch.minimum(room, (eps - (room.cumsum(1) - room)).clamp(min=0))
    return (heavy * used).sum(1)


def test_on_a_linear_model_it_comes_near_the_best_point_of_ball_and_box() -> None:
    model, x, y = linear()
    weight = model.get_parameter("1.weight").detach()
    towards = weight[1] - weight[0]
    for eps in (0.5, 3.0):
        _, best = apgd(Autograd(model), x, y, eps, 100, norm="l1")
        offset = (best - x).flatten(1)
        assert float(offset.abs().sum(1).max()) <= eps * (1 + 1e-9) and 0 <= float(best.min()) <= float(best.max()) <= 1
        signs = 1 - 2 * y  # the label's logit falls
        risen = signs * (offset @ towards)
        reach = torch.where(y == 0, most(x.flatten(1), towards, eps), most(x.flatten(1), -towards, eps))
        assert bool((risen <= reach * (1 + 1e-9)).all())
        assert float((risen / reach).min()) > 0.9 and float((risen / reach).mean()) > 0.98
        assert float((best != x).flatten(1).sum(1).double().mean()) < (6 if eps < 1 else 20)


def curved() -> tuple[nn.Module, Tensor, Tensor]:
    torch.manual_seed(1)
    model = nn.Sequential(nn.Flatten(), nn.Linear(48, 30), nn.ReLU(), nn.Linear(30, 5)).double()
    x = torch.rand(30, 3, 4, 4, dtype=torch.float64)
    return model, x, model(x).argmax(1)


def test_fooled_are_those_of_the_last_ball_and_rows_do_not_depend_on_their_batch() -> None:
    model, x, y = curved()
    ball = Ball(x, 1.5, "l1")
    start = ball.on_the_border(torch.rand(30, 48, dtype=torch.float64, generator=torch.Generator().manual_seed(0)))
    fooled, found = apgd(Autograd(model), x, y, 0.5, 20, start, norm="l1", early_stop=True)
    assert 0 < int(fooled.sum()) < 30
    assert torch.equal(model(found).argmax(1) != y, fooled)
    assert float((found - x).abs().flatten(1).sum(1).max()) <= 0.5 * (1 + 1e-9)
    some = slice(11, 15)
    alone = apgd(Autograd(model), x[some], y[some], 0.5, 20, start[some], norm="l1", early_stop=True)
    assert torch.equal(alone[0], fooled[some])
    torch.testing.assert_close(alone[1], found[some])


def test_a_step_is_long_where_fewer_pixels_are_changed_and_shorter_elsewhere() -> None:
    """Sample 0's best iterate changes 10 pixels instead of 20, sample 1's 20 as before: a tenth is the shortest."""
    images = torch.zeros(2, 1, 5, 8, dtype=torch.float64)
    x, best = images.clone(), images.clone()
    best.flatten(1)[0, :10], best.flatten(1)[1, :20] = 0.01, 0.01
    rows, loss = torch.arange(2), torch.zeros(2, dtype=torch.float64)
    seen = torch.tensor([20, 20])
    size = torch.tensor([0.3, 0.3], dtype=torch.float64)
    walk = _Walk(Ball(images, 1.0, "l1"), 2, rows, x, x, best, loss, best, size, seen)
    assert walk.ready(0) is walk and walk.ready(3) is walk
    after = walk.ready(2)
    torch.testing.assert_close(after.size, torch.tensor([1.0, 0.2], dtype=torch.float64))
    assert torch.equal(after.x, torch.stack([best[0], x[1]])) and after.changed.tolist() == [10, 20]
    assert float(after.ready(4).ready(6).size[1]) == 0.1


def test_a_step_is_shared_by_two_thirds_of_the_changed_pixels() -> None:
    images = torch.full((1, 1, 5, 8), 0.5, dtype=torch.float64)
    gradient = torch.arange(1, 41, dtype=torch.float64).view(1, 1, 5, 8)
    loss, rows = torch.zeros(1, dtype=torch.float64), torch.arange(1)
    start = images.clone()
    start.flatten(1)[0, :12] += 1e-6
    step = _Walk.begin(Ball(images, 0.4, "l1"), 1, rows, start, loss, gradient).next(0) - start
    assert int((step > 0.01).sum()) == 8 and bool((step.flatten()[-8:] > 0.01).all())
