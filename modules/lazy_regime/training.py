"""SGD on the logistic loss for many nets side by side, each until it leaves its lazy ball (Wang et al. 2022, Sec. 5.1).

Three rules say what becomes of a net that leaves the ball of radius C0 / sqrt m:

    inside   the last SGD iterate inside it is returned, looked for after every step: what the paper says
    outside  the first iterate outside it is returned, looked for after every epoch: what the released code does
    project  every step is projected back onto it, and training goes on to the last epoch (as in Algorithm 1)

The first two only watch, so that one trajectory serves all radii. The distance is not computed at every step: a step
moves no neuron further than rate / sqrt m times the batch's mean of |l'| ||x||, and only where the sum of these bounds
could reach the radius is the distance itself looked at. That saves time and changes no result.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from modules.lazy_regime.ball import neurons, project_rows, radius, row_distance, set_neurons
from modules.lazy_regime.data import Task
from modules.lazy_regime.nets import LazyNets, initial, keyed_generator, net_seeds

Stop = Literal["inside", "outside", "project"]

_ROUNDING = 1e-5  # by which sums of float32 bounds may be wrong, relatively


@dataclass(frozen=True)
class Schedule:
    """SGD's settings; the defaults are the paper's and the released code's (which has 1000 epochs)."""

    epochs: int
    learning_rate: float = 0.1
    batch_size: int = 64


@dataclass(frozen=True)
class Trained:
    """The nets that training returned for one radius.

    steps: (S,) int64, SGD steps behind each; 0 is a net that left its ball at the first step (rule `inside`).
    left: (S,) bool, whether training went beyond the ball, or with `project` would have.
    distance: (S,) of the returned nets from their start, 2,inf norm.
    """

    nets: LazyNets
    steps: Tensor
    left: Tensor
    distance: Tensor


def train(
    start: LazyNets, seeds: Sequence[int], x: Tensor, y: Tensor, radii: Sequence[float], stop: Stop, schedule: Schedule
) -> list[Trained]:
    """Trains S nets on the same points; gives the nets of every radius, in the order of `radii`.

    Args:
        start: the nets at initialisation; they stay as they are.
        seeds: (S,) seeds of the nets: they key the order of the samples.
        x, y: points (n, d) and labels (n,), +-1.
        radii: of the ball, >= 0, math.inf for none: C0 / sqrt m.

    Cost: 4 n m d floating point operations per net and epoch. Memory: (2 + number of radii) S m d numbers.
    """
    order = orders(seeds, len(x)).to(x.device)
    if stop == "project":
        return [_Trajectories(start, order, x, y, [limit]).trained(stop, schedule)[0] for limit in radii]
    limits = sorted(set(radii))
    trained = _Trajectories(start, order, x, y, limits).trained(stop, schedule)
    return [trained[limits.index(limit)] for limit in radii]


def train_in_balls(
    task: Task, m: int, c0s: Sequence[float], runs: Sequence[int], seed: int, schedule: Schedule,
    *, stop: Stop = "inside", biases: bool = False,
) -> tuple[LazyNets, dict[float, Trained]]:  # fmt: skip
    """The nets of some runs at initialisation, and as training returns them for the ball of every C0, by C0."""
    seeds = net_seeds(seed, runs)
    start = initial(seeds, m, task.d, biases=biases, device=task.x.device)
    return start, dict(
        zip(c0s, train(start, seeds, task.x, task.y, [radius(c0, m) for c0 in c0s], stop, schedule), strict=True)
    )


def orders(seeds: Sequence[int], n: int) -> Tensor:
    """The order in which each net sees the n samples (S, n): shuffled once, then the same in every epoch."""
    return torch.stack([torch.randperm(n, generator=keyed_generator(seed, "order")) for seed in seeds])


def with_ones(nets: LazyNets, x: Tensor) -> Tensor:
    """The points (..., d) as `ball.neurons` meet them: with a last column of ones for nets with biases."""
    return x if nets.bias is None else torch.cat([x, torch.ones_like(x[..., :1])], -1)


@dataclass(frozen=True)
class Step:
    """The gradient of a batch's mean loss in neurons, gates^T @ pulls (S, m, d), and how far it can move one of them.

    gates: a_s 1[w_s . x > 0] (S, B, m). pulls: (d loss / d f) x / sqrt m (S, B, d). bound: (S,) >= the length of every
    row of the gradient. margins: y f (S, B) before the step.
    """

    gates: Tensor
    pulls: Tensor
    bound: Tensor
    margins: Tensor

    def apply(self, rows: Tensor, rate: float) -> None:
        """rows -= rate x gradient, in place."""
        rows.mT.baddbmm_(self.pulls.mT, self.gates, alpha=-rate)


def sgd_step(rows: Tensor, head: Tensor, output_bias: Tensor | None, x: Tensor, y: Tensor) -> Step:
    """The step on the mean of log(1 + e^(-y f)) over a batch a net; nothing is changed yet.

    Args:
        rows: the nets' `neurons` (S, m, d), with biases (S, m, d + 1).
        head: a / sqrt m (S, m).
        output_bias: (S,) or None.
        x: (S, B, d), or `with_ones` (S, B, d + 1). y: (S, B), +-1.
    """
    terms = torch.bmm(x, rows.mT).relu_().mul_(head[:, None])
    f = terms.sum(-1)
    if output_bias is not None:
        f = f + output_bias[:, None]
    slope = -y * torch.sigmoid(-y * f) / (y.shape[1] * head.shape[1] ** 0.5)
    bound = (slope.abs() * torch.linalg.vector_norm(x, dim=-1)).sum(-1)
    return Step(terms.sign_(), x * slope[..., None], bound, y * f)


class _Trajectories:
    """S nets in training. A net whose iterates are kept for all limits is done and leaves the batch; A are still in it.

    limits: radii (R,), ascending. kept: by limit and net, the rows of the iterate to return, and its steps. here: (A,)
    which of the S nets. level: (A,) the place in limits of the radius that the net will pass next. reach: (A,) no
    neuron is further from its start. left: (R, S) whether the net passed the limit.
    """

    def __init__(self, start: LazyNets, order: Tensor, x: Tensor, y: Tensor, limits: Sequence[float]) -> None:
        self.start, self.order, self.x, self.y = start, order, with_ones(start, x), y
        self.limits = torch.tensor(limits, dtype=x.dtype, device=x.device)
        self.begin, self.rows = _by_columns(neurons(start)), _by_columns(neurons(start))
        self.head, self.output_bias = start.signs / start.scale, start.output_bias
        self.here = torch.arange(len(order), device=x.device)
        self.level = torch.zeros_like(self.here)
        self.reach = torch.zeros(len(order), dtype=x.dtype, device=x.device)
        self.left = torch.zeros(len(limits), len(order), dtype=torch.bool, device=x.device)
        self.kept: dict[tuple[int, int], tuple[Tensor, int]] = {}
        self.steps = 0

    def trained(self, stop: Stop, schedule: Schedule) -> list[Trained]:
        """The nets of each limit."""
        firsts = range(0, self.order.shape[1], schedule.batch_size)
        for _ in range(schedule.epochs):
            for first in firsts:
                if len(self.here):
                    self._step(self.order[self.here, first : first + schedule.batch_size], stop, schedule.learning_rate)
            if stop == "outside" and len(self.here):
                self.reach = row_distance(self.rows, self.begin)
                self._keep(torch.arange(len(self.here), device=self.here.device), self.rows, self.steps)
        return [self._returned(level) for level in range(len(self.limits))]

    def _step(self, batch: Tensor, stop: Stop, rate: float) -> None:
        step = sgd_step(self.rows, self.head, self.output_bias, self.x[batch], self.y[batch])
        self.reach = self.reach + rate * step.bound
        near = (self.reach > self.limits[self.level] * (1 - _ROUNDING)).nonzero().squeeze(1)
        if stop == "outside":
            near = near[:0]  # looked at after the epoch
        before = self.rows[near]
        step.apply(self.rows, rate)
        self.steps += 1
        if not len(near):
            return
        self.reach[near] = row_distance(self.rows[near], self.begin[near])
        if stop == "inside":
            self._keep(near, before, self.steps - 1)
        else:
            self._project(near)

    def _project(self, near: Tensor) -> None:
        limit = self.limits[0]
        over = near[self.reach[near] > limit]
        self.rows[over] = project_rows(self.rows[over], self.begin[over], limit)
        self.reach[over] = limit
        self.left[0, self.here[over]] = True

    def _keep(self, places: Tensor, iterates: Tensor, steps: int) -> None:
        """Keeps the iterates (len(places), m, d) for all limits that their nets have just passed."""
        passed = torch.searchsorted(self.limits, self.reach[places])  # how many limits lie below the distance
        for row, (place, level, beyond) in enumerate(
            zip(places.tolist(), self.level[places].tolist(), passed.tolist(), strict=True)
        ):
            if beyond > level:
                net, iterate = int(self.here[place]), iterates[row].clone()
                self.kept |= {(limit, net): (iterate, steps) for limit in range(level, beyond)}
                self.left[level:beyond, net] = True
        self.level[places] = torch.maximum(self.level[places], passed)
        staying = self.level < len(self.limits)
        if not bool(staying.all()):
            self._drop_all_but(staying)

    def _drop_all_but(self, staying: Tensor) -> None:
        self.here, self.level, self.reach = self.here[staying], self.level[staying], self.reach[staying]
        self.rows, self.begin = _by_columns(self.rows[staying]), _by_columns(self.begin[staying])
        self.head = self.head[staying]
        if self.output_bias is not None:
            self.output_bias = self.output_bias[staying]

    def _returned(self, level: int) -> Trained:
        """What is kept for a limit; for nets that never passed it, the last iterate."""
        begin, last = neurons(self.start), {int(net): place for place, net in enumerate(self.here)}
        iterates = [
            self.kept.get((level, net)) or (self.rows[last[net]], self.steps) for net in range(len(self.start.weight))
        ]
        nets, rows = self.start.at(slice(None)), torch.stack([iterate for iterate, _ in iterates])
        set_neurons(nets, rows)
        steps = torch.tensor([steps for _, steps in iterates], device=rows.device)
        return Trained(nets, steps, self.left[level], row_distance(rows, begin))


def _by_columns(rows: Tensor) -> Tensor:
    """The same rows (S, m, d), one input after another in memory: with few inputs, products are far faster."""
    return rows.mT.contiguous().mT
