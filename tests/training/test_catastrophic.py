"""The rule for catastrophic overfitting on histories whose answer is known."""

import pytest

from suite.errors import SuiteError
from suite.training import MANY_STEPS, ONE_STEP, Collapse, Epoch, History


def history(many: list[float], one: list[float]) -> History:
    watched = [{MANY_STEPS: m, ONE_STEP: o} for m, o in zip(many, one, strict=True)]
    return History(tuple(Epoch(number, 0.1, 1.0, 0.5, seen) for number, seen in enumerate(watched)))


HEALTHY = ([0.05, 0.20, 0.35, 0.40, 0.38], [0.10, 0.24, 0.40, 0.47, 0.46])
SPOILT = ([0.05, 0.20, 0.35, 0.03, 0.00], [0.10, 0.24, 0.40, 0.80, 0.90])
NEVER_ROBUST = ([0.10, 0.05, 0.02, 0.01, 0.00], [0.10, 0.12, 0.25, 0.40, 0.60])
AT_CHANCE = ([0.00, 0.01, 0.00, 0.02, 0.00], [0.10, 0.09, 0.11, 0.10, 0.12])


@pytest.mark.parametrize(
    ("curves", "first", "fell"),
    [(HEALTHY, None, False), (SPOILT, 3, True), (NEVER_ROBUST, 2, False), (AT_CHANCE, None, False)],
)
def test_the_epoch_of_the_collapse(curves: tuple[list[float], list[float]], first: int | None, fell: bool) -> None:
    rule = Collapse()
    assert rule.first(*curves) == first
    assert rule.fell(*curves) == fell
    assert rule(history(*curves)) == (first is not None)
    if first is not None:  # online: silent until then
        assert not rule(history(*(curve[:first] for curve in curves)))
        assert rule(history(*(curve[: first + 1] for curve in curves)))


def test_both_losing_alike_is_no_collapse() -> None:
    """A training that breaks down altogether, or learns to be robust no more by either measure."""
    assert Collapse().first([0.4, 0.1, 0.1], [0.5, 0.12, 0.1]) is None


def test_the_thresholds_are_inclusive() -> None:
    assert Collapse(share=0.5, floor=0.4).first([0.2], [0.4]) == 0
    assert Collapse(share=0.5, floor=0.4).first([0.21], [0.4]) is None
    assert Collapse(share=0.5, floor=0.41).first([0.2], [0.4]) is None


def test_other_names_can_be_watched() -> None:
    epoch = Epoch(0, 0.1, 1.0, 0.5, {"pgd": 0.0, "fgsm": 0.9})
    assert Collapse(many="pgd", one="fgsm")(History((epoch,)))


@pytest.mark.parametrize("bad", [{"share": 0.0}, {"share": 1.0}, {"floor": 0.0}, {"floor": 1.5}])
def test_senseless_thresholds(bad: dict[str, float]) -> None:
    with pytest.raises(SuiteError, match="between 0 and 1"):
        Collapse(**bad)
