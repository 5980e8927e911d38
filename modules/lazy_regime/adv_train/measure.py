"""`lazy_regime.adv_train` measured: blocks of nets of one shape, trained and attacked side by side."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from modules.lazy_regime.adv_train.adversarial import Projection, Protocol, train
from modules.lazy_regime.adv_train.config import AdvTrainConfig, Order, Panel
from modules.lazy_regime.ball import lengths, neurons, radius
from modules.lazy_regime.data import Task, two_classes
from modules.lazy_regime.nets import LazyNets, initial, net_seeds
from modules.lazy_regime.pgd import Attack, correct, gradient_field, l2_pgd
from modules.lazy_regime.training import Schedule, orders
from suite.gradients import GradientRule, bp
from suite.measuring import Run

NUMBERS = 2**28  # that the nets of a block and their examples may take while they are trained
TOUCHING = 0.999  # of the radius: a neuron as far as this from its start is held by the ball


@dataclass(frozen=True)
class Net:
    """A cell of a panel, in one of its runs."""

    eps: float
    radius: float
    run: int


@dataclass(frozen=True)
class Block:
    """Nets of one shape that are trained side by side: the unit of resume. `str()` names it within its run."""

    panel: Panel
    size: int
    m: int
    projection: Projection
    first: int
    nets: tuple[Net, ...]

    def __str__(self) -> str:
        last = self.first + len(self.nets) - 1
        return f"{self.panel} size {self.size} m {self.m} projected each {self.projection} nets {self.first}-{last}"


def measure(config: AdvTrainConfig, run: Run) -> None:
    """Trains the nets of Fig. 4 block by block, side by side, and attacks them (Wang et al. 2022, Sec. 5.2, Alg. 1).

    Raw table: `nets`, one row per net and order of projection and evaluation, see `measured`.
    """
    tasks, rule = tasks_of(config, run), run.gradient(config.gradient)
    task = next(iter(tasks.values()))
    start = initial([config.seed], 2, task.d, biases=config.biases, device=run.device)
    gradient_field(start, rule)(task.x[:2])  # a rule that cannot be applied is refused before any training
    parts = [(str(block), partial(measured, config, tasks[block.size], block, rule)) for block in blocks(config, tasks)]
    for columns in run.each(parts, "blocks of nets"):
        run.table("nets").extend(columns)
    run.record(samples={"train": len(task.y), "test": len(task.test_y)})


def tasks_of(config: AdvTrainConfig, run: Run) -> dict[int, Task]:
    """The two classes at each size; raises SuiteError for classes, sizes and images that will not do."""
    return {
        size: two_classes(
            run.dataset(config.dataset), config.classes, size, unit_norm=True,
            train_limit=config.train_limit, test_limit=config.test_limit, device=run.device,
        )
        for size in sorted({size for _, size, _, _ in _shapes(config)})
    }  # fmt: skip


def blocks(config: AdvTrainConfig, tasks: Mapping[int, Task]) -> Iterator[Block]:
    """All nets of the run, in blocks that fit into memory; the same on every machine."""
    for panel, size, m, projection in _shapes(config):
        if panel == "dimension":
            pairs = [(eps, radius(config.c0, m)) for eps in config.epsilons]
        else:
            pairs = [(config.eps, limit) for limit in config.radii]
        nets = tuple(Net(eps, limit, run) for run in range(config.networks) for eps, limit in pairs)
        d = tasks[size].d
        length = max(1, NUMBERS // (8 * m * d + 2 * len(tasks[size].y) * d))
        for first in range(0, len(nets), length):
            yield Block(panel, size, m, projection, first, nets[first : first + length])


def measured(config: AdvTrainConfig, task: Task, block: Block, rule: GradientRule) -> dict[str, Any]:
    """Columns with a row per net and order of projection and evaluation that the block's training serves.

    eps, radius: the cell's. epochs; stalled: whether the stop rule ended training. robust_train: robust accuracy in the
    last epoch, on its examples. clean, robust, by_rule: accuracy on n test images as they are, after PGD by true
    gradients, and after PGD under the rule. distance: of the net evaluated from its start, 2,inf norm, in units of
    1 / sqrt m. touching: share of its neurons on the ball's surface or beyond.
    """
    device, count = task.x.device, len(block.nets)
    seeds = net_seeds(config.seed, (net.run for net in block.nets))
    start = initial(seeds, block.m, task.d, biases=config.biases, device=device)
    eps = torch.tensor([net.eps for net in block.nets], dtype=torch.float32, device=device)
    radii = torch.tensor([net.radius for net in block.nets], dtype=torch.float32, device=device)
    schedule = Schedule(config.epochs, config.learning_rate, config.batch_size)
    attack = Attack(config.train_steps, config.clip)
    protocol = Protocol(schedule, attack, block.projection, config.crafting, config.patience)
    trained = train(start, orders(seeds, len(task.y)).to(device), task.x, task.y, eps, radii, protocol, rule)
    parts: list[dict[str, list[Any]]] = []
    for order in _orders(config, block.panel):
        if _projection(order) != block.projection:
            continue
        nets = trained.outside if order == "released" else trained.inside
        of_block = {"panel": block.panel, "order": order, "d": task.d, "m": block.m}
        parts.append(
            {
                **{name: [value] * count for name, value in of_block.items()},
                **{name: [getattr(net, name) for net in block.nets] for name in ("eps", "radius", "run")},
                "epochs": trained.epochs.tolist(),
                "stalled": trained.stalled.tolist(),
                "robust_train": trained.robust_train_accuracy.tolist(),
                **_accuracies(config, nets, task, eps, rule),
                **_distances(nets, start, radii),
                "n": [len(task.test_y)] * count,
            }
        )
    return {name: [value for part in parts for value in part[name]] for name in parts[0]}


def _accuracies(
    config: AdvTrainConfig, nets: LazyNets, task: Task, eps: Tensor, rule: GradientRule
) -> dict[str, list[float]]:
    def share(points: Tensor) -> list[float]:
        accuracy: list[float] = (correct(nets, points, task.test_y).double() / len(task.test_y)).tolist()
        return accuracy

    def attacked(under: GradientRule) -> list[float]:
        attack = Attack(config.attack_steps, config.clip)
        return share(l2_pgd(gradient_field(nets, under), task.test_x, task.test_y, eps, attack, nets.shape[1]))

    robust = attacked(bp)
    by_rule = robust if config.gradient == "bp" else attacked(rule)
    return {"clean": share(task.test_x), "robust": robust, "by_rule": by_rule}


def _distances(nets: LazyNets, start: LazyNets, radii: Tensor) -> dict[str, list[float]]:
    moved = lengths(neurons(nets) - neurons(start)).double()
    touching = (moved >= TOUCHING * radii[:, None].double()).double().mean(-1)
    return {"distance": (moved.amax(-1) * start.scale).tolist(), "touching": touching.tolist()}


def _shapes(config: AdvTrainConfig) -> Iterator[tuple[Panel, int, int, Projection]]:
    """Panel, size, width and projection of every group of nets that can be trained together."""
    for panel in config.panels:
        shapes = [(size, config.width) for size in config.sizes]
        if panel == "width":
            shapes = [(config.size, m) for m in config.widths]
        for projection in dict.fromkeys(_projection(order) for order in _orders(config, panel)):
            for size, m in shapes:
                yield panel, size, m, projection


def _orders(config: AdvTrainConfig, panel: Panel) -> tuple[Order, ...]:
    return config.orders[:1] if panel == "dimension" else config.orders


def _projection(order: Order) -> Projection:
    return "step" if order == "step" else "epoch"
