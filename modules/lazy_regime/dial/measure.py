"""`lazy_regime.dial` measured: nets in balls of every size, their flips and their kernels."""

from collections.abc import Callable
from functools import lru_cache, partial
from math import inf
from typing import Any

import torch
from torch import Tensor

from modules.lazy_regime.data import Task, two_classes
from modules.lazy_regime.dial.config import DialConfig
from modules.lazy_regime.dial.nearest_flip import nearest_flip
from modules.lazy_regime.dial.pgd_flip import pgd_flips
from modules.lazy_regime.dial.tangent_kernel import drift
from modules.lazy_regime.exact_flip import flip_steps
from modules.lazy_regime.nets import LazyNets, initial, portions
from modules.lazy_regime.pgd import gradient_field, parts
from modules.lazy_regime.training import Schedule, Trained, train_in_balls
from suite.gradients import GradientRule, bp
from suite.measuring import Run

Balls = Callable[[int, range], tuple[LazyNets, dict[float, Trained]]]
"""Width and runs to the nets at initialisation and in every ball; one training serves all of them."""


def measure(config: DialConfig, run: Run) -> None:
    """Trains the nets in every ball, and measures their flips and kernels (ours, after Wang et al. 2022, Sec. 5.2).

    Raw table: `points`, one row per net, ball and test point, see `measured`; c0 is a gap where there is no ball.
    """
    task = two_classes(
        run.dataset(config.dataset), config.classes, config.size, unit_norm=config.unit_norm,
        train_limit=config.train_limit, test_limit=config.test_limit, device=run.device,
    )  # fmt: skip
    rule, c0s = run.gradient(config.gradient), [*sorted(config.c0s), inf]
    start = initial([0], min(config.widths), task.d, biases=config.biases, device=run.device)
    gradient_field(start, rule)(task.test_x[None, :1])  # a rule that cannot be applied is refused before any training
    schedule = Schedule(config.epochs, config.learning_rate, config.batch_size)

    @lru_cache(maxsize=1)
    def balls(m: int, runs: range) -> tuple[LazyNets, dict[float, Trained]]:
        return train_in_balls(task, m, c0s, runs, config.seed, schedule, stop=config.stop, biases=config.biases)

    cells = [
        (m, runs, c0)
        for m in config.widths
        for runs in portions(config.networks, m * task.d * (2 + len(c0s)))
        for c0 in c0s
    ]
    for m, runs, c0 in run.track(cells, "widths, nets, C0"):
        name = f"m {m} runs {runs.start} to {runs.stop - 1} c0 {c0!r}"
        columns = run.once(name, partial(measured, config, task, rule, balls, m, runs, c0))
        n = len(columns["id"])
        run.table("points").extend({"m": [m] * n, "c0": [None if c0 == inf else c0] * n, **columns})
    run.record(d=task.d, points=len(task.test_x))


def measured(
    config: DialConfig, task: Task, rule: GradientRule, balls: Balls, m: int, runs: range, c0: float
) -> dict[str, Any]:
    """Columns with a row per net and test point of a ball: margin y f, flips, and what holds for the whole net.

    single_step: along the gradient; rule_step: along the rule's direction; pgd, rule_pgd: the radius at which PGD
    flips, following either; many_steps: the smallest found. All are lengths, infinite where the point is not flipped.
    """
    start, of_balls = balls(m, runs)
    trained, x = of_balls[c0], task.test_x
    chunks = [
        _flips(config, rule, trained.nets, x[here], task.test_y[here])
        for here in parts(len(x), len(runs) * max(m, task.d))
    ]
    columns = {name: torch.cat([chunk[name] for chunk in chunks], 1) for name in chunks[0]}
    of_net = {
        "drift": torch.cat([drift(trained.nets.at([k]), start.at([k]), x) for k in range(len(runs))]),
        "distance": trained.distance * start.scale,
        "sgd_steps": trained.steps,
        "left": trained.left,
    }
    columns |= {name: values[:, None].expand(-1, len(x)) for name, values in of_net.items()}
    return {
        "run": torch.tensor(runs).repeat_interleave(len(x)).tolist(),
        "id": task.test_ids.repeat(len(runs)).tolist(),
        **{name: values.flatten().tolist() for name, values in columns.items()},
    }


def _flips(config: DialConfig, rule: GradientRule, nets: LazyNets, x: Tensor, y: Tensor) -> dict[str, Tensor]:
    """What one step and many do at some of the points, (S, n) each."""
    points = x.expand(nets.shape[0], *x.shape)
    f, gradient = nets.value_and_gradient(points)
    single = rule_step = flip_steps(nets, points, gradient, -f.sign())
    pgd = rule_pgd = pgd_flips(nets, gradient_field(nets, bp), x, config.pgd_steps)
    if config.gradient != "bp":
        field = gradient_field(nets, rule)
        rule_step = flip_steps(nets, points, field(points).expand_as(points), -f.sign())
        rule_pgd = pgd_flips(nets, field, x, config.pgd_steps)
    return {
        "margin": f * y,
        "norm": torch.linalg.vector_norm(points, dim=-1),
        "gradient": torch.linalg.vector_norm(gradient, dim=-1),
        "single_step": single,
        "rule_step": rule_step,
        "pgd": pgd,
        "rule_pgd": rule_pgd,
        "many_steps": nearest_flip(nets, points, config.steps),
    }
