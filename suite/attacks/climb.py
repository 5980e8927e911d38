"""What the forms of APGD share: they measure, remember the best iterate, and let fooled samples go.

Who is fooled is looked at before every step on a CPU, where that saves work, and every few steps elsewhere, since the
host waits there. Until then a fooled sample walks on, and what it was fooled by is kept.
"""

from collections.abc import Callable
from dataclasses import fields
from typing import Any, Protocol, Self

import torch
from torch import Tensor

from suite.attacks.arguments import check_classes
from suite.attacks.ball import each
from suite.attacks.differentiate import Differentiator
from suite.attacks.objectives import Objective
from suite.attacks.waiting import window_on


class Walk(Protocol):
    """Where R samples are, and how they go on; `rows` (R,) says which samples they are."""

    @property
    def rows(self) -> Tensor:
        """(R,)."""

    @property
    def x(self) -> Tensor:
        """The iterates, (R, ...)."""

    @property
    def best(self) -> Tensor:
        """Those of the largest loss so far, (R, ...)."""

    def select(self, rows: Tensor) -> Self:
        """Some of the samples."""

    def ready(self, step: int) -> Self:
        """Before that step, from 0: step sizes are looked at again."""

    def next(self, step: int) -> Tensor:
        """The next iterates."""

    def arrived(self, x: Tensor, loss: Tensor, gradient: Tensor) -> Self:
        """At the next iterates, with what was measured there."""


def climb(
    differentiate: Differentiator,
    first: Tensor,
    labels: Tensor,
    steps: int,
    begin: Callable[[Tensor, Tensor, Tensor, Tensor], Walk],
    *,
    objective: Objective,
    early_stop: bool,
    window: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Which samples some iterate fools, (N,) booleans, and each sample's iterate of the largest loss, (N, ...).

    Args:
        differentiate: logits and input gradient of the model.
        first: iterates (N, ...) of labels (N,).
        begin: (rows, iterates, losses, gradients) -> how they go on.
        objective: the loss that is climbed.
        early_stop: a sample leaves at its first misclassified iterate, which then stands for that of the largest loss.
        window: steps between two looks at who leaves; None: as the device has it. The result is the same.

    Raises SuiteError for labels that are not the model's classes.
    """

    def measure(x: Tensor, rows: Tensor, *, check: bool = False) -> tuple[Tensor, Tensor, Tensor]:
        losses: list[Tensor] = []

        def cotangent(logits: Tensor) -> Tensor:
            if check:
                check_classes(labels, logits.shape[1])
            values, derivative = objective(logits, rows)
            losses.append(values)
            return derivative

        logits, gradient = differentiate(x, cotangent)
        return losses[0], gradient, logits.argmax(1) != labels[rows]

    everyone = torch.arange(len(first), device=first.device)
    loss, gradient, hit = measure(first, everyone, check=True)
    walk = begin(everyone, first, loss, gradient)
    fooled, found = hit.clone(), first.clone()
    done, by = hit, first  # of the walk's rows: which are fooled, and the first iterates that do it
    window = window or window_on(first.device)
    for step in range(steps):
        if early_stop and step % window == 0 and bool(done.any()):
            found[walk.rows[done]] = by[done]
            walk, by, done = walk.select(~done), by[~done], torch.zeros_like(done[~done])
            if not len(walk.rows):
                return fooled, found
        walk = walk.ready(step)
        x = walk.next(step)
        loss, gradient, hit = measure(x, walk.rows)
        fooled[walk.rows] |= hit
        done, by = done | hit, torch.where(each(done, x), by, x)
        walk = walk.arrived(x, loss, gradient)
    found[walk.rows] = torch.where(each(done, walk.x), by, walk.best) if early_stop else walk.best
    return fooled, found


def of_rows(walk: Any, rows: Tensor) -> dict[str, Any]:
    """The tensors of a dataclass, one row for each sample, for some of the samples."""
    own = {field.name: getattr(walk, field.name) for field in fields(walk)}
    return {name: value[rows] for name, value in own.items() if isinstance(value, Tensor)}
