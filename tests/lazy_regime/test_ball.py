"""The lazy ball: distances neuron by neuron, and the projection onto it."""

import math

import torch

from modules.lazy_regime.ball import distance, neurons, project, project_rows, radius, row_distance, set_neurons
from modules.lazy_regime.nets import LazyNets, initial


def moved(start: LazyNets, far: float) -> LazyNets:
    nets = start.at(slice(None))
    generator = torch.Generator().manual_seed(1)
    set_neurons(nets, neurons(nets) + far * torch.randn(neurons(nets).shape, generator=generator, dtype=torch.float64))
    return nets


def test_the_distance_is_that_of_the_farthest_neuron_and_counts_its_bias() -> None:
    start = initial([0], 6, 3, biases=True, dtype=torch.float64)
    nets = start.at(slice(None))
    assert nets.bias is not None
    with torch.no_grad():
        nets.weight[0, 2] += torch.tensor([0.0, 3.0, 0.0])
        nets.bias[0, 2] += 4.0
        nets.weight[0, 5, 0] += 4.9
    assert distance(nets, start).tolist() == [5.0]
    assert radius(10, 400) == 0.5


def test_projection_moves_only_neurons_outside_and_straight_back() -> None:
    start = initial([0, 1], 40, 3, biases=True, dtype=torch.float64)
    nets = moved(start, 0.3)
    before, begin = neurons(nets), neurons(start)
    radii = torch.tensor([0.5, 0.7], dtype=torch.float64)
    project(nets, start, radii)
    after = neurons(nets)
    outside = (before - begin).norm(dim=-1) > radii[:, None]
    assert outside.any()
    assert not outside.all()
    torch.testing.assert_close(after[~outside], before[~outside])
    torch.testing.assert_close(row_distance(after, begin), radii)
    cosine = torch.cosine_similarity((after - begin)[outside], (before - begin)[outside], dim=-1)
    torch.testing.assert_close(cosine, torch.ones_like(cosine))


def test_projection_onto_the_ball_is_idempotent_and_knows_no_ball_and_a_point() -> None:
    start = initial([0], 10, 2, dtype=torch.float64)
    rows, begin = neurons(moved(start, 1.0)), neurons(start)
    once = project_rows(rows, begin, 0.4)
    torch.testing.assert_close(project_rows(once, begin, 0.4), once)
    torch.testing.assert_close(project_rows(rows, begin, math.inf), rows)
    torch.testing.assert_close(project_rows(rows, begin, 0.0), begin)
