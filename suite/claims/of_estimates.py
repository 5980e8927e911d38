"""Judges of an estimate: what its 95 % interval can carry."""

from collections.abc import Sequence
from math import inf, isnan

from suite.claims.claim import CANNOT_TELL, DIFFERS, REPRODUCED, Judgement
from suite.statistics import Estimate

AGREEING = 6  # units that must agree exactly before their agreement says something: a sign test's p is 2^-5 then


def number(
    measured: Estimate, published: float, precision: float, *, rounding: float = 0.0, lost: int = 0,
    conditions: Sequence[str] = (),
) -> Judgement:  # fmt: skip
    """A printed number: it lies in the interval, and the interval is narrow enough to have excluded others.

    Args:
        precision: the largest half width of an interval that can confirm the number. A wider one can still exclude it.
        rounding: half a unit of the last digit printed; the number is any within it.
    """
    if unfit := _unfit(measured, lost, conditions):
        return unfit
    text = _shown(measured)
    if published + rounding < measured.low or published - rounding > measured.high:
        return Judgement(DIFFERS, f"{text} excludes {published:g}")
    if not measured.half_width <= precision:
        return Judgement(CANNOT_TELL, f"{text} is wider than ± {precision:g}: it holds {published:g} and much else")
    return Judgement(REPRODUCED, f"{text} holds {published:g}")


def equivalence(
    measured: Estimate, low: float, high: float, *, lost: int = 0, conditions: Sequence[str] = ()
) -> Judgement:
    """The same within a margin: the whole interval lies in [low, high], or else all of it outside."""
    if unfit := _unfit(measured, lost, conditions):
        return unfit
    text = _shown(measured)
    if low <= measured.low and measured.high <= high:
        return Judgement(REPRODUCED, f"{text} lies within [{low:g}, {high:g}]")
    if measured.high < low or measured.low > high:
        return Judgement(DIFFERS, f"{text} lies outside [{low:g}, {high:g}]")
    return Judgement(CANNOT_TELL, f"{text} lies partly within [{low:g}, {high:g}]")


def power(
    measured: Estimate, published: float, tolerance: float, *, lost: int = 0, conditions: Sequence[str] = ()
) -> Judgement:
    """A power law's exponent: the whole interval is within the tolerance of it, or else all of it further off.

    The tolerance is what finite sizes and a printed plot leave open, not the width of an interval.
    """
    return equivalence(measured, published - tolerance, published + tolerance, lost=lost, conditions=conditions)


def at_most(measured: Estimate, bound: float, *, lost: int = 0, conditions: Sequence[str] = ()) -> Judgement:
    """An upper bound: the whole interval is at or below it, or all of it above. Smaller values do not contradict it."""
    return equivalence(measured, -inf, bound, lost=lost, conditions=conditions)


def at_least(measured: Estimate, bound: float, *, lost: int = 0, conditions: Sequence[str] = ()) -> Judgement:
    """A lower bound: the whole interval is at or above it, or all of it below."""
    return equivalence(measured, bound, inf, lost=lost, conditions=conditions)


def direction(difference: Estimate, sign: int = 1, *, lost: int = 0, conditions: Sequence[str] = ()) -> Judgement:
    """A difference or slope that the paper has on one side of 0: the interval excludes 0 there, or on the other side.

    Args:
        sign: 1 where the paper says it is above 0, -1 where below.
    """
    if sign not in (1, -1):
        raise ValueError(f"sign {sign} is neither 1 nor -1")
    if unfit := _unfit(difference, lost, conditions):
        return unfit
    text = _shown(difference)
    if difference.low <= 0 <= difference.high:
        return Judgement(CANNOT_TELL, f"{text} holds 0")
    above = difference.low > 0
    return Judgement(REPRODUCED if above == (sign > 0) else DIFFERS, f"{text} is {'above' if above else 'below'} 0")


def conditional(conditions: Sequence[str]) -> Judgement:
    """The judgement where the paper's conditions do not hold."""
    return Judgement(CANNOT_TELL, f"not the paper's conditions: {'; '.join(conditions)}")


def _unfit(measured: Estimate, lost: int, conditions: Sequence[str]) -> Judgement | None:
    """Why an estimate can judge nothing, if it cannot."""
    n, of = measured.n, measured.of or "units"
    if conditions:
        return conditional(conditions)
    if lost:
        return Judgement(CANNOT_TELL, f"{lost} of {n + lost} {of} are lost, which could turn the answer")
    if isnan(measured.low) or isnan(measured.high):
        return Judgement(CANNOT_TELL, f"no interval from {n} {of}")
    if measured.low == measured.high and 1 < n < AGREEING:
        return Judgement(CANNOT_TELL, f"{n} {of} with the same value: how far others scatter is not known")
    return None


def _shown(measured: Estimate) -> str:
    return f"{measured.value:.4g} [{measured.low:.4g}, {measured.high:.4g}]"
