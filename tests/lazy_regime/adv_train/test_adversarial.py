"""Projected adversarial training: against a plain loop net by net, the ball, the stop rule, independence of company."""

import pytest
import torch
from torch import Tensor

from modules.lazy_regime.adv_train import adversarial
from modules.lazy_regime.adv_train.adversarial import Outcome, Protocol, train
from modules.lazy_regime.ball import distance, lengths, neurons
from modules.lazy_regime.nets import LazyNets, initial
from modules.lazy_regime.pgd import Attack, gradient_field, l2_pgd
from modules.lazy_regime.training import Schedule, orders
from suite.gradients import bp

SEEDS = [0, 1, 1]
EPS = torch.tensor([0.1, 0.1, 0.3], dtype=torch.float64)
RADII = torch.tensor([0.3, 0.05, 0.3], dtype=torch.float64)


def data(n: int = 20, d: int = 6) -> tuple[Tensor, Tensor]:
    """Two overlapping clouds on the sphere."""
    generator = torch.Generator().manual_seed(1)
    y = torch.where(torch.arange(n) % 2 == 0, 1.0, -1.0).double()
    x = torch.randn(n, d, generator=generator, dtype=torch.float64) + y[:, None]
    return x / x.norm(dim=1, keepdim=True), y


def trained(protocol: Protocol, places: list[int] | None = None, biases: bool = False) -> tuple[LazyNets, Outcome]:
    places = [0, 1, 2] if places is None else places
    seeds = [SEEDS[place] for place in places]
    start = initial(seeds, 30, 6, biases=biases, dtype=torch.float64)
    x, y = data()
    return start, train(start, orders(seeds, len(x)), x, y, EPS[places], RADII[places], protocol, bp)


def plain(place: int, protocol: Protocol) -> tuple[Tensor, Tensor, float]:
    """One net by autograd: its weights after the last projection and before it, and its robust training accuracy."""
    start = initial([SEEDS[place]], 30, 6, dtype=torch.float64)
    nets, (x, y) = start.at([0]), data()
    order, eps, radius = orders([SEEDS[place]], len(x))[0], EPS[place : place + 1], float(RADII[place])
    optimiser = torch.optim.SGD([nets.weight], protocol.schedule.learning_rate)

    def craft(points: Tensor, labels: Tensor) -> Tensor:
        return l2_pgd(gradient_field(nets, bp), points, labels, eps, protocol.attack, 30)[0]

    def project() -> None:
        with torch.no_grad():
            for neuron, begin in zip(nets.weight[0], start.weight[0], strict=True):
                length = float((neuron - begin).norm())
                if length > radius:
                    neuron.copy_(begin + (neuron - begin) * radius / length)

    for _ in range(protocol.schedule.epochs):
        examples, correct = craft(x, y), 0
        for batch in order.split(protocol.schedule.batch_size):
            points = examples[batch] if protocol.crafting == "epoch" else craft(x[batch], y[batch])
            margins = y[batch] * nets(points)[0]
            correct += int((margins > 0).sum())
            optimiser.zero_grad()
            torch.log1p(torch.exp(-margins)).mean().backward()
            optimiser.step()
            if protocol.projection == "step":
                project()
        before = nets.weight.detach().clone()
        project()
    return nets.weight.detach(), before, correct / len(x)


@pytest.mark.parametrize("projection", ["step", "epoch"])
@pytest.mark.parametrize("crafting", ["epoch", "batch"])
def test_it_is_the_plain_loop_net_by_net(projection: adversarial.Projection, crafting: adversarial.Crafting) -> None:
    protocol = Protocol(Schedule(3, 1.0, 8), Attack(5), projection, crafting)
    start, done = trained(protocol)
    for place in range(3):
        inside, before, accuracy = plain(place, protocol)
        torch.testing.assert_close(done.inside.weight[place].detach(), inside[0], rtol=0, atol=1e-12)
        torch.testing.assert_close(done.outside.weight[place].detach(), before[0], rtol=0, atol=1e-12)
        assert float(done.robust_train_accuracy[place]) == pytest.approx(accuracy)
    assert torch.equal(start.weight, initial(SEEDS, 30, 6, dtype=torch.float64).weight)
    assert torch.equal(done.inside.signs, start.signs)


@pytest.mark.parametrize("biases", [False, True])
def test_the_ball_holds_the_nets_inside_and_only_them(biases: bool) -> None:
    """The small ball is too small for these steps, so that before the projection its net is outside."""
    start, done = trained(Protocol(Schedule(4, 1.0, 8), Attack(5), "epoch"), biases=biases)
    assert bool((distance(done.inside, start) <= RADII * (1 + 1e-12)).all())
    assert float(distance(done.outside, start)[1]) > 1.5 * float(RADII[1])
    moved = lengths(neurons(done.inside) - neurons(start))
    assert bool((moved[1] > 0.999 * RADII[1]).any())
    if biases:
        assert done.inside.bias is not None and start.bias is not None
        assert not torch.equal(done.inside.bias, start.bias)
    start, done = trained(Protocol(Schedule(4, 1.0, 8), Attack(5), "step"), biases=biases)
    assert torch.equal(neurons(done.inside), neurons(done.outside))


def test_a_net_is_the_same_in_any_company() -> None:
    """Also where others stop earlier: patience 1 ends these nets in different epochs."""
    protocol = Protocol(Schedule(12, 0.5, 8), Attack(5), "epoch", patience=1)
    _, together = trained(protocol)
    assert len(set(together.epochs.tolist())) > 1
    for place in range(3):
        _, alone = trained(protocol, [place])
        assert int(alone.epochs[0]) == int(together.epochs[place])
        for one, other in ((alone.inside, together.inside), (alone.outside, together.outside)):
            torch.testing.assert_close(one.weight[0], other.weight[place], rtol=0, atol=1e-12)


def test_the_stop_rule_counts_epochs_without_a_gain(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the third epoch on; a gain of no more than 1e-4 is none, and a gain starts the count again."""
    curve = [0.9, 0.1, 0.1, 0.2, 0.20005, 0.15, 0.3, 0.3, 0.3, 0.3, 0.3]
    told = iter(curve)
    monkeypatch.setattr(adversarial._Training, "_pass", lambda self, x, y, rule: torch.full_like(self.eps, next(told)))
    _, done = trained(Protocol(Schedule(50, 1.0, 8), Attack(5), patience=3), [0])
    assert int(done.epochs[0]) == 10 and bool(done.stalled[0])  # 0.3 at the seventh, then three without a gain
    assert float(done.robust_train_accuracy[0]) == 0.3


def test_the_last_epoch_ends_it_too() -> None:
    _, done = trained(Protocol(Schedule(2, 1.0, 8), Attack(5)))
    assert done.epochs.tolist() == [2, 2, 2] and not bool(done.stalled.any())


def test_radius_zero_is_the_net_at_initialisation() -> None:
    start = initial([0], 30, 6, dtype=torch.float64)
    x, y = data()
    zero, eps = torch.zeros(1, dtype=torch.float64), EPS[:1]
    done = train(start, orders([0], len(x)), x, y, eps, zero, Protocol(Schedule(2, 1.0, 8), Attack(5)), bp)
    assert torch.equal(done.inside.weight, start.weight)


def test_training_raises_robust_accuracy() -> None:
    start, (x, y) = initial([0], 100, 6, dtype=torch.float64), data(100)
    eps = torch.tensor([0.1], dtype=torch.float64)
    huge = torch.tensor([10.0], dtype=torch.float64)
    done = train(start, orders([0], 100), x, y, eps, huge, Protocol(Schedule(30, 1.0, 20), Attack(10)), bp)

    def robust(nets: LazyNets) -> int:
        points = l2_pgd(gradient_field(nets, bp), x, y, eps, Attack(30), 100)
        return int((nets(points)[0] * y > 0).sum())

    assert robust(done.inside) >= 80 > 60 >= robust(start)
