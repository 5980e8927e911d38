"""The work behind `lazy_regime.theory`: nets by d, m and C0, and what is measured at their points."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from modules.lazy_regime import ball, gradient_change
from modules.lazy_regime.data import Task, two_classes
from modules.lazy_regime.exact_flip import flip_steps
from modules.lazy_regime.nets import LazyNets, initial, keyed_generator, net_seeds, portions
from modules.lazy_regime.pgd import parts
from modules.lazy_regime.theory import largest_value, may_change_sign, outline, worst_flip
from modules.lazy_regime.training import Schedule, Trained, train
from modules.lazy_regime.worst_net import resist

if TYPE_CHECKING:
    from modules.lazy_regime.proof import TheoryConfig
    from suite.data import Dataset

_NUMBERS = 1 << 25  # weights that a search for worst nets holds at once, of each of about eight arrays


@dataclass(frozen=True)
class Cell:
    """One setting, and those of its nets that are worked on side by side: `str()` names it within its run."""

    size: int
    m: int
    runs: range
    c0: float

    def __str__(self) -> str:
        return f"size {self.size} m {self.m} runs {self.runs.start} to {self.runs.stop - 1} c0 {self.c0!r}"


class Scene:
    """What all cells of a run share.

    Attributes:
        cells: in the order of work, so that one training serves all C0 of a size and width.

    Raises:
        SuiteError: classes or sizes that the data set does not have, images that are zero everywhere.
    """

    def __init__(self, config: "TheoryConfig", dataset: "Dataset", device: torch.device) -> None:
        self.config, self.device = config, device
        self.tasks: dict[int, Task] = {
            size: two_classes(
                dataset, config.classes, size, unit_norm=True, train_limit=config.train_limit,
                test_limit=config.points, device=device,
            )
            for size in config.sizes
        }  # fmt: skip
        self.cells = [
            Cell(size, m, runs, c0)
            for size in config.sizes
            for m in config.widths
            for runs in portions(config.networks, m * self.tasks[size].d * (2 + len(config.c0s)))
            for c0 in config.c0s
        ]
        self._at: tuple[int, int, range] | None = None
        self._begin: LazyNets
        self._trained: dict[float, Trained]

    def links(self, cell: Cell) -> Mapping[str, Any]:
        """A row per net and point: f, its gradient, how both moved from W0, and the neurons that changed sign."""
        begin, nets, x = self._nets(cell)
        y, distance = self.tasks[cell.size].test_y, ball.distance(nets, begin)[:, None]
        found = [self._links(begin, nets, x[:, here], y[here], cell) for here in self._parts(cell, x)]
        return self._columns(cell, **_joined(found), distance=distance.expand(x.shape[:2]))

    def _links(self, begin: LazyNets, nets: LazyNets, x: Tensor, y: Tensor, cell: Cell) -> dict[str, Tensor]:
        radius = ball.radius(cell.c0, cell.m)
        (f0, g0), (f, g) = begin.value_and_gradient(x), nets.value_and_gradient(x)
        before, after, signs = begin.inner(x), nets.inner(x), begin.signs[:, None]
        ceiling = torch.maximum(largest_value(before, signs, radius), largest_value(before, -signs, radius))
        return {
            "initial_value": f0, "value": f, "ceiling": ceiling,
            "initial_gradient": _length(g0), "gradient": _length(g), "drift": _length(g - g0),
            "changed": ((before > 0) != (after > 0)).sum(-1), "may_change": may_change_sign(before, radius),
            "size": flip_steps(nets, x, g, -f.sign()), "correct": f * y > 0,
        }  # fmt: skip

    def around(self, cell: Cell) -> Mapping[str, Any]:
        """A row per ratio, net and point: how much the gradient changes in the ball, and the outline's bound."""
        _, nets, x = self._nets(cell)
        generator = keyed_generator(self.config.seed, f"around {cell}")
        columns = []
        for ratio in self.config.ratios:
            found = [self._around(nets, x[:, here], ratio, generator) for here in self._parts(cell, x)]
            columns.append(self._columns(cell, ratio=torch.full(x.shape[:2], ratio), **_joined(found)))
        return {name: [value for part in columns for value in part[name]] for name in columns[0]}

    def _around(self, nets: LazyNets, x: Tensor, ratio: float, generator: torch.Generator) -> dict[str, Tensor]:
        config, (f, g) = self.config, nets.value_and_gradient(x)
        length = _length(g)
        step = -f.sign()[..., None] * g / length[..., None]
        radius = ratio * f.abs() / length
        mean, largest = gradient_change.sampled(nets, x, radius, config.draws, generator)
        on_the_way = gradient_change.on_the_way(nets, x, step, radius)
        climbed = gradient_change.supremum(nets, x, step, radius, config.ascent, config.restarts, generator)
        supremum = torch.stack([largest, on_the_way, climbed]).amax(0)
        return {
            "radius": radius, "gradient": length, "sampled": mean, "sampled_largest": largest,
            "on_the_way": on_the_way, "supremum": supremum, "outline": outline(f, length, supremum, radius),
            "flipped": flip_steps(nets, x, step) <= radius,
        }  # fmt: skip

    def worst(self, cell: Cell) -> Mapping[str, Any]:
        """A row per net and point: the smallest flipping step of the worst net found in the ball, beside theory."""
        count = self.config.resisting
        begin, nets, x = self._nets(cell)
        x = x[:, _spread(x.shape[1], count)]
        radius = ball.radius(cell.c0, cell.m)
        f, g = begin.value_and_gradient(x)
        reach = cell.c0 * (begin.inner(x) > 0).to(f.dtype).mean(-1)
        rows = [self._resisting(begin.at([k]), nets.at([k]), x[k], radius) for k in range(len(x))]
        size, value, gradient, distance = (torch.stack([row[part] for row in rows]) for part in range(4))
        return self._columns(
            cell, size=size, resists=size.isinf(), linear=worst_flip(f, _length(g), reach),
            value=value, gradient=gradient, distance=distance,
        )  # fmt: skip

    def _resisting(self, begin: LazyNets, given: LazyNets, x: Tensor, radius: float) -> tuple[Tensor, ...]:
        """`resist` for one net and its points, as many at once as the memory holds."""
        _, m, d = begin.shape
        found = []
        for part in x.split(max(1, _NUMBERS // (m * d))):
            places = [0] * len(part)
            found.append(resist(begin.at(places), given.at(places), part, radius, self.config.search))
        return tuple(
            torch.cat([getattr(one, name) for one in found]) for name in ("size", "value", "gradient", "distance")
        )

    def _nets(self, cell: Cell) -> tuple[LazyNets, LazyNets, Tensor]:
        """The nets at initialisation and in their balls, and the points (S, N, d); one training serves all C0."""
        config, task, at = self.config, self.tasks[cell.size], (cell.size, cell.m, cell.runs)
        if self._at != at:
            seeds = [net_seeds(config.seed, config.networks)[run] for run in cell.runs]
            self._begin = initial(seeds, cell.m, task.d, device=self.device)
            radii = [ball.radius(c0, cell.m) for c0 in config.c0s]
            schedule = Schedule(config.epochs, config.learning_rate, config.batch_size)
            trained = train(self._begin, seeds, task.x, task.y, radii, "inside", schedule)
            self._at, self._trained = at, dict(zip(config.c0s, trained, strict=True))
        return self._begin, self._trained[cell.c0].nets, task.test_x.expand(len(cell.runs), *task.test_x.shape)

    def _parts(self, cell: Cell, x: Tensor) -> list[slice]:
        """Points that are worked on at once."""
        return parts(x.shape[1], len(x) * max(cell.m, x.shape[2]))

    def _columns(self, cell: Cell, **values: Tensor) -> dict[str, Any]:
        """Columns of a row per net and point from tensors (S, N); of fewer points, those at even distances."""
        ids = self.tasks[cell.size].test_ids
        shape = next(iter(values.values())).shape
        ids = ids[_spread(len(ids), shape[1])]
        return {
            "d": [self.tasks[cell.size].d] * shape.numel(),
            "m": [cell.m] * shape.numel(),
            "c0": [cell.c0] * shape.numel(),
            "run": torch.tensor(cell.runs).repeat_interleave(shape[1]).tolist(),
            "id": ids.repeat(shape[0]).tolist(),
            **{name: tensor.flatten().tolist() for name, tensor in values.items()},
        }


def _joined(found: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Tensors (S, n) of all parts of the points as one (S, N) each."""
    return {name: torch.cat([part[name] for part in found], 1) for name in found[0]}


def _spread(of: int, count: int) -> Tensor:
    """The places of `count` among `of` points, at even distances."""
    count = min(count, of)
    return torch.arange(count) * of // count


def _length(vectors: Tensor) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(vectors, dim=-1)
    return length
