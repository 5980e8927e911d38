"""Ascents in the plane: where they begin, how long their steps are, how they end."""

import torch

from modules.pgd_dynamics.draws import draw
from modules.pgd_dynamics.landscape.config import LandscapeConfig
from modules.pgd_dynamics.landscape.trajectories import Pace, Trajectories, ascents, ends
from modules.pgd_dynamics.losses import QUADRATIC
from modules.pgd_dynamics.plane import extrema


def test_ascents_from_the_worst_points_end_at_the_best_neighbours() -> None:
    objective, eps, config = draw(range(3), 200, 2, 0.01, QUADRATIC, 3.0), 0.1, LandscapeConfig(steps=600)
    found = extrema(objective, eps)
    for pace in (Pace("unit", 0.05), Pace("raw", 0.01)):
        made = ascents(objective, eps, found, config, "the worst", pace, "bp")
        columns = ends(made, found, eps)
        assert columns["network"] == [0, 1, 2]
        assert all(columns["at_minimum"])
        assert min(columns["attained"]) > 0.9999
        assert max(columns["to_minimum"]) < 0.1
    assert made.deltas.norm(dim=-1).max() <= eps * (1 + 1e-12)
    torch.testing.assert_close(-objective.value(made.deltas.transpose(0, 1)).mT, made.loss)


def test_unit_steps_have_one_length_inside_the_ball() -> None:
    objective, config = draw(range(2), 50, 2, 1.0, QUADRATIC, 3.0), LandscapeConfig(steps=10, atlas_starts=2)
    found = extrema(objective, 50.0)
    made = ascents(objective, 50.0, found, config, "anywhere", Pace("unit", 0.001), "linbp")
    inside = made.deltas.norm(dim=-1).amax(0) < 49
    assert inside.any()
    steps = made.deltas.diff(dim=0).norm(dim=-1)[:, inside]
    torch.testing.assert_close(steps, torch.full_like(steps, 0.05))


def test_steps_to_gain_and_ascents_that_had_not_settled() -> None:
    steps = torch.arange(101, dtype=torch.float64)
    loss = torch.stack([1 - 0.9**steps, steps, 0 * steps, 5 + (steps / 20).clamp(max=1)], 1)
    made = Trajectories(torch.zeros(4, dtype=torch.long), torch.zeros(101, 4, 2), loss)
    assert made.steps_to_gain() == [22, None, None, 18]  # 0.9^22 < 0.1; still rising; no gain; a ramp of 20
