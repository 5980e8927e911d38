"""What `lazy_regime.adv_train` computes: blocks of nets of one shape, trained and attacked side by side."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from modules.lazy_regime.adversarial import Projection, Protocol, train
from modules.lazy_regime.ball import lengths, neurons, radius
from modules.lazy_regime.data import Task, two_classes
from modules.lazy_regime.nets import LazyNets, initial, net_seeds
from modules.lazy_regime.pgd import Attack, correct, gradient_field, l2_pgd
from modules.lazy_regime.training import Schedule, orders
from suite.gradients import bp

if TYPE_CHECKING:
    from modules.lazy_regime.adv_train import AdvTrainConfig, Order, Panel
    from suite.host.run import Run

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

    panel: "Panel"
    size: int
    m: int
    projection: Projection
    first: int
    nets: tuple[Net, ...]

    def __str__(self) -> str:
        last = self.first + len(self.nets) - 1
        return f"{self.panel} size {self.size} m {self.m} projected each {self.projection} nets {self.first}-{last}"


class Scene:
    """What the blocks share: the images at each size, the settings and the rule.

    Raises SuiteError for classes, sizes, images and gradient rules that will not do, before any training.
    """

    def __init__(self, config: "AdvTrainConfig", run: "Run") -> None:
        self.config, self.device = config, run.device
        dataset, sizes = run.dataset(config.dataset), {size for _, size, _, _ in _shapes(config)}
        self.tasks = {
            size: two_classes(
                dataset,
                config.classes,
                size,
                unit_norm=True,
                train_limit=config.train_limit,
                test_limit=config.test_limit,
                device=run.device,
            )
            for size in sorted(sizes)
        }
        self.rule = run.gradient(config.gradient)
        task = next(iter(self.tasks.values()))
        gradient_field(initial([config.seed], 2, task.d, biases=config.biases, device=run.device), self.rule)(
            task.x[:2]
        )
        self.blocks = list(_blocks(config, self.tasks))
        self.seconds: dict[str, float] = {}

    @property
    def samples(self) -> dict[str, int]:
        """How many images are trained on, and tested."""
        task = next(iter(self.tasks.values()))
        return {"train": len(task.y), "test": len(task.test_y)}

    def measured(self, block: Block) -> dict[str, Any]:
        """Columns with a row per net and order of projection and evaluation that the block's training serves.

        eps, radius: the cell's. epochs; stalled: whether the stop rule ended training. robust_train: robust accuracy
        in the last epoch, on its examples. clean, robust, by_rule: accuracy on n test images as they are, after PGD by
        true gradients, and after PGD under the rule. distance: of the net evaluated from its start, 2,inf norm, in
        units of 1 / sqrt m. touching: share of its neurons on the ball's surface or beyond.
        """
        begin, config, task = time.perf_counter(), self.config, self.tasks[block.size]
        names = net_seeds(config.seed, config.networks)
        seeds = [names[net.run] for net in block.nets]
        start = initial(seeds, block.m, task.d, biases=config.biases, device=self.device)
        eps, radii = (
            torch.tensor(values, dtype=torch.float32, device=self.device)
            for values in ([net.eps for net in block.nets], [net.radius for net in block.nets])
        )
        order = orders(seeds, len(task.y)).to(self.device)
        done = train(start, order, task.x, task.y, eps, radii, self._protocol(block.projection), self.rule)
        rows: dict[str, list[Any]] = {}
        for name in _orders(config, block):
            nets = done.outside if name == "released" else done.inside
            columns: dict[str, Any] = {
                "panel": [block.panel] * len(seeds),
                "order": [name] * len(seeds),
                "d": [task.d] * len(seeds),
                "m": [block.m] * len(seeds),
                "eps": [net.eps for net in block.nets],
                "radius": [net.radius for net in block.nets],
                "run": [net.run for net in block.nets],
                "epochs": done.epochs.tolist(),
                "stalled": done.stalled.tolist(),
                "robust_train": done.robust_train_accuracy.tolist(),
                **self._accuracies(nets, task, eps),
                **_distances(nets, start, radii),
                "n": [len(task.test_y)] * len(seeds),
            }
            for column, values in columns.items():
                rows.setdefault(column, []).extend(values)
        self.seconds[str(block)] = round(time.perf_counter() - begin, 3)
        return rows

    def _protocol(self, projection: Projection) -> Protocol:
        c = self.config
        schedule = Schedule(c.epochs, c.learning_rate, c.batch_size)
        return Protocol(schedule, Attack(c.train_steps, c.clip), projection, c.crafting, c.patience)

    def _accuracies(self, nets: LazyNets, task: Task, eps: Tensor) -> dict[str, list[float]]:
        attack = Attack(self.config.attack_steps, self.config.clip)

        def share(points: Tensor) -> list[float]:
            accuracy: list[float] = (correct(nets, points, task.test_y).double() / len(task.test_y)).tolist()
            return accuracy

        def attacked(rule: Any) -> list[float]:
            field = gradient_field(nets, rule)
            return share(l2_pgd(field, task.test_x, task.test_y, eps, attack, nets.shape[1]))

        robust = attacked(bp)
        by_rule = robust if self.config.gradient == "bp" else attacked(self.rule)
        return {"clean": share(task.test_x), "robust": robust, "by_rule": by_rule}


def _distances(nets: LazyNets, start: LazyNets, radii: Tensor) -> dict[str, list[float]]:
    moved = lengths(neurons(nets) - neurons(start)).double()
    touching = (moved >= TOUCHING * radii[:, None].double()).double().mean(-1)
    return {"distance": (moved.amax(-1) * start.scale).tolist(), "touching": touching.tolist()}


def _shapes(config: "AdvTrainConfig") -> Iterator[tuple["Panel", int, int, Projection]]:
    """Panel, size, width and projection of every group of nets that can be trained together."""
    for panel in config.panels:
        wanted = config.orders[:1] if panel == "dimension" else config.orders
        shapes = [(size, config.width) for size in config.sizes]
        if panel == "width":
            shapes = [(config.size, m) for m in config.widths]
        for projection in dict.fromkeys(_projection(order) for order in wanted):
            for size, m in shapes:
                yield panel, size, m, projection


def _blocks(config: "AdvTrainConfig", tasks: dict[int, Task]) -> Iterator[Block]:
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


def _orders(config: "AdvTrainConfig", block: Block) -> list["Order"]:
    wanted = config.orders[:1] if block.panel == "dimension" else config.orders
    return [order for order in wanted if _projection(order) == block.projection]


def _projection(order: "Order") -> Projection:
    return "step" if order == "step" else "epoch"
