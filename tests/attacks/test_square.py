"""Square: on the ball's border, by rows of their own, never worse, the published schedule; and no gradient to mask."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from suite.attacks import Autograd, apgd, square
from suite.attacks.ball import Ball, BallNorm, lengths
from suite.attacks.square import margins, side_at
from suite.attacks.square_moves import MOVES, draws_of_a_move, draws_of_a_start

NORMS: tuple[BallNorm, ...] = ("linf", "l2", "l1")


def fixture(count: int = 24) -> tuple[nn.Module, Tensor, Tensor]:
    torch.manual_seed(0)
    layers = (nn.Flatten(), nn.Linear(3 * 7 * 6, 40), nn.ReLU(), nn.Linear(40, 5))
    model = nn.Sequential(*layers).double().requires_grad_(False)
    x = torch.rand(count, 3, 7, 6, dtype=torch.float64)
    model.get_parameter("3.bias").sub_(model(x).mean(0))  # else one class has all images
    return model, x, model(x).argmax(1)


@pytest.mark.parametrize("norm", NORMS)
def test_moves_stay_within_and_reach_the_border(norm: BallNorm) -> None:
    """From images far from the pixels' limits every iterate lies on the border."""
    begin, move = MOVES[norm]
    ball = Ball(torch.full((30, 3, 7, 6), 0.5, dtype=torch.float64), 0.2, norm)
    generator = torch.Generator().manual_seed(0)
    x = begin(ball, torch.rand(30, draws_of_a_start((3, 7, 6)), generator=generator, dtype=torch.float64))
    for side in (5, 3, 3):
        torch.testing.assert_close(lengths(x - ball.images, norm), torch.full((30,), 0.2, dtype=torch.float64))
        moved = move(ball, x, side, torch.rand(30, draws_of_a_move(3), generator=generator, dtype=torch.float64))
        assert not torch.equal(moved, x)
        x = moved
    if norm == "linf":
        torch.testing.assert_close((x - ball.images).abs(), torch.full_like(x, 0.2))


def test_a_square_is_one_colour_and_the_rest_stays() -> None:
    ball = Ball(torch.full((1, 2, 5, 5), 0.5, dtype=torch.float64), 0.2, "linf")
    draws = torch.tensor([[0.99, 0.0, 0, 0, 0, 0.1, 0.9]], dtype=torch.float64)  # last row, first column; down, up
    moved = MOVES["linf"][1](ball, ball.images, 2, draws)
    expected = ball.images.clone()
    expected[0, 0, 3:, :2], expected[0, 1, 3:, :2] = 0.3, 0.7
    torch.testing.assert_close(moved, expected)


def test_l2_moves_mass_from_one_window_into_another() -> None:
    ball = Ball(torch.full((1, 1, 8, 8), 0.5, dtype=torch.float64), 0.2, "l2")
    start = MOVES["l2"][0](ball, torch.rand(1, draws_of_a_start((1, 8, 8)), dtype=torch.float64))
    draws = torch.tensor([[0.0, 0.0, 0.99, 0.99, 0.1, 0.9]], dtype=torch.float64)
    offset = (MOVES["l2"][1](ball, start, 3, draws) - ball.images)[0, 0]
    before = (start - ball.images)[0, 0]
    assert not offset[5:, 5:].any()  # emptied
    both = before[:3, :3].square().sum() + before[5:, 5:].square().sum()
    torch.testing.assert_close(offset[:3, :3].square().sum(), both)  # and what it held is here
    kept = torch.ones(8, 8, dtype=torch.bool)
    kept[:3, :3], kept[5:, 5:] = False, False
    torch.testing.assert_close(offset[kept], before[kept])


def test_sides_follow_the_schedule() -> None:
    """p = 0.8, halved after queries 10, 50, 200, 500, 1000, ...: on 32 x 32 pixels sqrt(819.2 / 2^k)."""
    shape = (3, 32, 32)
    assert [side_at(query, shape, "linf") for query in (0, 10, 11, 51, 201, 501, 1001, 4999)] == [
        29, 29, 20, 14, 10, 7, 5, 3,
    ]  # fmt: skip
    assert [side_at(query, shape, "l2") for query in (0, 11, 9000)] == [29, 21, 3]
    assert side_at(9000, shape, "linf") == 1 and side_at(0, (1, 2, 9), "linf") == 2


@pytest.mark.parametrize("norm", NORMS)
def test_rows_do_not_depend_on_their_batch_and_the_margin_never_rises(norm: BallNorm) -> None:
    model, x, y = fixture()
    eps, ids = {"linf": 0.02, "l2": 0.15, "l1": 1.0}[norm], torch.arange(24) + 100
    fooled, found = square(model, x, y, eps, 70, ids=ids, seed=3, norm=norm)
    assert torch.equal(fooled, model(found).argmax(1) != y) and 0 < int(fooled.sum()) < 24
    assert float(lengths(found - x, norm).max()) <= eps + 1e-9
    assert 0 <= float(found.min()) <= float(found.max()) <= 1
    again = square(model, x.flip(0), y.flip(0), eps, 70, ids=ids.flip(0), seed=3, norm=norm)[1].flip(0)
    torch.testing.assert_close(again, found)
    alone = square(model, x[5:6], y[5:6], eps, 70, ids=ids[5:6], seed=3, norm=norm)[1]
    torch.testing.assert_close(alone[0], found[5])
    assert not torch.equal(square(model, x, y, eps, 70, ids=ids, seed=4, norm=norm)[1], found)
    shorter = square(model, x, y, eps, 20, ids=ids, seed=3, norm=norm)[1]
    assert bool((margins(model(found), y)[0] <= margins(model(shorter), y)[0] + 1e-12).all())


def test_it_breaks_what_masks_its_gradient() -> None:
    """Rounded pixels have no gradient: APGD stays where it starts, and squares find their way."""
    model, x, y = fixture()
    masked: dict[str, Callable[[Tensor], Tensor]] = {
        "rounded pixels": lambda z: model((16 * z).round() / 16),
        "logits as after defensive distillation": lambda z: 1e5 * model(z),
        "saturated sigmoid": lambda z: torch.sigmoid(100 * model(z) + 10),
    }
    for name, net in masked.items():
        with torch.no_grad():
            right = net(x).argmax(1) == y
        images, labels = x[right], y[right]
        if name == "rounded pixels":
            assert not apgd(Autograd(net), images, labels, 0.1, 10)[0].any()
        fooled, _ = square(net, images, labels, 0.25, 300, ids=torch.arange(len(labels)))
        assert int(fooled.sum()) >= 0.8 * len(labels), name
