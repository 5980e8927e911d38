"""Batched SGD against autograd net by net; the three stop rules; watching by bounds against looking at every step."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from modules.lazy_regime.ball import distance, neurons
from modules.lazy_regime.nets import LazyNets, initial
from modules.lazy_regime.training import Schedule, Stop, orders, train

N, D, M = 50, 6, 20


def data() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(N, D, generator=generator, dtype=torch.float64)
    return x, torch.where(x[:, 0] + 0.3 * torch.randn(N, generator=generator) > 0, 1.0, -1.0).double()


def start(seeds: list[int], biases: bool = False) -> LazyNets:
    return initial(seeds, M, D, biases=biases, dtype=torch.float64)


def by_autograd(seed: int, biases: bool, schedule: Schedule) -> list[LazyNets]:
    """Every iterate of one net, trained as one writes it by hand; the first is the net at initialisation."""
    (x, y), net = data(), start([seed], biases)
    order, iterates = orders([seed], N)[0], [start([seed], biases)]
    optimiser = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], schedule.learning_rate)
    for _ in range(schedule.epochs):
        for batch in order.split(schedule.batch_size):
            optimiser.zero_grad()
            F.softplus(-y[batch] * net(x[batch])[0]).mean().backward()
            optimiser.step()
            iterates.append(net.at([0]))
    return iterates


def same(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.allclose(first, second, rtol=1e-9, atol=1e-12) for first, second in pairs)


@pytest.mark.parametrize("biases", [False, True])
def test_side_by_side_is_one_by_one_and_stops_at_every_radius(biases: bool) -> None:
    """`inside` is the last iterate before the first one outside, also where a step passes two radii at once."""
    schedule, (x, y), seeds = Schedule(6, 0.5, 16), data(), [3, 8]
    radii = [0.35, 0.0, 0.1, 0.1001, math.inf]
    found = train(start(seeds, biases), seeds, x, y, radii, "inside", schedule)
    for place, seed in enumerate(seeds):
        iterates = by_autograd(seed, biases, schedule)
        far = [float(distance(net, iterates[0])) for net in iterates]
        for radius, trained in zip(radii, found, strict=True):
            outside = next((step for step, away in enumerate(far) if away > radius), None)
            last = len(iterates) - 1 if outside is None else outside - 1
            assert trained.steps[place] == last
            assert bool(trained.left[place]) == (outside is not None)
            assert same(trained.nets.at([place]), iterates[last])
            assert float(trained.distance[place]) == pytest.approx(far[last])
    assert found[1].steps.tolist() == [0, 0]  # radius 0 is left at the first step: the nets at initialisation
    assert 0 < found[2].steps[0] < found[0].steps[0] < found[4].steps[0]


def test_outside_is_the_first_epoch_beyond_the_radius() -> None:
    schedule, (x, y) = Schedule(8, 0.5, 16), data()
    (trained,) = train(start([3]), [3], x, y, [0.3], "outside", schedule)
    iterates = by_autograd(3, False, schedule)
    per_epoch = math.ceil(N / 16)
    ends = [step for step in range(per_epoch, len(iterates), per_epoch) if distance(iterates[step], iterates[0]) > 0.3]
    assert trained.steps.tolist() == [ends[0]]
    assert float(trained.distance) > 0.3
    assert same(trained.nets, iterates[ends[0]])


def test_projection_keeps_every_iterate_inside_and_goes_on() -> None:
    schedule, (x, y) = Schedule(8, 0.5, 16), data()
    small, large = train(start([3, 4]), [3, 4], x, y, [0.2, 50.0], "project", schedule)
    torch.testing.assert_close(small.distance, torch.full_like(small.distance, 0.2))
    assert small.left.all()
    assert not large.left.any()
    assert small.steps.tolist() == large.steps.tolist() == [8 * math.ceil(N / 16)] * 2
    (free,) = train(start([3, 4]), [3, 4], x, y, [math.inf], "inside", schedule)
    assert same(large.nets, free.nets)


@pytest.mark.parametrize("stop", ["inside", "outside", "project"])
def test_nets_do_not_depend_on_their_company(stop: Stop) -> None:
    schedule, (x, y), seeds = Schedule(5, 0.5, 16), data(), [1, 2, 3, 4]
    together = train(start(seeds, True), seeds, x, y, [0.1, 0.3], stop, schedule)
    for place, seed in enumerate(seeds):
        for both, alone in zip(
            together, train(start([seed], True), [seed], x, y, [0.1, 0.3], stop, schedule), strict=True
        ):
            assert both.steps[place] == alone.steps[0]
            assert same(both.nets.at([place]), alone.nets)


def test_the_start_stays_as_it_is() -> None:
    (x, y), nets = data(), start([0])
    before = neurons(nets)
    train(nets, [0], x, y, [0.1], "inside", Schedule(2, 0.5, 16))
    assert torch.equal(neurons(nets), before)
