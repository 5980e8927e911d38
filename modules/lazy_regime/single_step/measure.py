"""`lazy_regime.single_step` measured: nets are trained in their lazy balls, and every test point is flipped."""

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from modules.lazy_regime.data import Task, two_classes
from modules.lazy_regime.exact_flip import flip_steps
from modules.lazy_regime.line_search import line_search
from modules.lazy_regime.nets import LazyNets
from modules.lazy_regime.single_step.config import SingleStepConfig
from modules.lazy_regime.training import Schedule, train_in_balls
from suite.data import Dataset
from suite.gradients import GradientRule
from suite.gradients.diagnostics import input_gradient
from suite.measuring import Run

_TRAINED_BYTES = 1 << 29  # of all copies of the weights that training holds at a time
_POINT_BYTES = 1 << 24  # of one array of neurons' inputs at the points whose gradients are computed at a time


def measure(config: SingleStepConfig, run: Run) -> None:
    """Trains the grid of nets and measures every test point (Wang et al. 2022, Sec. 5.1).

    Raw table: `samples`, one row per net, direction and test point, see `measured`.
    """
    tasks, rule = tasks_of(config, run.dataset(config.dataset), run.device), run.gradient(config.gradient)
    parts = [
        (
            f"size {size} m {m} runs {runs[0]} to {runs[-1]}",
            partial(measured, config, task, m, runs, rule),
        )
        for size, task in tasks.items()
        for m in config.widths
        for runs in portions(config, task, m)
    ]
    for columns in run.each(parts, "sizes, widths, runs"):
        run.table("samples").extend(columns)


def tasks_of(config: SingleStepConfig, dataset: Dataset, device: torch.device) -> dict[int, Task]:
    """The two classes at every size; raises SuiteError for classes, sizes and images that will not do."""
    return {
        size: two_classes(
            dataset, config.classes, size, unit_norm=config.unit_norm,
            train_limit=config.train_limit, test_limit=config.test_limit, device=device,
        )
        for size in config.sizes
    }  # fmt: skip


def portions(config: SingleStepConfig, task: Task, m: int) -> list[list[int]]:
    """The runs 0, 1, ... in portions whose nets fit into memory side by side; the same on every machine."""
    copies = 6 + 2 * len(config.c0s)  # at the start and now, twice each, of the step; per radius kept and returned
    size = max(1, _TRAINED_BYTES // (4 * m * (task.d + config.biases) * copies))
    return [list(range(first, min(first + size, config.networks))) for first in range(0, config.networks, size)]


def measured(config: SingleStepConfig, task: Task, m: int, runs: list[int], rule: GradientRule) -> dict[str, Any]:
    """Columns with a row per C0, run, direction and test point.

    direction: `bp` the gradient of f, else that under the rule. margin: y f. norm: |x|. gradient: length of the
    direction before it is made a unit vector. delta: smallest flipping step along it, infinite where there is none.
    cosine: between the two directions. Of the net: d, m, c0, run, its SGD steps, whether it left the ball, and its
    distance from the start in units of 1 / sqrt m.
    """
    schedule = Schedule(config.epochs, config.learning_rate, config.batch_size)
    _, balls = train_in_balls(task, m, config.c0s, runs, config.seed, schedule, stop=config.stop, biases=config.biases)
    rows: list[dict[str, Any]] = []
    for c0, trained in balls.items():
        for place, name in enumerate(runs):
            of_net = {
                "d": task.d, "m": m, "c0": float(c0), "run": name,
                "steps": int(trained.steps[place]), "left": bool(trained.left[place]),
                "distance": float(trained.distance[place]) * m**0.5,
            }  # fmt: skip
            for direction, columns in _along(trained.nets.at([place]), task, rule, config).items():
                rows.append({**of_net, "direction": direction, **columns})
    return {name: np.concatenate([np.broadcast_to(row[name], len(task.test_x)) for row in rows]) for name in rows[0]}


def _along(net: LazyNets, task: Task, rule: GradientRule, config: SingleStepConfig) -> dict[str, dict[str, Any]]:
    """The measurements of one net along its gradient, and along the rule's unless that is backpropagation."""
    x, (f, gradient) = task.test_x, _value_and_gradient(net, task.test_x)
    directions = {"bp": gradient}
    if config.gradient != "bp":
        directions[config.gradient] = _rule_gradient(rule(net), x, net.shape[1])
    search = flip_steps if config.flip == "exact" else line_search
    true = gradient[0].double()
    columns = {}
    for name, v in directions.items():
        length = torch.linalg.vector_norm(v[0].double(), dim=-1)
        lengths = length * torch.linalg.vector_norm(true, dim=-1)
        of_points = {
            "id": task.test_ids,
            "margin": f[0] * task.test_y,
            "norm": torch.linalg.vector_norm(x, dim=-1),
            "gradient": length,
            "delta": search(net, x, -f.sign()[..., None] * v)[0],
            "cosine": (v[0].double() * true).sum(-1) / lengths.clamp(min=torch.finfo(torch.float64).tiny),
        }
        columns[name] = {column: values.cpu().numpy() for column, values in of_points.items()}
    return columns


def _value_and_gradient(net: LazyNets, x: Tensor) -> tuple[Tensor, Tensor]:
    parts = [net.value_and_gradient(chunk) for chunk in x.split(max(1, _POINT_BYTES // (4 * net.shape[1])))]
    return torch.cat([f for f, _ in parts], 1), torch.cat([gradient for _, gradient in parts], 1)


def _rule_gradient(model: nn.Module, x: Tensor, m: int) -> Tensor:
    """The input gradient (1, N, d) of f under a gradient rule, by autograd."""
    parts = [
        input_gradient(model, chunk[None], chunk[None, :, 0], lambda f, _: torch.ones_like(f))
        for chunk in x.split(max(1, _POINT_BYTES // (4 * m)))
    ]
    return torch.cat(parts, 1)
