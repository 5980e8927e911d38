"""Landscapes in the plane: extrema alternate, counts agree with them, walks are measured as they should be."""

import torch

from modules.pgd_dynamics import plane
from modules.pgd_dynamics.losses import LOGISTIC, QUADRATIC
from modules.pgd_dynamics.plane import Pace, Walk
from modules.pgd_dynamics.scene import draw
from modules.pgd_dynamics.two_layer import RELU, softplus


def test_minima_and_maxima_of_L_alternate_around_every_circle() -> None:
    for loss in (QUADRATIC, LOGISTIC):
        for activation in (softplus(), softplus(10.0), RELU):
            landscape = draw(range(5), 80, 2, 1.0, loss, 1.0, activation)
            found = plane.extrema(landscape, 10.0)
            for network in range(5):
                kinds = found.is_minimum[found.place == network]
                assert len(kinds) >= 2
                assert (kinds != kinds.roll(1)).all()
                L = found.L[found.place == network]
                assert (L[kinds] < torch.minimum(L.roll(1)[kinds], L.roll(-1)[kinds])).all()


def test_counts_are_of_the_extrema_and_the_threshold_keeps_its_word() -> None:
    landscape = draw(range(12), 300, 2, 1.0, QUADRATIC, 1.0)
    for eps in (0.3, 1.0, 8.0):
        found = plane.extrema(landscape, eps)
        columns = plane.counts(landscape, eps, found)
        assert sum(columns["minima"]) == int(found.is_minimum.sum())
        assert all(ball <= minima for ball, minima in zip(columns["on_ball"], columns["minima"], strict=True))
        rows = list(zip(columns["eps_over_tau"], columns["one_sign"], columns["minima"], strict=True))
        assert all(minima == 1 for over, one_sign, minima in rows if over < 1 and one_sign)
        assert any(over < 1 for over, _, _ in rows) == (eps < 2)


def test_the_picture_is_the_loss_and_marks_name_its_extrema() -> None:
    landscape, eps = draw([3], 50, 2, 1.0, QUADRATIC, 1.0), 2.0
    picture = plane.picture(landscape, eps)
    middle = plane.GRID**2 // 2
    assert abs(picture["u1"][middle]) + abs(picture["u2"][middle]) < 1e-15
    f = landscape.net.value(landscape.x)
    assert abs(picture["loss"][middle] - float((1 - f) ** 2)) < 1e-12
    marks = plane.marks(plane.extrema(landscape, eps), 0)
    losses = dict(zip(marks["loss"], marks["kind"], strict=True))
    assert losses[max(losses)] == "maximum"
    assert losses[min(losses)] == "minimum"


def test_walks_from_the_worst_points_end_at_the_best_neighbours() -> None:
    landscape, eps = draw(range(3), 200, 2, 0.01, QUADRATIC, 3.0), 0.1
    found = plane.extrema(landscape, eps)
    for pace in (Pace("unit", 0.05), Pace("raw", 0.01)):
        walk = plane.from_the_worst(landscape, eps, found, 0, pace, 600)
        ends = plane.outcomes(walk, found, eps)
        assert ends["network"] == [0, 1, 2]
        assert all(ends["at_minimum"])
        assert min(ends["attained"]) > 0.9999
        assert max(ends["to_minimum"]) < 0.1
    lengths = walk.deltas.norm(dim=-1)
    assert lengths.max() <= eps * (1 + 1e-12)
    torch.testing.assert_close(-landscape.value(walk.deltas.transpose(0, 1)).mT, walk.loss)


def test_unit_steps_have_one_length_inside_the_ball() -> None:
    landscape = draw(range(2), 50, 2, 1.0, QUADRATIC, 3.0)
    walk = plane.from_anywhere(landscape, 50.0, 2, 0, Pace("unit", 0.001), 5, "linbp")
    inside = walk.deltas.norm(dim=-1).amax(0) < 49
    assert inside.any()
    steps = walk.deltas.diff(dim=0).norm(dim=-1)[:, inside]
    torch.testing.assert_close(steps, torch.full_like(steps, 0.05))


def test_steps_to_gain_and_walks_that_had_not_settled() -> None:
    steps = torch.arange(101, dtype=torch.float64)
    loss = torch.stack([1 - 0.9**steps, steps, 0 * steps, 5 + (steps / 20).clamp(max=1)], 1)
    walk = Walk(torch.zeros(4, dtype=torch.long), torch.zeros(101, 4, 2), loss)
    assert walk.steps_to_gain() == [22, None, None, 18]  # 0.9^22 < 0.1; still rising; no gain; a ramp of 20
