"""The one-layer teacher-student training of Li et al., Sec. 3.2, for many runs as one tensor computation.

Axes of a state: runs R, gradient rules (BP, LinBP), coordinates d.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat

import numpy as np
import torch
from torch import Tensor

from modules.linbp import theory
from modules.linbp.simulation import (
    DISTANCES,
    LOSSES,
    RULES,
    ConditionLog,
    l1_distance,
    one_thread,
    read_steps,
    run_generator,
    stacked,
)
from modules.linbp.theory_train.config import TheoryTrainConfig

BLOCK = 16  # steps whose fresh samples are drawn at once; torch's stream is the same however a multiple of 16 is cut


@dataclass(frozen=True)
class Students:
    """What the runs draw, in float64: the teacher's w* and the start (R, 1, d), and X (R, N, d) where it is fixed."""

    w_star: Tensor
    start: Tensor
    X: Tensor | None


def draw(config: TheoryTrainConfig, runs: Sequence[int], device: torch.device) -> Students:
    """w* ~ N(mu, sigma1^2), w0 ~ N(0, sigma2^2), X standard Gaussian: Sec. 4.1."""
    c, drawn = config, []
    for run in runs:
        generator = run_generator(c.seed, run)
        drawn.append([generator.standard_normal(shape) for shape in ((1, c.d), (1, c.d), (c.d, c.n))])
    w_star, start, X = (stacked(arrays, device) for arrays in zip(*drawn, strict=True))
    return Students(c.mu + c.sigma1 * w_star, c.sigma2 * start, None if c.fresh else X.mT)


def samples(config: TheoryTrainConfig, runs: Sequence[int], students: Students) -> Iterator[tuple[Tensor, Tensor]]:
    """For each step the samples X (R, N, d) and the teacher's answers (R, 1, N): the same every time, or fresh ones."""
    if students.X is not None:
        yield from repeat((students.X, theory.one_layer(students.X, students.w_star)))
    for X in _fresh(config, runs, students.start.device):
        yield X, theory.one_layer(X, students.w_star)


def simulated(
    config: TheoryTrainConfig, runs: Sequence[int], students: Students
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """w^(0), w^(1), ... (R, 2, d) of Eq. 20 with the gradients of Eq. 18 and 19; each with its X and answers."""
    w = students.start.expand(-1, len(RULES), -1).contiguous()
    for X, target in samples(config, runs, students):
        yield w, X, target
        w = w - config.step_size / config.divisor * theory.training_gradients(X, w, target)


def expected(config: TheoryTrainConfig, students: Students) -> Iterator[Tensor]:
    """The iterates that the proof of Theorem 2 follows: those of Eq. 73 and 74."""
    w, w_star, units = (
        students.start.expand(-1, len(RULES), -1).contiguous(),
        students.w_star,
        config.n / config.divisor,
    )
    while True:
        yield w
        bp = theory.expected_bp_gradient(w[:, :1], w_star, units)
        linbp = theory.expected_linbp_gradient(w[:, 1:], w_star, units)
        w = w - config.step_size * torch.cat([bp, linbp], 1)


@one_thread()
def curves(config: TheoryTrainConfig, runs: Sequence[int], device: torch.device) -> dict[str, np.ndarray]:
    """Columns, a row per run and step that is read (in this order): l1 distances to w*, losses, and Eq. 22's shares.

    A loss is that of Eq. 17 on the step's own samples, divided as the gradients are. `held TRAJECTORY UNITS` is the
    share of coordinates for which Eq. 22 has held up to that step.
    """
    students, steps = draw(config, runs, device), read_steps(config.steps)
    log, read = ConditionLog(students.start, students.w_star, config.rates), set(steps)
    values: list[Tensor] = []
    both = zip(simulated(config, runs, students), expected(config, students), strict=False)
    for step, ((w, X, target), v) in zip(range(config.steps + 1), both, strict=False):
        if step in read:
            distances = l1_distance(torch.cat([w, v], 1), students.w_star).T
            losses = theory.training_loss(X, w, target).T / config.divisor
            values.append(torch.cat([distances, losses, log.read()]))
        log.take(w[:, 0], v[:, 0])
    index = np.indices((len(runs), len(steps))).reshape(2, -1)
    columns = {"run": np.array(runs)[index[0]], "step": np.array(steps)[index[1]]}
    names = (*DISTANCES, *LOSSES, *log.names)
    return columns | dict(zip(names, torch.stack(values, -1).flatten(1).cpu().numpy(), strict=True))


def _fresh(config: TheoryTrainConfig, runs: Sequence[int], device: torch.device) -> Iterator[Tensor]:
    """Samples (R, N, d) for one step after another, each run from its own generator.

    Drawing is most of the work: torch's float32 generator takes a quarter of the time of numpy's. It keeps 32 bits of
    a seed, hence `first + run`, which no two runs of a study share.
    """
    first = int(run_generator(config.seed, 2**63).integers(2**32))
    generators = [torch.Generator().manual_seed((first + run) % 2**32) for run in runs]
    block = torch.empty(len(runs), BLOCK, config.d, config.n, dtype=torch.float32)
    while True:
        for part, generator in zip(block, generators, strict=True):
            part.normal_(generator=generator)
        here = block.to(device)
        for k in range(BLOCK):
            yield here[:, k].to(torch.float64).mT
