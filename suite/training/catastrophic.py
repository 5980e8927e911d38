"""Catastrophic overfitting of fast adversarial training, told online from two robust accuracies."""

from collections.abc import Sequence
from dataclasses import dataclass

from suite.errors import SuiteError
from suite.training.loop import History

ONE_STEP, MANY_STEPS = "one_step_accuracy", "many_steps_accuracy"
"""Names under which `suite.attacks.one_and_many` watches robust accuracy."""


@dataclass(frozen=True)
class Collapse:
    """A rule for `fit(until=...)`: true once many steps take nearly all that one step leaves.

    A model that FGSM training has spoilt stands one step and falls to several: its accuracy under PGD goes to zero
    within an epoch or so, while that under FGSM rises (Wong et al. 2020; Andriushchenko and Flammarion 2020). Until
    then the two, at one strength and on the same samples, are within a few points of each other. The rule compares
    them in one and the same epoch, so that it also tells of a training that was spoilt from its beginning.

    Args:
        many, one: names of the two accuracies among what is watched.
        share: collapsed where the accuracy under many steps is at most this share of that under one, in (0, 1).
        floor: least accuracy under one step that says anything; 0.2 is twice the chance of ten classes.

    Raises SuiteError for shares and floors outside (0, 1).
    """

    many: str = MANY_STEPS
    one: str = ONE_STEP
    share: float = 0.25
    floor: float = 0.2

    def __post_init__(self) -> None:
        for name in ("share", "floor"):
            if not 0 < getattr(self, name) < 1:
                raise SuiteError(f"{name}={getattr(self, name)} of a collapse", "give a number between 0 and 1")

    def __call__(self, history: History) -> bool:
        many, one = ([epoch.watched[name] for epoch in history.epochs] for name in (self.many, self.one))
        return self.first(many, one) is not None

    def first(self, many: Sequence[float], one: Sequence[float]) -> int | None:
        """The first epoch, from 0, at which a training has collapsed; None where it did not."""
        pairs = enumerate(zip(many, one, strict=True))
        return next((at for at, (m, o) in pairs if o >= self.floor and m <= self.share * o), None)

    def fell(self, many: Sequence[float], one: Sequence[float]) -> bool:
        """Whether the collapse took away what there had been: accuracy above the floor, and so much more than is left.

        False for a training that did not collapse, and for one that was never robust.
        """
        at = self.first(many, one)
        if not at:
            return False
        best = max(many[:at])
        return best >= self.floor and many[at] <= self.share * best
