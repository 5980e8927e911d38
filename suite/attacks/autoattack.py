"""AutoAttack: four attacks without settings to tune, each on the images that the ones before it left right.

Croce and Hein, Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free attacks (ICML
2020), in the standard form of the released code: APGD on the cross-entropy, APGD on the targeted difference of logits
ratio for nine classes, FAB towards nine classes, and Square. In l1 (Croce and Hein, Mind the box, ICML 2021) APGD on
the cross-entropy starts five times, and the targeted one aims at five classes.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import get_args

import torch
from torch import Tensor

from suite.attacks.apgd import apgd
from suite.attacks.arguments import (
    check_batch,
    check_choice,
    check_classes,
    check_count,
    check_positive,
    check_seed,
    check_shape,
)
from suite.attacks.ball import Ball, BallNorm, lengths, start_in
from suite.attacks.differentiate import Differentiator
from suite.attacks.fab import fab
from suite.attacks.objectives import check_enough, dlr_towards
from suite.attacks.sparse_apgd import RADII
from suite.attacks.square import square
from suite.errors import SuiteError, did_you_mean
from suite.refs import Call

MEMBERS = ("APGD-CE", "APGD-T", "FAB-T", "Square")
"""In order. The first three follow a gradient; Square asks for outputs alone."""

_CE_START, _TARGETED_START, _SQUARE = 0, 1, 2  # purposes of the draws; Square takes this one and the next
ROUNDING = 1e-4  # share of the radius by which candidates may leave the ball
STARTS_IN_L1 = 5  # of APGD-CE; in the other norms there is one
TARGETS_IN_L1 = 5  # of APGD-T, at most
IN_PIXELS = {"linf": 0.0, "l2": 0.5, "l1": 1.0}  # power of their number with which the length of an equal change grows
OF_A_PIXEL = 1e-7  # by which float32 rounds a pixel near 1: at tiny radii more than that share


@dataclass(frozen=True)
class Efforts:
    """How much each attack may try; the defaults are the published ones.

    Args:
        steps: of APGD and FAB, each time.
        queries: of Square.
        targets: classes that APGD-T and FAB-T aim at, the most likely wrong ones first; at most those there are, and
            APGD-T in l1 at most five.

    Raises SuiteError for what is no whole number >= 1.
    """

    steps: int = 100
    queries: int = 5000
    targets: int = 9

    def __post_init__(self) -> None:
        for field in fields(self):
            check_count(field.name, getattr(self, field.name))

    @classmethod
    def of(cls, call: Call) -> "Efforts":
        """Those written as `autoattack(steps=20,queries=500)`; SuiteError for other names and values."""
        known = [field.name for field in fields(cls)]
        for name in call.arguments:
            if name not in known:
                raise SuiteError(f"attack autoattack has no argument {name!r}", did_you_mean(name, known))
        return cls(**call.arguments)  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What the ensemble did to N samples.

    Attributes:
        fooled_by: (N,) place in MEMBERS of the first attack that fooled the sample, -1 where none did.
        adversarials: (N, ...) what it fooled it with; the image where none did.
    """

    fooled_by: Tensor
    adversarials: Tensor


def autoattack(
    differentiate: Differentiator,
    predict: Callable[[Tensor], Tensor],
    images: Tensor,
    labels: Tensor,
    eps: float,
    *,
    ids: Tensor,
    seed: int = 0,
    norm: BallNorm = "linf",
    efforts: Efforts | None = None,
    members: tuple[str, ...] = MEMBERS,
) -> Evaluation:
    """Attacks images (N, C, H, W) of labels (N,) that the model classifies correctly.

    Args:
        differentiate: logits and input gradient of the model under some gradient rule; APGD and FAB follow it.
        predict: logits of the true model: it says what is fooled, and Square asks it alone.
        eps: radius > 0 in the norm.
        ids: (N,) int64 on the images' device; with the seed they are the key of every draw.
        norm: `linf`, `l2` or `l1`.
        efforts: None takes the published ones.
        members: which of MEMBERS, in their order.

    Raises SuiteError for values outside these ranges, for labels that are not the model's classes, and for models of
    under four classes, for which the targeted difference of logits ratio is not defined.

    Cost for a sample that nothing fools: 10 x 101 forward and backward passes (10 x 103 in l1), 9 x 200 forward and
    9 x 100 backward passes of FAB, 5000 forward passes.
    """
    check_positive("eps", eps)
    check_choice("norm", norm, get_args(BallNorm))
    check_seed(seed)
    check_batch(images, labels)
    check_shape("ids", ids, labels.shape)
    for member in members:
        check_choice("member", member, MEMBERS)
    efforts = efforts or Efforts()
    if "APGD-T" in members:
        with torch.no_grad():
            check_enough(predict(images[:1]))
    attempt = _Attempt(differentiate, predict, Ball(images, eps, norm), labels, ids, seed, efforts)
    fooled_by, adversarials = torch.full_like(labels, -1), images.clone()
    for place, member in enumerate(MEMBERS):
        for go in attempt.goes(member) if member in members else ():
            rows = (fooled_by < 0).nonzero()[:, 0]
            if len(rows):
                found = go(rows)
                hit = attempt.is_fooled(rows, found)
                fooled_by[rows[hit]], adversarials[rows[hit]] = place, found[hit]
    return Evaluation(fooled_by, adversarials)


@dataclass(frozen=True, eq=False)
class _Attempt:
    """The samples and what may be done to them."""

    differentiate: Differentiator
    predict: Callable[[Tensor], Tensor]
    ball: Ball
    labels: Tensor
    ids: Tensor
    seed: int
    efforts: Efforts

    def goes(self, member: str) -> list[Callable[[Tensor], Tensor]]:
        """What an attack does one after another: rows (R,) of the samples -> candidates (R, ...)."""
        l1 = self.ball.norm == "l1"
        if member == "APGD-CE":
            return [partial(self._apgd_ce, place=place) for place in range(STARTS_IN_L1 if l1 else 1)]
        if member == "Square":
            return [self._square]
        one = self._apgd_t if member == "APGD-T" else self._fab_t
        targets = self._targets()
        count = min(targets.shape[1], TARGETS_IN_L1) if l1 and member == "APGD-T" else targets.shape[1]
        return [lambda rows, place=place: one(rows, targets[rows, place], place) for place in range(count)]  # type: ignore[misc]

    def is_fooled(self, rows: Tensor, candidates: Tensor) -> Tensor:
        """Whether the true model misclassifies candidates (R, ...) within the balls of some samples."""
        away = lengths(candidates - self.ball.images[rows], self.ball.norm)
        with torch.no_grad():
            wrong = self.predict(candidates).argmax(1) != self.labels[rows]
        pixels: float = candidates[0].numel() ** IN_PIXELS[self.ball.norm]
        return wrong & (away <= self.ball.eps * (1 + ROUNDING) + OF_A_PIXEL * pixels)

    @torch.no_grad()
    def _targets(self) -> Tensor:
        """Wrong classes of every sample, the most likely first, (N, T)."""
        logits = self.predict(self.ball.images)
        check_classes(self.labels, logits.shape[1])
        others = logits.scatter(1, self.labels[:, None], -torch.inf)
        return others.topk(min(self.efforts.targets, logits.shape[1] - 1), dim=1).indices

    def _apgd_ce(self, rows: Tensor, place: int) -> Tensor:
        ball = self.ball.select(rows)
        start = start_in(_first_ball(ball), self.ids[rows], self.seed, place, _CE_START)
        return apgd(
            self.differentiate, ball.images, self.labels[rows], ball.eps, self.efforts.steps, start,
            norm=ball.norm, early_stop=True,
        )[1]  # fmt: skip

    def _apgd_t(self, rows: Tensor, targets: Tensor, place: int) -> Tensor:
        ball, labels = self.ball.select(rows), self.labels[rows]
        start = start_in(_first_ball(ball), self.ids[rows], self.seed, place, _TARGETED_START)
        return apgd(
            self.differentiate, ball.images, labels, ball.eps, self.efforts.steps, start,
            norm=ball.norm, objective=dlr_towards(labels, targets), early_stop=True,
        )[1]  # fmt: skip

    def _fab_t(self, rows: Tensor, targets: Tensor, place: int) -> Tensor:
        ball = self.ball.select(rows)
        return fab(
            self.differentiate, self.predict, ball.images, self.labels[rows], targets, ball.eps, self.efforts.steps,
            norm=ball.norm,
        )[1]  # fmt: skip

    def _square(self, rows: Tensor) -> Tensor:
        ball = self.ball.select(rows)
        return square(
            self.predict, ball.images, self.labels[rows], ball.eps, self.efforts.queries,
            ids=self.ids[rows], seed=self.seed, purpose=_SQUARE, norm=ball.norm,
        )[1]  # fmt: skip


def _first_ball(ball: Ball) -> Ball:
    """The one that APGD starts in."""
    return replace(ball, eps=RADII[0] * ball.eps) if ball.norm == "l1" else ball
