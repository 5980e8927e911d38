"""What `lazy_regime.single_step` computes: trains nets of one shape and measures every test point, net by net."""

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from modules.lazy_regime.ball import radius
from modules.lazy_regime.data import Task, two_classes
from modules.lazy_regime.exact_flip import flip_steps
from modules.lazy_regime.nets import LazyNets, initial, net_seeds
from modules.lazy_regime.training import Schedule, train
from modules.lazy_regime.walk import walk
from suite.data import Dataset
from suite.gradients import GradientRule
from suite.gradients.diagnostics import input_gradient

if TYPE_CHECKING:
    from modules.lazy_regime.single_step import SingleStepConfig

_TRAINED_BYTES = 1 << 29  # of all copies of the weights that training holds at a time
_POINT_BYTES = 1 << 24  # of one array of neurons' inputs at the points whose gradients are computed at a time


def tasks(config: "SingleStepConfig", dataset: Dataset, device: torch.device) -> dict[int, Task]:
    """The two classes at every size; raises SuiteError for classes, sizes and images that will not do."""
    return {
        size: two_classes(
            dataset,
            config.classes,
            size,
            unit_norm=config.unit_norm,
            train_limit=config.train_limit,
            test_limit=config.test_limit,
            device=device,
        )
        for size in config.sizes
    }


def chunks(config: "SingleStepConfig", task: Task, m: int) -> list[list[int]]:
    """The runs 0, 1, ... in portions whose nets fit into memory side by side; the same on every machine."""
    copies = 6 + 2 * len(config.c0s)  # at the start and now, twice each, of the step; per radius kept and returned
    size = max(1, _TRAINED_BYTES // (4 * m * (task.d + config.biases) * copies))
    return [list(range(first, min(first + size, config.networks))) for first in range(0, config.networks, size)]


def measured(config: "SingleStepConfig", task: Task, m: int, runs: list[int], rule: GradientRule) -> dict[str, Any]:
    """Columns with a row per C0, run, direction and test point.

    direction: 0 the gradient of f, 1 that under the rule. margin: y f. norm: |x|. gradient: length of the direction
    before it is made a unit vector. delta: smallest flipping step along it. cosine: between the two directions. Of the
    net: d, m, c0, run, its SGD steps, whether it left the ball, and its distance from the start in units of 1 / sqrt m.
    """
    seeds = [net_seeds(config.seed, config.networks)[place] for place in runs]
    start = initial(seeds, m, task.d, biases=config.biases, device=task.x.device)
    schedule = Schedule(config.epochs, config.learning_rate, config.batch_size)
    radii = [radius(c0, m) for c0 in config.c0s]
    rows: list[dict[str, Any]] = []
    for c0, trained in zip(config.c0s, train(start, seeds, task.x, task.y, radii, config.stop, schedule), strict=True):
        for place, name in enumerate(runs):
            of_net = {"d": task.d, "m": m, "c0": float(c0), "run": name}
            of_net |= {"steps": int(trained.steps[place]), "left": bool(trained.left[place])}
            of_net |= {"distance": float(trained.distance[place]) * m**0.5}
            for direction, columns in enumerate(_directions(trained.nets.at([place]), task, rule, config)):
                rows.append({**of_net, "direction": direction, **columns})
    return {name: np.concatenate([np.broadcast_to(row[name], len(task.test_x)) for row in rows]) for name in rows[0]}


def _directions(net: LazyNets, task: Task, rule: GradientRule, config: "SingleStepConfig") -> list[dict[str, Any]]:
    """The measurements of one net along its gradient, and along the rule's unless that is backpropagation."""
    x, (f, gradient) = task.test_x, _value_and_gradient(net, task.test_x)
    compared = [gradient]
    if config.gradient != "bp":
        compared.append(_rule_gradient(rule(net), x, net.shape[1]))
    search = flip_steps if config.flip == "exact" else walk
    lengths = [torch.linalg.vector_norm(v[0].double(), dim=-1) for v in compared]
    inner = [(v[0].double() * gradient[0].double()).sum(-1) for v in compared]
    of_point = {"id": task.test_ids, "margin": f[0] * task.test_y, "norm": torch.linalg.vector_norm(x, dim=-1)}
    return [
        {
            name: values.cpu().numpy()
            for name, values in {
                **of_point,
                "gradient": length,
                "delta": search(net, x, -f.sign()[..., None] * v)[0],
                "cosine": product / (length * lengths[0]).clamp(min=torch.finfo(torch.float64).tiny),
            }.items()
        }
        for v, length, product in zip(compared, lengths, inner, strict=True)
    ]


def _value_and_gradient(net: LazyNets, x: Tensor) -> tuple[Tensor, Tensor]:
    parts = [net.value_and_gradient(chunk) for chunk in x.split(max(1, _POINT_BYTES // (4 * net.shape[1])))]
    return torch.cat([f for f, _ in parts], 1), torch.cat([gradient for _, gradient in parts], 1)


def _rule_gradient(model: torch.nn.Module, x: Tensor, m: int) -> Tensor:
    """The input gradient (1, N, d) of f under a gradient rule, by autograd."""
    parts = [
        input_gradient(model, chunk[None], chunk[None, :, 0], lambda f, _: torch.ones_like(f))
        for chunk in x.split(max(1, _POINT_BYTES // (4 * m)))
    ]
    return torch.cat(parts, 1)
