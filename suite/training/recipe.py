"""What a training run is, as numbers: optimiser, schedule, batch size, augmentation, precision."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from suite.errors import SuiteError, did_you_mean

Schedule = Literal["constant", "exponential", "cosine", "multistep", "rise-fall", "cyclic", "hold-fall"]
Augment = Literal["none", "zero", "reflect"]
Optimiser = Literal["sgd", "adam"]


@dataclass(frozen=True)
class Recipe:
    """Settings of one training run; raises SuiteError when one makes no sense.

    Args:
        epochs: passes over the training set.
        batch_size: samples per step; the last batch of an epoch may be smaller.
        learning_rate: of the first epoch; the highest one of "rise-fall" and "cyclic".
        momentum: of SGD; Adam ignores it.
        weight_decay: coefficient of the l2 penalty, on every parameter.
        schedule: how the learning rate changes, see `rate`.
        gamma: factor per epoch ("exponential") or per milestone ("multistep").
        milestones: epochs from which on another `gamma` applies ("multistep").
        period: epochs in which "cosine" falls to zero and "cyclic" rises and falls; None: `epochs`.
        peak: share of the period that "rise-fall" and "cyclic" rise, in (0, 1).
        augment: random crop after padding by 4 pixels ("zero" or "reflect") and random flip, or "none".
        optimiser: "sgd" or "adam".
        bfloat16: layers that can compute in bfloat16 do, forward and backward (autocast): not the same numbers; faster
            on GPUs and on CPUs with instructions for it, several times slower on others.
        channels_last: images and weights are laid out with channels last: faster on GPUs, rounded otherwise.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    momentum: float = 0.0
    weight_decay: float = 0.0
    schedule: Schedule = "constant"
    gamma: float = 0.1
    milestones: tuple[int, ...] = ()
    period: int | None = None
    peak: float = 0.4
    augment: Augment = "none"
    optimiser: Optimiser = "sgd"
    bfloat16: bool = False
    channels_last: bool = False

    def __post_init__(self) -> None:
        for name, smallest in (("epochs", 1), ("batch_size", 1), ("momentum", 0), ("weight_decay", 0)):
            if not smallest <= getattr(self, name) < math.inf:
                raise SuiteError(f"{name}={getattr(self, name)} of the recipe", f"give a number >= {smallest}")
        if not 0 < self.learning_rate < math.inf:
            raise SuiteError(f"learning_rate={self.learning_rate} of the recipe", "give a number > 0")
        if not 0 < self.peak < 1:
            raise SuiteError(f"peak={self.peak} of the recipe", "give a share of the period between 0 and 1")
        for name, kind in (("schedule", Schedule), ("augment", Augment), ("optimiser", Optimiser)):
            if getattr(self, name) not in get_args(kind):
                raise SuiteError(
                    f"unknown {name} {getattr(self, name)!r} in the recipe",
                    did_you_mean(str(getattr(self, name)), get_args(kind)),
                )

    def rate(self, time: float) -> float:
        """The learning rate at a time in epochs, from 0; all but "rise-fall" and "cyclic" change between epochs only.

        "rise-fall" goes linearly from 0 to the highest rate and back to 0 (the "superconverge" schedule of Rice et
        al. 2020, whose peak lies at 0.4); "cyclic" does so once a period. "hold-fall" stays for half of the epochs,
        then goes linearly to a hundredth, which it reaches at nine tenths (Garipov et al. 2018's code).
        """
        epoch = math.floor(time)
        if self.schedule == "hold-fall":
            done = (epoch + 1) / self.epochs
            return self.learning_rate * min(1.0, max(0.01, 1 - 0.99 * (done - 0.5) / 0.4))
        if self.schedule in ("rise-fall", "cyclic"):
            length = self.epochs if self.schedule == "rise-fall" else self.period or self.epochs
            done = time % length / length
            return self.learning_rate * min(done / self.peak, (1 - done) / (1 - self.peak))
        if self.schedule == "exponential":
            return self.learning_rate * self.gamma**epoch
        if self.schedule == "cosine":
            return self.learning_rate * (1 + math.cos(math.pi * epoch / (self.period or self.epochs))) / 2
        if self.schedule == "multistep":
            return self.learning_rate * self.gamma ** sum(epoch >= milestone for milestone in self.milestones)
        return self.learning_rate
