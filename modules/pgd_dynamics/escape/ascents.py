"""Local minima of the loss around test images, and the ascents that leave them, in columns."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from modules.pgd_dynamics.escape.balls import PROBE, PUSH, START, Balls, balls
from modules.pgd_dynamics.escape.kinds import MINIMUM
from modules.pgd_dynamics.escape.local_maxima import Verdict, check_kinked, check_smooth, descend
from modules.pgd_dynamics.escape.networks import Cell, Networks
from modules.pgd_dynamics.image_ascent import (
    Climb,
    Landscape,
    StepRule,
    along,
    ascend,
    dots,
    norms,
    onto_sphere,
    tangential,
    value_and_gradient,
)
from modules.pgd_dynamics.image_networks import cross_entropy, from_margin, margin
from suite.errors import WorkFailed

PART = 64  # samples at once, each with all its ratios
KINK_ANGLE = 0.02  # of the perturbation check, radians
KINK_PROBES = 16

Columns = Mapping[str, Any]


def maxima(networks: Networks, ids: np.ndarray, cell: Cell) -> Columns:
    """A row per sample and ratio: the point at which descent ended, and the verdict on it.

    lowest, residual: null for a ReLU network, which has no second derivative.
    """
    model, parts = networks.exact(cell), []
    for part in _parts(ids):
        around = balls(networks, cell, part)
        wrong = margin(model, around.base, around.labels)
        point = descend(wrong, onto_sphere(around.draws(START), around.radius), around.radius, networks.config.descent)
        smooth = networks.config.activation == "softplus"
        verdict = _checked(wrong, point, around, smooth)
        parts.append(
            {
                **around.columns(),
                "kind": list(verdict.kind),
                "angle": verdict.angle.tolist(),
                "outward": verdict.outward.tolist(),
                "lowest": verdict.lowest.tolist() if smooth else [None] * len(around.ids),
                "residual": verdict.residual.tolist() if smooth else [None] * len(around.ids),
                "point": point.flatten(1).tolist(),
            }
        )
    return _joined(parts)


def ascents(networks: Networks, ids: np.ndarray, cell: Cell, found: Columns, rule: StepRule, gradient: str) -> Columns:
    """A row per accepted start: the true loss at every step, and where the ascent ends.

    Args:
        found: what `maxima` gave.
        rule: of the step; `gradient`: that is followed.
    """
    model, parts = networks.exact(cell), []
    followed = networks.under(gradient, model)
    accepted, first = np.asarray(found["kind"]) == MINIMUM, 0
    for part in _parts(ids):
        around = balls(networks, cell, part)
        chosen = accepted[first : first + len(around.ids)]
        if chosen.any():
            points = np.array([found["point"][place] for place in first + np.flatnonzero(chosen)])
            parts.append(_ascents(networks, around.at(chosen), points, followed, model, rule))
        first += len(around.ids)
    columns = _joined(parts)
    length = len(columns["id"])
    return {**columns, "rule": [rule] * length, "gradient": [gradient] * length}


def _ascents(
    networks: Networks, around: Balls, points: np.ndarray, followed: nn.Module, model: nn.Module, rule: StepRule
) -> Columns:
    config, radius = networks.config, around.radius
    point = torch.from_numpy(points).to(around.base).view_as(around.base)
    push = tangential(around.draws(PUSH), point)
    start = onto_sphere(point + along(config.noise * radius / norms(push), push) * push, radius)
    size = config.eta if rule == "raw" else config.unit_step
    climb = _climb(around, start, followed, rule, config.steps, size)
    if not bool(climb.losses.isfinite().all()):
        what = f"the loss is not finite in the ascents of {around.cell}"
        raise WorkFailed(what, "use smaller --scales, --ratios or --eta")
    slope = norms(value_and_gradient(cross_entropy(followed, around.base, around.labels), start)[1])
    true = value_and_gradient(margin(model, around.base, around.labels), climb.end)[1]
    outward = dots(true, climb.end) / (norms(true) * norms(climb.end))
    return {
        **around.columns(),
        "first_step": (slope * size / radius).tolist() if rule == "raw" else [size] * len(around.ids),
        "end_radius": (norms(climb.end) / radius).tolist(),
        "end_outward": outward.tolist(),
        "loss": climb.losses.tolist(),
        "end": climb.end.flatten(1).tolist(),
    }


def _climb(around: Balls, start: Tensor, followed: nn.Module, rule: StepRule, steps: int, size: float) -> Climb:
    """The ascent. A unit step has the direction of the margin's gradient too, which does not underflow."""
    if rule == "raw":
        loss = cross_entropy(followed, around.base, around.labels)
        return ascend(loss, start, around.radius, steps=steps, rule=rule, size=size)
    wrong = margin(followed, around.base, around.labels)
    climb = ascend(wrong, start, around.radius, steps=steps, rule=rule, size=size)
    return replace(climb, losses=from_margin(climb.losses))


def _checked(wrong: Landscape, point: Tensor, around: Balls, smooth: bool) -> Verdict:
    if smooth:
        return check_smooth(wrong, point, around.radius, around.draws(PROBE))
    probes = [around.draws(PROBE + number) for number in range(KINK_PROBES)]
    return check_kinked(wrong, point, around.radius, probes, KINK_ANGLE)


def _parts(ids: np.ndarray) -> list[np.ndarray]:
    return [ids[first : first + PART] for first in range(0, len(ids), PART)]


def _joined(parts: Sequence[Columns]) -> dict[str, list[Any]]:
    return {name: [value for part in parts for value in part[name]] for name in parts[0]}
