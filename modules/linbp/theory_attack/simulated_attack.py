"""The two-layer teacher-student attack of Li et al., Sec. 3.1, for many runs as one tensor computation.

Axes of a state: runs R, gradient rules (BP, LinBP), update modes M, coordinates d1.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from modules.linbp import theory
from modules.linbp.simulation import (
    DISTANCES,
    RULES,
    ConditionLog,
    l1_distance,
    one_thread,
    read_steps,
    run_generator,
    stacked,
)
from modules.linbp.theory_attack.config import TheoryAttackConfig


@dataclass(frozen=True)
class Teachers:
    """What the runs draw: W (R, d2, d1), V (R, d3, d2), the optimum x* and the start (R, 1, d1), in float64."""

    W: Tensor
    V: Tensor
    x_star: Tensor
    start: Tensor

    @property
    def target(self) -> Tensor:
        """g(W, V, x*) (R, 1, d3)."""
        return theory.two_layer(self.W, self.V, self.x_star)


def draw(config: TheoryAttackConfig, runs: Sequence[int], device: torch.device) -> Teachers:
    """W and V standard Gaussian, x* ~ N(mu, sigma1^2), x0 ~ N(0, sigma2^2): Sec. 4.1."""
    c, drawn = config, []
    for run in runs:
        generator = run_generator(c.seed, run)
        shapes = ((c.d2, c.d1), (c.d3, c.d2), (1, c.d1), (1, c.d1))
        drawn.append([generator.standard_normal(shape) for shape in shapes])
    W, V, x_star, start = (stacked(arrays, device) for arrays in zip(*drawn, strict=True))
    return Teachers(W, V, c.mu + c.sigma1 * x_star, c.sigma2 * start)


def simulated(config: TheoryAttackConfig, teachers: Teachers) -> Iterator[Tensor]:
    """The iterates x^(0), x^(1), ... (R, 2, M, d1) of Eq. 15 with the gradients of Eq. 11 and 12."""
    W, V, target = teachers.W, teachers.V, teachers.target
    return _descend(config, teachers, lambda x: theory.attack_gradients(W, V, x, target))


def expected(config: TheoryAttackConfig, teachers: Teachers) -> Iterator[Tensor]:
    """The iterates that the proof of Theorem 1 follows: those of Eq. 13 and 14, with the factor d3."""
    x_star, units = teachers.x_star, config.d2 * config.d3

    def gradient(x: Tensor) -> Tensor:
        bp = theory.expected_bp_gradient(x[:, 0], x_star, units)
        return torch.stack([bp, theory.expected_linbp_gradient(x[:, 1], x_star, units)], 1)

    return _descend(config, teachers, gradient)


@one_thread()
def distances(config: TheoryAttackConfig, runs: Sequence[int], device: torch.device) -> dict[str, Any]:
    """Columns, a row per run, mode and step that is read (in this order): l1 distances to x*, and Eq. 21's shares.

    A simulated distance is `bp` or `linbp`; one of the expected dynamics has `expected ` before it. The share of
    coordinates for which Eq. 21 has held up to a step is `held TRAJECTORY UNITS`; it is about raw updates, None else.
    """
    teachers, steps = draw(config, runs, device), read_steps(config.steps)
    raw = config.modes.index("raw") if "raw" in config.modes else None
    log = ConditionLog(teachers.start, teachers.x_star, config.rates) if raw is not None else None
    x_star, read = teachers.x_star[:, None], set(steps)
    far: list[Tensor] = []
    held: list[Tensor] = []
    for step, (x, y) in enumerate(zip(simulated(config, teachers), expected(config, teachers), strict=True)):
        if step in read:
            far.append(torch.cat([l1_distance(x, x_star), l1_distance(y, x_star)], 1))  # (R, 4, M)
            if log is not None:
                held.append(log.read())
        if log is not None:
            log.take(x[:, 0, raw], y[:, 0, raw])
    shape = (len(runs), len(config.modes), len(steps))
    index = np.indices(shape).reshape(3, -1)
    columns: dict[str, Any] = {"run": np.array(runs)[index[0]], "mode": np.array(config.modes)[index[1]].tolist()}
    columns["step"] = np.array(steps)[index[2]]
    values = torch.stack(far, -1).transpose(0, 1).flatten(1).cpu().numpy()  # (4, R * M * T)
    columns |= dict(zip(DISTANCES, values, strict=True))
    if log is not None:
        shares = torch.stack(held, -1).cpu().numpy()  # (F * 2, R, T)
        for name, share in zip(log.names, shares, strict=True):
            column = np.full(shape, None)
            column[:, raw] = share
            columns[name] = column.ravel().tolist()
    return columns


def first_gradients(config: TheoryAttackConfig, runs: Sequence[int], device: torch.device) -> dict[str, np.ndarray]:
    """Columns, a row per run: the first gradients' lengths and their cosines with the residual x0 - x*."""
    teachers = draw(config, runs, device)
    W, V, x, target = teachers.W, teachers.V, teachers.start, teachers.target
    residual = (x - teachers.x_star)[:, 0]
    columns = {"run": np.array(runs)}
    for rule, gradient in zip(RULES, (theory.bp_attack_gradient, theory.linbp_attack_gradient), strict=True):
        g = gradient(W, V, x, target)[:, 0]
        columns[f"{rule} length"] = torch.linalg.vector_norm(g, dim=-1).cpu().numpy()
        columns[f"{rule} cosine"] = torch.cosine_similarity(g, residual, dim=-1).cpu().numpy()
    return columns


def _descend(config: TheoryAttackConfig, teachers: Teachers, gradient: Callable[[Tensor], Tensor]) -> Iterator[Tensor]:
    """Eq. 15 with `gradient` (R, 2, M, d1), each mode with its own step; clipped around x0, not around x*."""
    start = teachers.start[:, None]
    low, high = start - config.eps, start + config.eps
    lengths = torch.tensor([config.step_of(mode) for mode in config.modes], dtype=start.dtype, device=start.device)[
        :, None
    ]
    x = start.expand(-1, len(RULES), len(config.modes), -1).contiguous()
    yield x
    for _ in range(config.steps):
        g = gradient(x)
        for k, mode in enumerate(config.modes):
            _normalise(g[:, :, k], mode)
        x = torch.addcmul(x, lengths, g, value=-1)
        if config.clip:
            x.clamp_(low, high)
        yield x


def _normalise(g: Tensor, mode: str) -> None:
    """In place: g as it is, over its l2 norm (0 stays 0), or its sign."""
    if mode == "l2":
        g /= torch.linalg.vector_norm(g, dim=-1, keepdim=True).clamp(min=torch.finfo(g.dtype).tiny)
    elif mode == "sign":
        g.sign_()
