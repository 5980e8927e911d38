"""What a training run is, as numbers: optimiser, schedule, batch size, augmentation."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import nn

from suite.errors import SuiteError, did_you_mean

Schedule = Literal["constant", "exponential", "cosine", "multistep"]
Augment = Literal["none", "zero", "reflect"]
Optimiser = Literal["sgd", "adam"]


@dataclass(frozen=True)
class Recipe:
    """Settings of one training run; raises SuiteError when one makes no sense.

    Args:
        epochs: passes over the training set.
        batch_size: samples per step; the last batch of an epoch may be smaller.
        learning_rate: of the first epoch.
        momentum: of SGD; Adam ignores it.
        weight_decay: coefficient of the l2 penalty, on every parameter.
        schedule: how the learning rate changes from epoch to epoch, see `rate`.
        gamma: factor per epoch ("exponential") or per milestone ("multistep").
        milestones: epochs from which on another `gamma` applies ("multistep").
        period: epochs in which "cosine" falls to zero; None: `epochs`.
        augment: random crop after padding by 4 pixels ("zero" or "reflect") and random flip, or "none".
        optimiser: "sgd" or "adam".
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
    augment: Augment = "none"
    optimiser: Optimiser = "sgd"

    def __post_init__(self) -> None:
        for name, smallest in (("epochs", 1), ("batch_size", 1), ("momentum", 0), ("weight_decay", 0)):
            if not smallest <= getattr(self, name) < math.inf:
                raise SuiteError(f"{name}={getattr(self, name)} of the recipe", f"give a number >= {smallest}")
        if not 0 < self.learning_rate < math.inf:
            raise SuiteError(f"learning_rate={self.learning_rate} of the recipe", "give a number > 0")
        for name, kind in (("schedule", Schedule), ("augment", Augment), ("optimiser", Optimiser)):
            if getattr(self, name) not in get_args(kind):
                raise SuiteError(
                    f"unknown {name} {getattr(self, name)!r} in the recipe",
                    did_you_mean(str(getattr(self, name)), get_args(kind)),
                )

    def rate(self, epoch: int) -> float:
        """The learning rate of an epoch, counted from 0."""
        if self.schedule == "exponential":
            return self.learning_rate * self.gamma**epoch
        if self.schedule == "cosine":
            return self.learning_rate * (1 + math.cos(math.pi * epoch / (self.period or self.epochs))) / 2
        if self.schedule == "multistep":
            return self.learning_rate * self.gamma ** sum(epoch >= milestone for milestone in self.milestones)
        return self.learning_rate

    def optimiser_for(self, model: nn.Module) -> torch.optim.Optimizer:
        """A fresh optimiser over the model's trainable parameters."""
        parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        if self.optimiser == "adam":
            return torch.optim.Adam(parameters, self.learning_rate, weight_decay=self.weight_decay, fused=True)
        return torch.optim.SGD(
            parameters, self.learning_rate, self.momentum, weight_decay=self.weight_decay, fused=True
        )
