"""Projected gradient ascent on the l2 ball (Deng et al., Sec. 2), for all networks and starts as one computation."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from modules.pgd_dynamics.chebyshev import polynomial
from modules.pgd_dynamics.fused import fused
from modules.pgd_dynamics.theory import Objective
from modules.pgd_dynamics.two_layer import keyed_generator

StepSize = float | Tensor | Callable[[int], float | Tensor]
"""eta: a number, a tensor that broadcasts to (S, N, 1), or either as a function of the step t = 0, 1, ..."""

CELLS = 2**17
"""Networks x points x neurons (or terms of a polynomial) at once: few enough for the cache, and far below 2 GiB."""


@dataclass(frozen=True)
class Path:
    """Where trajectories went.

    final: (S, N, d) after the last step. steps: the K recorded step numbers, 0 the start. deltas: (K, S, N, d).
    L: (K, S, N) there.
    """

    final: Tensor
    steps: list[int]
    deltas: Tensor
    L: Tensor


def ascend(
    objective: Objective,
    start: Tensor,
    eps: Tensor | float,
    eta: StepSize,
    steps: int,
    *,
    field: Literal["bp", "linbp"] = "bp",
    unit: bool = False,
    record: Collection[int] = (),
) -> Path:
    """delta_{t+1} = P[delta_t - eta dL(delta_t)] onto |delta| <= eps, the raw gradient unless `unit`.

    Args:
        objective: of S networks.
        start: (S, N, d), inside the balls.
        eps: radius, a number or a tensor that broadcasts to (S, N, 1).
        eta: step size; with a function of the step a schedule.
        field: `bp` follows dL; `linbp` follows LinBP's field instead.
        unit: whether the field is scaled to length 1, so that eta is the length of a step.
        record: numbers of steps after which delta is kept, 0 for the start; at most `steps`.
    """
    S, N, _ = start.shape
    kept = sorted(set(record))
    places = {step: place for place, step in enumerate(kept)}
    deltas = torch.empty(len(kept), *start.shape, dtype=start.dtype, device=start.device)
    L = torch.empty(len(kept), *start.shape[:2], dtype=start.dtype, device=start.device)
    final = torch.empty_like(start)
    fast, terms = _fast(objective, eps, N * steps)
    for seeds, points in chunks(S, N, terms, CELLS):
        part = _part(fast, seeds, points)
        evaluate = part.value_and_gradient if field == "bp" else part.value_and_linbp_gradient
        radius = _cut(eps, seeds, points)
        delta = start[seeds, points]
        for step in range(steps + 1):
            if step in places:
                deltas[places[step], seeds, points] = delta
            if step < steps or step in places:
                value, direction = evaluate(delta)
            if step in places:
                L[places[step], seeds, points] = value
            if step < steps:
                size = _cut(eta(step) if callable(eta) else eta, seeds, points)
                delta = project(delta - size * (_unit(direction) if unit else direction), radius)
        final[seeds, points] = delta
    return Path(final, kept, deltas, L)


def project(delta: Tensor, eps: Tensor | float) -> Tensor:
    """The nearest point of the ball |delta| <= eps (..., d); points inside stay as they are."""
    length: Tensor = torch.linalg.vector_norm(delta, dim=-1, keepdim=True)
    return delta * (eps / length).clamp(max=1)


def uniform_in_ball(draws: int, d: int, seeds: Collection[int], dtype: torch.dtype = torch.float64) -> Tensor:
    """Points uniform in the unit ball (S, draws, d), keyed by seed: the paper's delta_0 / eps."""
    rows = []
    for seed in seeds:
        generator = keyed_generator(seed, "starts")
        normal = torch.randn(draws, d, generator=generator, dtype=torch.float64)
        radius = torch.rand(draws, 1, generator=generator, dtype=torch.float64) ** (1 / d)
        rows.append(radius * normal / torch.linalg.vector_norm(normal, dim=-1, keepdim=True))
    return torch.stack(rows).to(dtype)


def largest_step(objective: Objective, eps: Tensor | float, directions: Tensor) -> Tensor:
    """eps / max |dL| over sampled points of the sphere (S,): with a larger eta a step can be longer than the radius."""
    gradient = objective.gradient(eps * directions)
    bound: Tensor = eps / torch.linalg.vector_norm(gradient, dim=-1, keepdim=True)
    return bound.amin((1, 2))


def chunks(S: int, N: int, m: int, cells: int) -> list[tuple[slice, slice]]:
    """Blocks of networks and points with at most `cells` (network, point, neuron) each, or one point of one network."""
    points = max(1, min(N, cells // m))
    seeds = max(1, min(S, cells // (m * points)))
    return [
        (slice(first, first + seeds), slice(begin, begin + points))
        for first in range(0, S, seeds)
        for begin in range(0, N, points)
    ]


def _fast(objective: Objective, eps: Tensor | float, evaluations: int) -> tuple[Objective, int]:
    """The same objective with the fastest evaluation of its networks that is equal up to rounding; terms a point."""
    S, m, _ = objective.net.shape
    radius = torch.as_tensor(eps, dtype=objective.x.dtype, device=objective.x.device)
    radius = radius.view(*[1] * (3 - radius.ndim), *radius.shape)
    if objective.x.shape[1] == radius.shape[1] == 1:
        centre = objective.x.expand(S, -1, -1)
        net = polynomial(objective.net, centre, radius.expand(S, -1, -1), evaluations)
        if net is not None:
            return replace(objective, net=net), net.terms
    return replace(objective, net=fused(objective.net)), m


def _unit(vectors: Tensor) -> Tensor:
    """Of length 1 each (..., d); 0 stays 0."""
    length: Tensor = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
    return vectors / length.clamp(min=torch.finfo(vectors.dtype).tiny)


def _part(objective: Objective, seeds: slice, points: slice) -> Objective:
    part = objective.at(seeds)
    x, y = part.x, part.y
    return Objective(
        part.net, part.loss, x if x.shape[1] == 1 else x[:, points], y if y.shape[1] == 1 else y[:, points]
    )


def _cut(value: Tensor | float, seeds: slice, points: slice) -> Tensor | float:
    """The block's part of what broadcasts to (S, N, 1)."""
    if not isinstance(value, Tensor) or value.ndim == 0:
        return value
    full = value.view(*[1] * (3 - value.ndim), *value.shape)
    full = full if len(full) == 1 else full[seeds]
    return full if full.shape[1] == 1 else full[:, points]
