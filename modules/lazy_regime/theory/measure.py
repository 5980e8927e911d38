"""`lazy_regime.theory` measured: every link of the proof at points of nets, and the nets that resist the step most."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import torch
from torch import Tensor

from modules.lazy_regime import ball
from modules.lazy_regime.data import Task, two_classes
from modules.lazy_regime.exact_flip import flip_steps
from modules.lazy_regime.nets import LazyNets, keyed_generator, portions
from modules.lazy_regime.pgd import parts
from modules.lazy_regime.theory import gradient_change
from modules.lazy_regime.theory.config import TheoryConfig
from modules.lazy_regime.theory.given_nets import largest_value, may_change_sign, outline, worst_flip
from modules.lazy_regime.theory.worst_net import resist
from modules.lazy_regime.training import Schedule, Trained, train_in_balls
from suite.measuring import Run

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

    @property
    def radius(self) -> float:
        """C0 / sqrt m."""
        return ball.radius(self.c0, self.m)


def measure(config: TheoryConfig, run: Run) -> None:
    """Every link of the proof, its condition, and the worst nets (Wang et al. 2022, Theorem 3.1, Lemmas 4.1-4.4).

    Raw tables: `points`, `around` and, with --resisting, `worst`; see the methods of `GivenNets`.
    """
    nets = GivenNets(config, run)
    for cell in run.track(nets.cells(), "sizes, widths, C0"):
        run.table("points").extend(run.once(f"links {cell}", partial(nets.links, cell)))
        run.table("around").extend(run.once(f"around {cell}", partial(nets.around, cell)))
        if config.resisting and cell.c0 > 0:
            run.table("worst").extend(run.once(f"worst {cell}", partial(nets.worst, cell)))


class GivenNets:
    """The nets of all cells, trained when they are first asked for, and what is measured at their points.

    Raises:
        SuiteError: classes or sizes that the data set does not have, images that are zero everywhere.
    """

    def __init__(self, config: TheoryConfig, run: Run) -> None:
        self.config, dataset = config, run.dataset(config.dataset)
        self.tasks: dict[int, Task] = {
            size: two_classes(
                dataset, config.classes, size, unit_norm=True, train_limit=config.train_limit,
                test_limit=config.points, device=run.device,
            )
            for size in config.sizes
        }  # fmt: skip
        self._trained = lru_cache(maxsize=1)(self._train)

    def cells(self) -> list[Cell]:
        """In the order of work, so that one training serves all C0 of a size and width."""
        config = self.config
        return [
            Cell(size, m, runs, c0)
            for size in config.sizes
            for m in config.widths
            for runs in portions(config.networks, m * self.tasks[size].d * (2 + len(config.c0s)))
            for c0 in config.c0s
        ]

    def links(self, cell: Cell) -> Mapping[str, Any]:
        """A row per net and point: f, its gradient, how both moved from W0, changed signs, and the change near x."""
        start, nets, x = self._nets(cell)
        y, distance = self.tasks[cell.size].test_y, ball.distance(nets, start)[:, None]
        generator = keyed_generator(self.config.seed, f"links {cell}")
        columns = _joined(
            _links(start, nets, x[:, here], y[here], cell.radius) | _near(nets, x[:, here], self.config, generator)
            for here in _parts(cell, x)
        )
        return self._columns(cell, **columns, distance=distance.expand(x.shape[:2]))

    def around(self, cell: Cell) -> Mapping[str, Any]:
        """A row per ratio, net and point: how much the gradient changes in the ball, and the outline's bound."""
        _, nets, x = self._nets(cell)
        generator = keyed_generator(self.config.seed, f"around {cell}")
        of_ratios = []
        for ratio in self.config.ratios:
            columns = _joined(_around(nets, x[:, here], ratio, self.config, generator) for here in _parts(cell, x))
            of_ratios.append(self._columns(cell, ratio=torch.full(x.shape[:2], ratio), **columns))
        return {name: [value for part in of_ratios for value in part[name]] for name in of_ratios[0]}

    def worst(self, cell: Cell) -> Mapping[str, Any]:
        """A row per net and point: the smallest flipping step of the worst net found in the ball, beside theory."""
        start, nets, x = self._nets(cell)
        x = x[:, _spread(x.shape[1], self.config.resisting)]
        f, g = start.value_and_gradient(x)
        reach = cell.c0 * (start.inner(x) > 0).to(f.dtype).mean(-1)
        rows = [_resisting(start.at([k]), nets.at([k]), x[k], cell.radius, self.config.search) for k in range(len(x))]
        size, value, gradient, distance = (torch.stack([row[part] for row in rows]) for part in range(4))
        return self._columns(
            cell, size=size, resists=size.isinf(), linear=worst_flip(f, _length(g), reach),
            value=value, gradient=gradient, distance=distance,
        )  # fmt: skip

    def _train(self, size: int, m: int, runs: range) -> tuple[LazyNets, dict[float, Trained]]:
        config = self.config
        schedule = Schedule(config.epochs, config.learning_rate, config.batch_size)
        return train_in_balls(self.tasks[size], m, config.c0s, runs, config.seed, schedule)

    def _nets(self, cell: Cell) -> tuple[LazyNets, LazyNets, Tensor]:
        """The nets at initialisation and in their balls, and the points (S, N, d)."""
        start, balls = self._trained(cell.size, cell.m, cell.runs)
        x = self.tasks[cell.size].test_x
        return start, balls[cell.c0].nets, x.expand(len(cell.runs), *x.shape)

    def _columns(self, cell: Cell, **values: Tensor) -> dict[str, Any]:
        """Columns of a row per net and point from tensors (S, N); of fewer points, those at even distances."""
        d, ids = self.tasks[cell.size].d, self.tasks[cell.size].test_ids
        S, N = next(iter(values.values())).shape
        return {
            "d": [d] * (S * N),
            "m": [cell.m] * (S * N),
            "c0": [cell.c0] * (S * N),
            "run": torch.tensor(cell.runs).repeat_interleave(N).tolist(),
            "id": ids[_spread(len(ids), N)].repeat(S).tolist(),
            **{name: tensor.flatten().tolist() for name, tensor in values.items()},
        }


def _links(start: LazyNets, nets: LazyNets, x: Tensor, y: Tensor, radius: float) -> dict[str, Tensor]:
    (f0, g0), (f, g) = start.value_and_gradient(x), nets.value_and_gradient(x)
    before, after, signs = start.inner(x), nets.inner(x), start.signs[:, None]
    ceiling = torch.maximum(largest_value(before, signs, radius), largest_value(before, -signs, radius))
    return {
        "initial_value": f0, "value": f, "ceiling": ceiling,
        "initial_gradient": _length(g0), "gradient": _length(g), "drift": _length(g - g0),
        "changed": ((before > 0) != (after > 0)).sum(-1), "may_change": may_change_sign(before, radius),
        "size": flip_steps(nets, x, g, -f.sign()), "correct": f * y > 0,
    }  # fmt: skip


def _around(
    nets: LazyNets, x: Tensor, ratio: float, config: TheoryConfig, generator: torch.Generator
) -> dict[str, Tensor]:
    f, g = nets.value_and_gradient(x)
    length = _length(g)
    step = -f.sign()[..., None] * g / length[..., None]
    radius = ratio * f.abs() / length
    changes = _changes(nets, x, step, radius, config, generator)
    return {
        "radius": radius, "gradient": length, **changes,
        "outline": outline(f, length, changes["supremum"], radius), "flipped": flip_steps(nets, x, step) <= radius,
    }  # fmt: skip


def _near(nets: LazyNets, x: Tensor, config: TheoryConfig, generator: torch.Generator) -> dict[str, Tensor]:
    """Lemma 4.4: the largest change of the gradient that is found within 1 / sqrt(d), the order of a flip."""
    f, g = nets.value_and_gradient(x)
    step, radius = -f.sign()[..., None] * g / _length(g)[..., None], torch.full_like(f, x.shape[-1] ** -0.5)
    return {"change": _changes(nets, x, step, radius, config, generator)["supremum"]}


def _changes(
    nets: LazyNets, x: Tensor, step: Tensor, radius: Tensor, config: TheoryConfig, generator: torch.Generator
) -> dict[str, Tensor]:
    """Changes of the gradient within the radii (S, N): at random, on the straight step's way, the largest of all."""
    mean, largest = gradient_change.sampled(nets, x, radius, config.draws, generator)
    on_the_way = gradient_change.on_the_way(nets, x, step, radius)
    ascended = gradient_change.supremum(nets, x, step, radius, config.ascent, config.restarts, generator)
    supremum = torch.stack([largest, on_the_way, ascended]).amax(0)
    return {"sampled": mean, "sampled_largest": largest, "on_the_way": on_the_way, "supremum": supremum}


def _resisting(start: LazyNets, given: LazyNets, x: Tensor, radius: float, steps: int) -> tuple[Tensor, ...]:
    """`resist` for one net and its points, as many at once as the memory holds."""
    _, m, d = start.shape
    portions_of_points = x.split(max(1, _NUMBERS // (m * d)))
    worst = [resist(start.at([0] * len(x)), given.at([0] * len(x)), x, radius, steps) for x in portions_of_points]
    return tuple(torch.cat([getattr(one, name) for one in worst]) for name in ("size", "value", "gradient", "distance"))


def _parts(cell: Cell, x: Tensor) -> list[slice]:
    """Points that are worked on at once."""
    return parts(x.shape[1], len(x) * max(cell.m, x.shape[2]))


def _joined(of_parts: Iterator[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Tensors (S, n) of all parts of the points as one (S, N) each."""
    columns = list(of_parts)
    return {name: torch.cat([part[name] for part in columns], 1) for name in columns[0]}


def _spread(of: int, count: int) -> Tensor:
    """The places of `count` among `of` points, at even distances."""
    count = min(count, of)
    return torch.arange(count) * of // count


def _length(vectors: Tensor) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(vectors, dim=-1)
    return length
