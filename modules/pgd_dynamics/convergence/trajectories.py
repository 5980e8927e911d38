"""Trajectories of a block of networks, one batched computation each, in columns."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from modules.pgd_dynamics.ascent import ascend, uniform_in_ball
from modules.pgd_dynamics.convergence.assumptions import Assumed, assumed
from modules.pgd_dynamics.convergence.config import ConvergenceConfig
from modules.pgd_dynamics.draws import draw, network_seeds
from modules.pgd_dynamics.events import NEVER
from modules.pgd_dynamics.losses import Loss
from modules.pgd_dynamics.refine import Critical, refine
from modules.pgd_dynamics.theory import Objective, cosine, tangential
from modules.pgd_dynamics.watch import watch

Columns = dict[str, np.ndarray]

SETTLE = 10.0  # trajectories are followed until |Gamma| < sqrt(eta) / SETTLE
TOLERANCE = 1e-10  # of |Gamma| at a refined minimum
READ = 24  # steps of a schedule that are read
WATCHED = 120  # steps of a trajectory in the picture of the phases
PHASES = 8.0  # its length, in times of flight over the radius


@dataclass(frozen=True)
class Setting:
    """A study's config with the loss and the device it stands for."""

    config: ConvergenceConfig
    loss: Loss
    device: torch.device

    def objective(self, networks: Sequence[int]) -> Objective:
        """The losses of these networks."""
        c = self.config
        return draw(self._seeds(networks), c.m, c.d, c.scale, self.loss, c.y, device=self.device)

    def starts(self, networks: Sequence[int]) -> Tensor:
        """(S, N, d), uniform in the ball."""
        c = self.config
        return c.eps * uniform_in_ball(c.starts, c.d, self._seeds(networks)).to(self.device)

    def assumed(self, networks: Sequence[int]) -> Assumed:
        """What the theorem assumes of these networks."""
        return assumed(self.objective(networks), self.config.eps, self.config.seed)

    def eta(self, factor: float, networks: Sequence[int]) -> Tensor:
        """A step size in units of eps^2, for every network (S, 1)."""
        return torch.full((len(networks), 1), factor * self.config.eps**2, dtype=torch.float64, device=self.device)

    def _seeds(self, networks: Sequence[int]) -> list[int]:
        return network_seeds(self.config.seed, networks)


def networks(setting: Setting, part: Sequence[int]) -> Columns:
    """A row per network and step size: the theorem's constants, as sampled, and whether Lemma 4.5's Eq. 6 holds."""
    seen, config = setting.assumed(part), setting.config
    etas = np.array(config.etas)
    eq_6 = torch.stack([seen.lemma_4_5(factor * config.eps**2) for factor in config.etas], 1)
    columns = {"slope": seen.slope, "gradient": seen.gradient, "steepest": seen.steepest, "spread": seen.spread}
    return {
        "network": np.repeat(np.array(part), len(etas)), "eta_factor": np.tile(etas, len(part)),
        **{name: np.repeat(values.cpu().numpy(), len(etas)) for name, values in columns.items()},
        "eq_6": eq_6.flatten().cpu().numpy(),
    }  # fmt: skip


def constant(setting: Setting, part: Sequence[int], factor: float) -> Columns:
    """A row per network and start: when and where a trajectory with constant eta arrives, and what its steps did.

    `distance` is that of the theorem's output to the refined local minimum beside it, `end_distance` that of the last
    point watched. Near the minimum a step multiplies the deviation along an eigenvector of Xi with eigenvalue kappa by
    1 - eta' kappa, where eta' = eta / (1 + eta |dL| / eps) since P divides by |delta - eta dL| / eps: `fast` and `slow`
    are these factors for the largest and the smallest kappa, `contraction` is the measured one of |Gamma| per step.
    """
    config, objective, eta = setting.config, setting.objective(part), setting.eta(factor, part)
    seen = setting.assumed(part)
    radius = (eta.sqrt() / (seen.slope * seen.gradient)[:, None]).clamp(max=1)
    watched = watch(
        objective, setting.starts(part), config.eps, eta, config.steps,
        field=config.gradient, settle=SETTLE, radius=radius,
    )  # fmt: skip
    place = torch.where((watched.near == NEVER)[..., None], watched.final, watched.near_delta)
    minimum = refine(objective, place, config.eps)
    effective = eta / (1 + eta * minimum.normal / config.eps)
    between = (watched.settled - watched.near).clamp(min=1)
    values: dict[str, Tensor] = {
        "eta": eta.expand_as(watched.near_gamma),
        "distance": _length(place - minimum.delta),
        "end_distance": _length(watched.final - minimum.delta),
        "minimum": minimum.is_minimum(TOLERANCE),
        "curvature": minimum.tangent[..., 0],
        "refined_gamma": minimum.gamma,
        "definite": minimum.whole > 0,
        "contraction": (watched.settled_gamma / watched.near_gamma) ** (1 / between),
        "fast": (1 - effective * minimum.tangent[..., -1]),
        "slow": (1 - effective * minimum.tangent[..., 0]),
        **{name: value for name, value in vars(watched).items() if value.ndim == 2},
    }
    keys = {"eta_factor": np.full(watched.hit.numel(), factor), **_keys(part, config.starts)}
    return keys | {name: _flat(value) for name, value in values.items()}


def scheduled(setting: Setting, part: Sequence[int]) -> Columns:
    """A row per network, start, beta and step s that is read: D_s = |delta_s - delta*|^2 (Remark 3).

    It begins at the output of the largest eta, t~ of Cor. 3.1, with the least z for which eta_0 < eta. beta is given in
    units of kappa, the smallest eigenvalue of Xi on the tangent space at delta*. With the factors of `constant` for
    each eigenvector `predicted` is log D_s. In the limit the slowest part falls like (s + z)^(-2 kappa / beta), and D_s
    like (s + z)^(-4 kappa / beta).
    """
    config, objective = setting.config, setting.objective(part)
    eta = setting.eta(max(config.etas), part)
    watched = watch(objective, setting.starts(part), config.eps, eta, config.steps, field=config.gradient, settle=1)
    minimum = refine(objective, watched.near_delta, config.eps)
    start = minimum.delta.where(minimum.delta.isnan(), watched.near_delta)
    curvature = torch.where(minimum.is_minimum(TOLERANCE), minimum.tangent[..., 0], torch.nan)
    read = sorted({round(step) for step in np.geomspace(1, config.schedule_steps, READ)})
    rows = []
    for multiple in config.betas:
        beta = multiple * curvature
        z = (2 / (beta * eta)).floor() + 1
        schedule = _Schedule(beta, z)
        path = ascend(objective, start, config.eps, schedule, config.schedule_steps, field=config.gradient, record=read)
        squared = (path.deltas - minimum.delta).square().sum(-1)  # (K, S, N)
        logarithms = _predicted(schedule, minimum, start, config.eps, read)
        for step, values, logarithm in zip(read, squared, logarithms, strict=True):
            keys = {"beta": np.full(values.numel(), float(multiple)), "step": np.full(values.numel(), step)}
            columns = {"z": _flat(z), "squared_distance": _flat(values), "predicted": _flat(logarithm)}
            rows.append(_keys(part, config.starts) | keys | columns)
    return _joined(rows)


def phases(setting: Setting, part: Sequence[int]) -> Columns:
    """A row per start and step read: the distance from the centre over eps, the cosine and |Gamma|, for one middle eta.

    The picture ends after PHASES times what a step of the median length would need from the centre to the sphere.
    """
    config, objective = setting.config, setting.objective(part)
    factor = sorted(config.etas)[len(config.etas) // 2]
    eta = setting.eta(factor, part)
    steepest = float(setting.assumed(part).steepest.nanmedian())
    flights = math.ceil(PHASES / (factor * config.eps * steepest)) if steepest > 0 else 1  # a loss without a value
    horizon = min(config.steps, flights)
    read = sorted({round(step) for step in np.linspace(0, horizon, WATCHED)})
    path = ascend(
        objective, setting.starts(part), config.eps, eta[..., None], horizon, field=config.gradient, record=read
    )
    rows = []
    for step, delta in zip(read, path.deltas, strict=True):
        gradient = objective.gradient(delta)
        values = {
            "radius": _length(delta) / config.eps,
            "cosine": cosine(-gradient, delta),
            "gamma": _length(tangential(gradient, delta)),
        }
        keys = {
            "eta": np.full(delta[..., 0].numel(), factor * config.eps**2),
            "step": np.full(delta[..., 0].numel(), step),
        }
        rows.append(_keys(part, config.starts) | keys | {name: _flat(value) for name, value in values.items()})
    return _joined(rows)


@dataclass(frozen=True)
class _Schedule:
    """eta_s = 2 / (beta (s + z)), for beta and z (S, N)."""

    beta: Tensor
    z: Tensor

    def __call__(self, step: int) -> Tensor:
        return (2 / (self.beta * (step + self.z)))[..., None]


def _predicted(schedule: _Schedule, minimum: Critical, start: Tensor, eps: float, read: Sequence[int]) -> list[Tensor]:
    """log D_s (S, N) at the steps that are read, if every eigenvector's part shrinks as it does near the minimum."""
    parts = (minimum.axes.mT @ (start - minimum.delta)[..., None])[..., 0]
    pull, logarithms = minimum.normal[..., None] / eps, []
    for step in range(read[-1]):
        size = schedule(step)
        parts = parts * (1 - minimum.tangent * size / (1 + size * pull))
        if step + 1 in read:
            logarithms.append(parts.square().sum(-1).log())
    return logarithms


def _keys(part: Sequence[int], starts: int) -> Columns:
    return {"network": np.repeat(np.array(part), starts), "start": np.tile(np.arange(starts), len(part))}


def _length(vectors: Tensor) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(vectors, dim=-1)
    return length


def _flat(values: Tensor) -> np.ndarray:
    flat: np.ndarray = values.flatten().cpu().numpy()
    return flat


def _joined(rows: Sequence[Mapping[str, np.ndarray]]) -> Columns:
    return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
