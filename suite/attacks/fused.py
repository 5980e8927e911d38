"""Our I-FGSM and PGD as Foolbox attacks: one call runs every epsilon in one batch."""

from collections.abc import Iterable
from typing import Any

import eagerpy
import torch
from foolbox.attacks.base import AttackWithDistance
from foolbox.criteria import Misclassification, TargetedMisclassification
from foolbox.distances import Distance, l2, linf
from torch import Tensor

from suite.attacks.arguments import check_positive, check_seed
from suite.attacks.differentiate import Autograd, Differentiator
from suite.attacks.iterate import iterate
from suite.attacks.random_start import ball_noise, random_starts
from suite.attacks.walk import Norm, Settings
from suite.errors import SuiteError


class IFGSM(AttackWithDistance):  # type: ignore[misc]
    """I-FGSM (Kurakin et al. 2017), and PGD (Madry et al. 2018) with `random_start`.

    Args:
        steps: K >= 1.
        step_size: length of a step, in the model's units.
        norm: `linf` or `l2`.
        loss: `ce`, `nll_logits` or `stable_ce` (untargeted only).
        random_start: start uniformly in the ball, drawn by (seed, position in the batch); later calls of the same
            attack, as `repeat` makes them, draw other starts.
        early_stop: leave a sample at its first misclassified iterate.
        engine: how to differentiate; None differentiates the Foolbox model by autograd.
    """

    def __init__(
        self,
        *,
        steps: int = 10,
        step_size: float = 2 / 255,
        norm: Norm = "linf",
        loss: str = "ce",
        random_start: bool = False,
        early_stop: bool = False,
        seed: int = 0,
        engine: Differentiator | None = None,
    ) -> None:
        Settings(steps, step_size, norm, loss)  # refuses what no call could use
        check_seed(seed)
        self.steps, self.step_size, self.norm, self.loss = steps, step_size, norm, loss
        self.random_start, self.early_stop, self.seed, self.engine = random_start, early_stop, seed, engine
        self.calls = 0

    @property
    def distance(self) -> Distance:
        """The norm that epsilon is measured in."""
        return linf if self.norm == "linf" else l2

    def __call__(self, model: Any, inputs: Any, criterion: Any, *, epsilons: Any, **kwargs: Any) -> Any:
        """As any Foolbox attack: (raw, clipped, success), lists over `epsilons` if that is iterable."""
        if kwargs:
            raise SuiteError(f"unknown argument {next(iter(kwargs))!r}", "set it in the constructor")
        one = not isinstance(epsilons, Iterable)
        radii = [epsilons] if one else list(epsilons)
        if not radii:
            raise SuiteError("epsilons is empty", "give at least one radius")
        for radius in radii:
            check_positive("eps", radius.item() if hasattr(radius, "item") else radius, zero=True)  # of an array, too
        wrapped, restore = eagerpy.astensor_(inputs)
        images, labels, targeted = wrapped.raw, *_unpack(criterion)
        if targeted and self.loss == "stable_ce":
            raise SuiteError("loss 'stable_ce' is for untargeted attacks", "use ce")
        order = sorted(range(len(radii)), key=lambda index: radii[index])
        settings = Settings(
            self.steps, self.step_size, self.norm, self.loss, bounds=tuple(model.bounds),
            early_stop=self.early_stop, targeted=targeted,
        )  # fmt: skip
        ascending = tuple(float(radii[index]) for index in order)
        engine = self.engine or Autograd(model)
        with torch.no_grad():
            start = self._start(images, ascending, settings) if self.random_start else None
        trajectory = iterate(engine, model, images, labels, ascending, settings, start=start)
        raw = [trajectory.adversarials[order.index(index)] for index in range(len(radii))]
        clipped = [self.distance.clip_perturbation(images, x, r) for x, r in zip(raw, radii, strict=True)]
        with torch.no_grad():
            success = torch.stack([(model(x).argmax(1) == labels) == targeted for x in clipped])
        raw, clipped = ([restore(eagerpy.astensor(x)) for x in found] for found in (raw, clipped))
        success = restore(eagerpy.astensor(success))
        return (raw[0], clipped[0], success[0]) if one else (raw, clipped, success)

    def _start(self, images: Tensor, epsilons: tuple[float, ...], settings: Settings) -> Tensor:
        # Ids of later calls begin where no batch of an earlier one can end.
        ids = range(self.calls << 32, (self.calls << 32) + len(images))
        self.calls += 1
        noise = ball_noise(ids, tuple(images.shape[1:]), seed=self.seed, norm=self.norm)
        return random_starts(images, noise, epsilons, settings)


def _unpack(criterion: Any) -> tuple[Tensor, bool]:
    """Labels as a raw tensor, and whether they are targets, from whatever Foolbox accepts."""
    targeted = isinstance(criterion, TargetedMisclassification)
    if targeted:
        criterion = criterion.target_classes
    elif isinstance(criterion, Misclassification):
        criterion = criterion.labels
    labels = getattr(criterion, "raw", criterion)
    if not isinstance(labels, Tensor):
        raise SuiteError(f"criterion {type(criterion).__name__} is not supported", "misclassification, targeted or not")
    return labels, targeted
