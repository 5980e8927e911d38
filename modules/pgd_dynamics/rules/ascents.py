"""Ascents along BP's and LinBP's fields on one kind of landscape, from the same starts, in columns."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from modules.pgd_dynamics.ascent import uniform_in_ball
from modules.pgd_dynamics.draws import draw, network_seeds
from modules.pgd_dynamics.losses import Loss
from modules.pgd_dynamics.rules.config import RulesConfig
from modules.pgd_dynamics.theory import Objective, cosine
from modules.pgd_dynamics.two_layer import RELU, softplus
from modules.pgd_dynamics.watch import ON_SPHERE, Field, Watched, watch

RULES = ("bp", "linbp", "linbp, same length")
_SETTLE = 1e4  # |Gamma| < sqrt(eta) / _SETTLE: the end of an ascent


def ascents(
    config: RulesConfig, loss: Loss, part: Sequence[int], landscape: tuple[int, str, float], device: torch.device
) -> dict[str, np.ndarray]:
    """A row per rule, network and start.

    hit, reached: first step on the sphere, and with `share` of BP's gain in loss; -1 where there is none. arrived:
    the first on the sphere with the true gradient within `degrees` of the outward normal, or -1. near: whether the
    end is on the sphere with |Gamma| < sqrt(eta), the theorem's approximate local maximum. slant: angle between the
    true gradient and the outward normal at the end, 0 at a critical point. away: angle between the end and the local
    maximum that BP ascends to from there. gain: loss gained over what BP gained from the same start. asymmetry: of the
    field's Jacobian at the start. Angles in degrees.
    """
    d, activation, scale = landscape
    seeds, eps = network_seeds(config.seed, part), config.ratio * scale
    sigma = softplus() if activation == "softplus" else RELU
    objective = draw(seeds, config.m, d, scale, loss, config.y, sigma, device)
    start = eps * uniform_in_ball(config.starts, d, seeds).to(device)
    eta, stretch = _step_sizes(objective, eps, config.step)
    first, last = objective.value(start), _ascent(config, objective, start, eps, eta).final_value
    target = first + config.share * (last - first)
    blocks = []
    for rule, size in zip(RULES, (eta, eta, eta * stretch), strict=True):
        field: Field = "bp" if rule == "bp" else "linbp"
        ascent = _ascent(config, objective, start, eps, size, field, target)
        maximum = ascent.final if rule == "bp" else _ascent(config, objective, ascent.final, eps, eta).final
        on_sphere = torch.linalg.vector_norm(ascent.final, dim=-1) >= ON_SPHERE * eps
        columns = {
            "hit": ascent.hit, "reached": ascent.reached, "arrived": ascent.aligned,
            "near": on_sphere & (ascent.final_gamma < eta.sqrt()),
            "slant": _degrees(-objective.gradient(ascent.final), ascent.final),
            "away": _degrees(maximum, ascent.final),
            "gain": (ascent.final_value - first) / (last - first),
            "asymmetry": asymmetry(objective, start, field),
        }  # fmt: skip
        values = {name: column.flatten().cpu().numpy() for name, column in columns.items()}
        blocks.append(_keys(landscape, rule, part, config.starts) | values)
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def asymmetry(objective: Objective, delta: Tensor, field: Field) -> Tensor:
    """|J - J^T| / |J + J^T| (S, N) in Frobenius norms, J the field's Jacobian: 0 for a gradient, here at most 1.

    LinBP's field is -l'(f) v with constant v, so that J = -l''(f) v df^T. With c the cosine of v and df,
    |v df^T -+ df v^T|^2 = 2 |v|^2 |df|^2 (1 -+ c^2), and the ratio is sqrt((1 - c^2) / (1 + c^2)) where l'' is not 0.
    For BP, J is a Hessian.
    """
    if field == "bp":
        return torch.zeros_like(delta[..., 0])
    squared = cosine(objective.net.linear_gradient(), objective.net.gradient(objective.x + delta)).square()
    return ((1 - squared).clamp(min=0) / (1 + squared)).sqrt()


def _ascent(
    config: RulesConfig, objective: Objective, start: Tensor, eps: float, eta: Tensor,
    field: Field = "bp", target: Tensor | None = None,
) -> Watched:  # fmt: skip
    radius = torch.full_like(eta, 1 - math.cos(math.radians(config.degrees)))
    return watch(objective, start, eps, eta, config.steps, field=field, settle=_SETTLE, target=target, radius=radius)


def _step_sizes(objective: Objective, eps: float, step: float) -> tuple[Tensor, Tensor]:
    """eta (S, 1) with which BP's step from the centre is `step` eps long, and |dL| over LinBP's length there."""
    centre = torch.zeros_like(objective.x)
    bp = torch.linalg.vector_norm(objective.gradient(centre), dim=-1)
    return step * eps / bp, bp / torch.linalg.vector_norm(objective.linbp_gradient(centre), dim=-1)


def _degrees(u: Tensor, v: Tensor) -> Tensor:
    """The angle between vectors (S, N, d), exact also near 0 and 180."""
    u, v = (w / torch.linalg.vector_norm(w, dim=-1, keepdim=True) for w in (u, v))
    between = 2 * torch.atan2(torch.linalg.vector_norm(u - v, dim=-1), torch.linalg.vector_norm(u + v, dim=-1))
    return torch.rad2deg(between)


def _keys(landscape: tuple[int, str, float], rule: str, part: Sequence[int], starts: int) -> dict[str, np.ndarray]:
    n = len(part) * starts
    named = {name: np.full(n, value) for name, value in zip(("d", "scale"), landscape[::2], strict=True)}
    texts = {"activation": np.array([landscape[1]] * n), "rule": np.array([rule] * n)}
    places = {"network": np.repeat(np.array(part), starts), "start": np.tile(np.arange(starts), len(part))}
    return named | texts | places
