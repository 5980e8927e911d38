"""Projected adversarial training of many lazy nets side by side (Wang et al. 2022, Sec. 5.2, Algorithm 1).

Each net has its own eps and its own ball, and leaves the batch when its own stop rule says so; nothing that happens to
it depends on the others. The paper's text and its released code differ in three places:

                        text, Algorithm 1           released code
    projection          after every step            once an epoch, after its steps
    examples            crafted for every batch     crafted once an epoch, for the whole training set
    evaluation          of a net in the ball        before that epoch's projection: of a net that may be outside

All of them can be had here: both projections and both ways to craft as settings, and `Outcome` holds the nets of either
side of the last projection.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from modules.lazy_regime.ball import neurons, project_rows, set_neurons
from modules.lazy_regime.nets import LazyNets
from modules.lazy_regime.pgd import Attack, gradient_field, l2_pgd
from modules.lazy_regime.training import Schedule, sgd_step, with_ones
from suite.gradients import GradientRule

Projection = Literal["step", "epoch"]
Crafting = Literal["epoch", "batch"]

GAIN = 1e-4  # by which robust training accuracy must beat the epoch before, for training not to have stalled
FIRST = 2  # the epoch, from 0, that is the first to be compared, as in the released code


@dataclass(frozen=True)
class Protocol:
    """Settings that all nets share; training stops after `patience` epochs in a row without a gain, or at the last."""

    schedule: Schedule
    attack: Attack
    projection: Projection = "step"
    crafting: Crafting = "epoch"
    patience: int = 21


@dataclass(frozen=True)
class Outcome:
    """The trained nets, in the order of their start.

    inside: after the last projection. outside: just before it; with a projection after every step, the same.
    epochs: (S,) int64. stalled: (S,) bool, the stop rule ended the training. robust_train_accuracy: (S,) of the last
    epoch, on its adversarial examples, each batch before its step.
    """

    inside: LazyNets
    outside: LazyNets
    epochs: Tensor
    stalled: Tensor
    robust_train_accuracy: Tensor


@torch.no_grad()
def train(
    start: LazyNets,
    order: Tensor,
    x: Tensor,
    y: Tensor,
    eps: Tensor,
    radii: Tensor,
    protocol: Protocol,
    rule: GradientRule,
) -> Outcome:
    """Trains S nets on adversarial examples of the points, within their balls.

    Args:
        start: the nets at initialisation; they stay as they are.
        order: (S, n) in which each net sees the points, the same in every epoch (training.orders).
        x, y: points (n, d) and labels (n,), +-1.
        eps, radii: (S,) of the examples' ball around a point and of the neurons' ball around their start.
        rule: crafts the examples; the weights' gradient is always the true one.

    Cost: 4 T n m d floating point operations per net and epoch, for T steps of PGD. Memory: 8 S m d + 2 S n d numbers.
    """
    training = _Training(start, order, eps, radii, protocol)
    for epoch in range(protocol.schedule.epochs):
        training.epoch(epoch, x, y, rule)
        if not len(training.here):
            break
    return training.outcome()


class _Training:
    """The nets that are still in training, A of S. here: (A,) which they are; the other tensors run along them."""

    def __init__(self, start: LazyNets, order: Tensor, eps: Tensor, radii: Tensor, protocol: Protocol) -> None:
        self.protocol, self.start = protocol, start
        self.here = torch.arange(len(order), device=order.device)
        self.nets, self.order, self.eps, self.radii = start.at(slice(None)), order, eps, radii
        self.begin, self.rows = neurons(start), neurons(start)
        self.accuracy = torch.zeros_like(eps)
        self.stale = torch.zeros_like(self.here)
        self.inside, self.outside = neurons(start), neurons(start)
        self.epochs, self.stalled = torch.zeros_like(self.here), torch.zeros_like(self.here, dtype=torch.bool)
        self.robust_train_accuracy = torch.zeros_like(eps)

    def epoch(self, number: int, x: Tensor, y: Tensor, rule: GradientRule) -> None:
        """One pass over the points; nets that have stalled then leave."""
        accuracy = self._pass(x, y, rule)
        before = self.rows
        if self.protocol.projection == "epoch":
            self.rows = project_rows(self.rows, self.begin, self.radii)
        gained = accuracy - self.accuracy > GAIN
        self.stale = torch.where(gained | (number < FIRST), 0, self.stale + 1)
        self.accuracy = accuracy
        stalled = self.stale >= self.protocol.patience
        done = stalled | (number + 1 == self.protocol.schedule.epochs)
        if bool(done.any()):  # the only look of the host at the device in an epoch
            self._keep(done, before, stalled, number + 1)

    def outcome(self) -> Outcome:
        """What the nets have become."""
        inside, outside = self.start.at(slice(None)), self.start.at(slice(None))
        set_neurons(inside, self.inside)
        set_neurons(outside, self.outside)
        return Outcome(inside, outside, self.epochs, self.stalled, self.robust_train_accuracy)

    def _pass(self, x: Tensor, y: Tensor, rule: GradientRule) -> Tensor:
        """The epoch's steps; the robust training accuracy (A,)."""
        protocol, nets = self.protocol, self.nets
        head, correct = nets.signs / nets.scale, torch.zeros_like(self.here)
        places = torch.arange(len(self.here), device=x.device)[:, None]
        crafted = self._crafted(x, y, rule) if protocol.crafting == "epoch" else None
        for batch in self.order.split(protocol.schedule.batch_size, 1):
            points = self._crafted(x[batch], y[batch], rule) if crafted is None else crafted[places, batch]
            step = sgd_step(self.rows, head, nets.output_bias, with_ones(nets, points), y[batch])
            step.apply(self.rows, protocol.schedule.learning_rate)
            correct += (step.margins > 0).sum(1)
            if protocol.projection == "step":
                self.rows = project_rows(self.rows, self.begin, self.radii)
        return correct / y.new_tensor(len(x))

    def _crafted(self, x: Tensor, y: Tensor, rule: GradientRule) -> Tensor:
        set_neurons(self.nets, self.rows)
        field = gradient_field(self.nets, rule)
        return l2_pgd(field, x, y, self.eps, self.protocol.attack, self.nets.shape[1])

    def _keep(self, done: Tensor, before: Tensor, stalled: Tensor, epochs: int) -> None:
        """Writes down the nets that are done, and goes on with the others."""
        finished, staying = self.here[done], ~done
        self.inside[finished], self.outside[finished] = self.rows[done], before[done]
        self.epochs[finished], self.stalled[finished] = epochs, stalled[done]
        self.robust_train_accuracy[finished] = self.accuracy[done]
        self.here, self.nets, self.order = self.here[staying], self.nets.at(staying), self.order[staying]
        self.eps, self.radii, self.begin = self.eps[staying], self.radii[staying], self.begin[staying]
        self.rows, self.accuracy, self.stale = self.rows[staying], self.accuracy[staying], self.stale[staying]
