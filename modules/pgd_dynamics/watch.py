"""Projected gradient ascent with an eye on every step: where a trajectory is, and what the lemmas say of the step.

Deng et al., Sec. 4: in the ball each step lowers L by Omega(eta) (Lemma 4.1); on the sphere a step is nearly one along
-Gamma (Lemma 4.2) and lowers L by Omega(eta^2) until |Gamma| < sqrt(eta); the trajectory never enters the neighbourhood
of the local maxima of L and never leaves that of the minima (Lemma 4.5).

The cosine here is that of the ascent direction -dL with the outward normal: 1 at a local minimum of L, -1 at a maximum.
The paper writes it with df, whose direction is that of -dL only where f > y; its sets are meant as these.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Literal

import torch
from torch import Tensor

from modules.pgd_dynamics.ascent import CELLS, chunks, project
from modules.pgd_dynamics.events import NEVER
from modules.pgd_dynamics.fused import fused
from modules.pgd_dynamics.theory import Objective, cosine, tangential

Field = Literal["bp", "linbp"]

ON_SPHERE = 1 - 1e-12  # of eps: the projection's rounding
_STILL = 1e-15  # of eps: a shorter step is rounding, and the trajectory at a fixed point of its field
_EVERY = 16  # steps between two looks at whether all are done: each look waits for the device


@dataclass(frozen=True)
class Watched:
    """What became of S x N trajectories; steps count from 0, the start, and are -1 where the event did not happen.

    hit: first step on the sphere. near: first step there with |Gamma| < sqrt(eta), Theorem 3.1's output. settled: first
    step there with |Gamma| < sqrt(eta) / settle. reached: first step with L <= target. steps: when the watch ended: all
    of this had happened, or it stood still, or L was not finite. aligned: first step in Delta^+ before that.
    near_delta, final: (S, N, d), where it was at `near` (NaN if never) and at the end. near_gamma, settled_gamma,
    final_gamma: |Gamma| there. hit_cosine: cosine of -dL with the normal at `hit`.

    The rest is over the steps up to `near`, or all where there is none.
    interior_decrease: least (L_t - L_{t+1}) / eta over steps that end inside the ball. sphere_decrease: least
    (L_t - L_{t+1}) / eta^2 over steps along the sphere. tangent_error: the largest
    eps |delta_{t+1} - (delta_t - eta Gamma)| / |eta dL|^2 over steps on the sphere that point outwards; Lemma 4.2 says
    <= 4. inward: steps on the sphere that point inwards, where the lemma is false: its error is then about |eta dL|.
    near_maximum: steps in Delta^-; left_minimum: steps out of Delta^+. raised: steps that raised L. finite: whether L
    was finite throughout.
    """

    hit: Tensor
    near: Tensor
    settled: Tensor
    reached: Tensor
    aligned: Tensor
    steps: Tensor
    near_delta: Tensor
    near_gamma: Tensor
    settled_gamma: Tensor
    hit_cosine: Tensor
    final: Tensor
    final_gamma: Tensor
    final_value: Tensor
    interior_decrease: Tensor
    sphere_decrease: Tensor
    tangent_error: Tensor
    inward: Tensor
    near_maximum: Tensor
    left_minimum: Tensor
    raised: Tensor
    finite: Tensor


def watch(
    objective: Objective,
    start: Tensor,
    eps: float,
    eta: Tensor,
    steps: int,
    *,
    field: Field = "bp",
    settle: float = 10.0,
    radius: Tensor | None = None,
    target: Tensor | None = None,
) -> Watched:
    """delta_{t+1} = P[delta_t - eta F(delta_t)] from every start until all settle or stand still, at most `steps`.

    Args:
        objective: of S networks with one input each.
        start: (S, N, d).
        eps: radius of the ball.
        eta: step sizes (S, 1).
        field: F is dL, or LinBP's field in its place; everything that is watched is that of the true L.
        radius: (S, 1), the sets Delta^+- are |cosine| >= 1 - radius; none are watched without it.
        target: (S, N), the value of L that `reached` asks for.
    """
    S, N, _ = start.shape
    parts = []
    for seeds, _ in chunks(S, 1, objective.net.shape[1] * N, CELLS):
        part = objective.at(seeds)
        part = Objective(fused(part.net), part.loss, part.x, part.y)
        limits = [None if values is None else values[seeds] for values in (radius, target)]
        parts.append(_watch(part, start[seeds], eps, eta[seeds], steps, field, settle, *limits))
    return Watched(*(torch.cat([getattr(part, entry.name) for part in parts]) for entry in fields(Watched)))


def _watch(
    objective: Objective, delta: Tensor, eps: float, eta: Tensor, steps: int, field: Field, settle: float,
    radius: Tensor | None, target: Tensor | None,
) -> Watched:  # fmt: skip
    log = _Log(delta, eps, eta, settle, radius, target)
    value, gradient, direction = _look(objective, delta, field)
    for step in range(steps + 1):
        log.arrive(step, delta, value, gradient)
        if step == steps or (step % _EVERY == 0 and log.done()):
            break
        new = project(delta - eta[..., None] * direction, eps)
        new_value, new_gradient, direction = _look(objective, new, field)
        log.step(delta, value, gradient, new, new_value)
        delta, value, gradient = new, new_value, new_gradient
    return log.close(step, delta, value, gradient)


def _look(objective: Objective, delta: Tensor, field: Field) -> tuple[Tensor, Tensor, Tensor]:
    """L (S, N), dL (S, N, d) and the field that is followed, from one pass over the neurons."""
    f, df = objective.net.value_and_gradient(objective.x + delta)
    slope = objective.loss.first(f, objective.y)[..., None]
    gradient = -slope * df
    followed = gradient if field == "bp" else -slope * objective.net.linear_gradient()
    return -objective.loss.value(f, objective.y), gradient, followed


class _Log:
    """The events of one block of trajectories, as masks over them: nothing here waits for the device."""

    def __init__(
        self, start: Tensor, eps: float, eta: Tensor, settle: float, radius: Tensor | None, target: Tensor | None
    ) -> None:
        self.eps, self.eta, self.radius, self.target = eps, eta, radius, target
        self.floor = eta.sqrt()
        self.settle = settle
        S, N, _ = start.shape

        def full(value: float) -> Tensor:
            return torch.full((S, N), value, dtype=start.dtype, device=start.device)

        self.hit, self.near, self.settled, self.reached, self.aligned = (full(NEVER).long() for _ in range(5))
        self.near_delta = torch.full_like(start, torch.nan)
        self.near_gamma, self.settled_gamma, self.hit_cosine = (full(torch.nan) for _ in range(3))
        self.interior_decrease, self.sphere_decrease, self.tangent_error = full(torch.inf), full(torch.inf), full(0)
        self.inward, self.near_maximum, self.left_minimum, self.raised = (full(0).long() for _ in range(4))
        self.ended, self.steps, self.final = full(0).bool(), full(0).long(), start.clone()
        self.final_gamma, self.final_value = full(torch.nan), full(torch.nan)
        self.was_near_minimum, self.still, self.finite = full(0).bool(), full(0).bool(), full(1).bool()

    def arrive(self, step: int, delta: Tensor, value: Tensor, gradient: Tensor) -> None:
        """What is true of the trajectories at this step."""
        self.on_sphere = torch.linalg.vector_norm(delta, dim=-1) >= ON_SPHERE * self.eps
        gamma = torch.linalg.vector_norm(tangential(gradient, delta), dim=-1)
        self.outwards = cosine(-gradient, delta)
        self.watched = (self.near == NEVER) & ~self.ended  # up to and with the step that gives the theorem's output
        self.finite &= value.isfinite()
        _mark(self.hit, self.on_sphere, step)
        self.hit_cosine = torch.where(self.hit == step, self.outwards, self.hit_cosine)
        _mark(self.near, self.on_sphere & (gamma < self.floor), step)
        first = self.near == step
        self.near_delta = torch.where(first[..., None], delta, self.near_delta)
        self.near_gamma = torch.where(first, gamma, self.near_gamma)
        _mark(self.settled, self.on_sphere & (gamma < self.floor / self.settle), step)
        self.settled_gamma = torch.where(self.settled == step, gamma, self.settled_gamma)
        if self.target is not None:
            _mark(self.reached, value <= self.target, step)
        reached = self.reached != NEVER if self.target is not None else True
        near_minimum = torch.zeros_like(self.on_sphere)
        if self.radius is not None:
            near_minimum = self.on_sphere & (self.outwards >= 1 - self.radius)
            _mark(self.aligned, near_minimum & ~self.ended, step)
        self._end(step, ((self.settled != NEVER) & reached) | self.still | ~self.finite, delta, value, gamma)
        if self.radius is not None:
            self.near_maximum += self.on_sphere & (self.outwards <= self.radius - 1) & self.watched
            self.left_minimum += self.was_near_minimum & ~near_minimum & self.watched
            self.was_near_minimum |= near_minimum

    def step(self, delta: Tensor, value: Tensor, gradient: Tensor, new: Tensor, new_value: Tensor) -> None:
        """What the step from the last arrival to `new` did, before the theorem's output."""
        open_ = (self.near == NEVER) & ~self.ended
        self.still = torch.linalg.vector_norm(new - delta, dim=-1) <= _STILL * self.eps
        inside = torch.linalg.vector_norm(new, dim=-1) < ON_SPHERE * self.eps
        decrease = value - new_value
        self.raised += (decrease < 0) & open_
        _keep(self.interior_decrease, decrease / self.eta, inside & open_, torch.minimum)
        along = self.on_sphere & ~inside & open_
        _keep(self.sphere_decrease, decrease / self.eta.square(), along, torch.minimum)
        inward = self.on_sphere & (self.outwards < 0) & open_
        self.inward += inward
        tangent = delta - self.eta[..., None] * tangential(gradient, delta)
        error = self.eps * (new - tangent).square().sum(-1).sqrt() / (self.eta.square() * gradient.square().sum(-1))
        _keep(self.tangent_error, error, self.on_sphere & ~inward & open_, torch.maximum)

    def done(self) -> bool:
        """Whether the watch of all has ended; waits for the device."""
        return bool(self.ended.all())

    def _end(self, step: int, true: Tensor, delta: Tensor, value: Tensor, gamma: Tensor) -> None:
        """Ends watches, each at its own step: a result must not depend on which are computed together."""
        now = true & ~self.ended
        self.ended |= now
        self.steps = torch.where(now, step, self.steps)
        self.final = torch.where(now[..., None], delta, self.final)
        self.final_value = torch.where(now, value, self.final_value)
        self.final_gamma = torch.where(now, gamma, self.final_gamma)

    def close(self, step: int, delta: Tensor, value: Tensor, gradient: Tensor) -> Watched:
        """All events, at the last step for those whose watch has not ended."""
        gamma = torch.linalg.vector_norm(tangential(gradient, delta), dim=-1)
        self._end(step, torch.ones_like(self.ended), delta, value, gamma)
        return Watched(**{entry.name: getattr(self, entry.name) for entry in fields(Watched)})


def _mark(event: Tensor, true: Tensor, step: int) -> None:
    """Writes the step where the event happens for the first time."""
    event.masked_fill_(true & (event == NEVER), step)


def _keep(extreme: Tensor, values: Tensor, where: Tensor, better: Callable[[Tensor, Tensor], Tensor]) -> None:
    """Replaces the extreme so far by a better value where the mask says so."""
    extreme.copy_(torch.where(where, better(extreme, values), extreme))
