"""APGD-CE: the published checkpoints, the exact answer on linear models, the ball, and never worse than PGD's reach."""

import torch
from torch import Tensor, nn

from suite.attacks import Autograd, apgd
from suite.attacks.apgd import checkpoints


def test_checkpoints_are_those_of_the_formula() -> None:
    # p = 0, .22, .41, .57, .70, .80, .87, .93, .99: differences shrink by .03 down to .06 (Croce and Hein, Sec. 3.2).
    assert checkpoints(100) == (0, 22, 41, 57, 70, 80, 87, 93, 99)
    assert checkpoints(1) == (0, 1)
    assert checkpoints(10) == (0, 3, 5, 6, 7, 8, 9, 10)


def fixture(count: int = 200) -> tuple[nn.Module, Tensor, Tensor]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 2)).double()
    x = 0.2 + 0.6 * torch.rand(count, 3, 2, 2, dtype=torch.float64)
    return model, x, torch.arange(count) % 2


def test_on_a_linear_model_it_fools_exactly_what_can_be_fooled() -> None:
    """Within the ball the margin falls by eps |w_y - w_other|_1 at most."""
    model, x, y = fixture()
    weight = model.get_parameter("1.weight").detach()
    logits = model(x).detach()
    margin = logits.gather(1, y[:, None])[:, 0] - logits.gather(1, 1 - y[:, None])[:, 0]
    reach = (weight[0] - weight[1]).abs().sum()
    for eps in (0.02, 0.1, 0.2):
        fooled, best = apgd(Autograd(model), x, y, eps, 20)
        assert torch.equal(fooled, margin < eps * reach)
        torch.testing.assert_close(best, x + eps * (weight[1 - y] - weight[y]).sign().view_as(x))


def test_iterates_stay_in_ball_and_box_and_the_best_is_no_worse_than_the_start() -> None:
    torch.manual_seed(1)
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 30), nn.ReLU(), nn.Linear(30, 3)).double()
    x, y = torch.rand(60, 3, 2, 2, dtype=torch.float64), torch.arange(60) % 3
    start = (x + 0.1 * (2 * torch.rand_like(x) - 1)).clamp(0, 1)
    seen: list[Tensor] = []

    def differentiate(z: Tensor, cotangent: object) -> tuple[Tensor, Tensor]:
        seen.append(z)
        return Autograd(model)(z, cotangent)  # type: ignore[arg-type]

    fooled, best = apgd(differentiate, x, y, 0.1, 30, start)
    assert len(seen) == 31
    assert all(float((z - x).abs().max()) <= 0.1 + 1e-12 and 0 <= float(z.min()) <= float(z.max()) <= 1 for z in seen)

    def loss(z: Tensor) -> Tensor:
        return nn.functional.cross_entropy(model(z), y, reduction="none").detach()

    every = torch.stack([loss(z) for z in seen])
    torch.testing.assert_close(loss(best), every.max(0).values)
    assert torch.equal(fooled, torch.stack([model(z).argmax(1) != y for z in seen]).any(0))


def test_the_step_is_halved_where_it_does_not_help() -> None:
    """A valley one tenth of the first step wide: with a fixed step no iterate would come near its bottom."""

    class Valley(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            height = (x[:, 0, 0, 0] - 0.53).abs()
            return torch.stack([height, torch.zeros_like(height)], 1)

    x = torch.full((1, 1, 1, 1), 0.5, dtype=torch.float64)
    _, best = apgd(Autograd(Valley()), x, torch.zeros(1, dtype=torch.int64), 0.3, 200)
    assert abs(float(best) - 0.53) < 0.01
