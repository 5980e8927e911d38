"""Judges of counts: how many independent units say yes, how many no, and how many might have said either."""

from collections.abc import Iterable, Sequence
from math import ceil, log, log1p

import numpy as np
from numpy.typing import ArrayLike

from suite.claims.claim import CANNOT_TELL, DIFFERS, REPRODUCED, Judgement
from suite.claims.of_estimates import conditional
from suite.numbers import told_p
from suite.statistics import PairedTest, holm_of, mcnemar_of, rate_of

LEVEL = 0.05  # of every test, family-wise where there is a family

Bounds = tuple[float, float]
"""Lower and upper bound of a value that is known no better; equal where it is known, infinite where one is missing."""


def order(test: PairedTest, *, lost: int = 0, conditions: Sequence[str] = ()) -> Judgement:
    """The first of two methods is ahead on the same independent units, by McNemar's test or the sign test.

    Args:
        lost: units with no answer: they are taken to speak for the side that is behind.
    """
    return order_family([test], lost=[lost], conditions=conditions)[0]


def order_family(
    tests: Sequence[PairedTest], *, lost: Sequence[int] | None = None, conditions: Sequence[str] = ()
) -> list[Judgement]:
    """The same for several comparisons at once: that any is called wrongly has a probability of at most 5 % (Holm).

    Args:
        lost: of each comparison, see `order`.
    """
    missing = [0] * len(tests) if lost is None else list(lost)
    if conditions:
        return [conditional(conditions) for _ in tests]
    worst = [_against_the_leader(test, count) for test, count in zip(tests, missing, strict=True)]
    adjusted = holm_of([test.p_value for test in worst])
    return [_order(*case, family=len(tests)) for case in zip(tests, worst, missing, adjusted, strict=True)]


def majority(
    holds: Iterable[bool | None], clusters: ArrayLike | None = None, *, of: str, lost: int = 0,
    conditions: Sequence[str] = (),
) -> Judgement:  # fmt: skip
    """It holds in most units: a sign test against one half, in which those undecided count for the side that is behind.

    Args:
        holds: True, False or None (undecided) for each unit.
        clusters: what each unit belongs to where units are not independent. A cluster then has one voice, and a voice
            only if most of its units, undecided ones at their worst, say the same.
        of: what the voices are, in the plural: the clusters where there are any.
    """
    units = [None if unit is None else bool(unit) for unit in holds]
    voices = units if clusters is None else _voices(units, clusters)
    yes, no, undecided = (sum(voice is answer for voice in voices) for answer in (True, False, None))
    if conditions:
        return conditional(conditions)
    verdict = order(mcnemar_of(yes, no), lost=undecided + lost).verdict
    return Judgement(verdict, f"of {len(voices) + lost} {of} {yes} yes, {no} no, {undecided + lost} undecided")


def existence(
    found: int, n: int, *, of: str, least: float | None = None, lost: int = 0, conditions: Sequence[str] = ()
) -> Judgement:
    """There are such units: one is enough. That none was found shows little: it differs only beside a stated share.

    Args:
        found: of n independent units.
        least: the share of units that the paper's words imply at least; None where one in a million would do.
    """
    if conditions:
        return conditional(conditions)
    if found:
        return Judgement(REPRODUCED, f"{found} of {n} {of}")
    most = rate_of(lost, n + lost).high
    if least is not None and most < least:
        return Judgement(DIFFERS, f"none of {n} {of}: at most {most:.2g} of them, not {least:g}")
    return Judgement(CANNOT_TELL, f"none of {n} {of}{_and_lost(lost)}: a share of {most:.2g} can hide")


def bound(
    violations: int, n: int, *, of: str, rate: float = 0.05, lost: int = 0, conditions: Sequence[str] = ()
) -> Judgement:
    """It holds without exception: one violation refutes it, and enough units without one confirm it.

    Enough is where a violation in the share `rate` of units would have shown with 95 %: log 0.05 / log(1 - rate) units,
    the rule of three: 59 for 5 %, 14 for 20 %. What holds with a probability only is a rate, for `at_least`.

    Args:
        violations: independent units with a violation, of n: nets, not points of nets.
    """
    if conditions:
        return conditional(conditions)
    if violations:
        return Judgement(DIFFERS, f"{violations} of {n} {of} violate it")
    if lost:
        return Judgement(CANNOT_TELL, f"none of {n} {of} violates it{_and_lost(lost)}")
    enough = ceil(log(LEVEL) / log1p(-rate))
    if n < enough:
        return Judgement(CANNOT_TELL, f"none of {n} {of} violates it; to exclude a rate of {rate:g} takes {enough}")
    return Judgement(REPRODUCED, f"none of {n} {of} violates it")


def censored_comparison(
    pairs: Iterable[tuple[Bounds, Bounds]], sign: int = 1, *, of: str, lost: int = 0, conditions: Sequence[str] = ()
) -> Judgement:
    """The first of two values is larger (sign 1) or smaller (-1), where values are known between bounds only.

    A pair is decided where its bounds do not overlap, on either side; a pair whose bounds overlap counts for the side
    that is behind. Then a sign test: fewer than six pairs decide nothing. Where no bound is infinite, the `direction`
    of a `bracketed_mean_of` the differences is sharper.

    Args:
        pairs: bounds of the first and of the second value, for each independent unit; all of them.
        of: what the units are: seeds.
    """
    if sign not in (1, -1):
        raise ValueError(f"sign {sign} is neither 1 nor -1")
    return majority([_ahead(*pair, sign) for pair in pairs], of=of, lost=lost, conditions=conditions)


def everywhere(judgements: Iterable[Judgement], *, conditions: Sequence[str] = ()) -> Judgement:
    """One claim about several settings: reproduced where it is in all of them, differs where it does in any.

    Judge the settings as a family (`order_family`), so that one of many does not differ by chance.
    """
    if conditions:
        return conditional(conditions)
    words = [judgement.verdict for judgement in judgements]
    held, differ, open_ = (words.count(word) for word in (REPRODUCED, DIFFERS, CANNOT_TELL))
    verdict = DIFFERS if differ else REPRODUCED if held and not open_ else CANNOT_TELL
    return Judgement(verdict, f"of {len(words)} settings {held} reproduced, {differ} differ, {open_} cannot be told")


def _against_the_leader(test: PairedTest, lost: int) -> PairedTest:
    """The test as it would be if all that is lost spoke for the side that is behind."""
    if not lost:
        return test
    first_leads = test.only_first > test.only_second
    return mcnemar_of(test.only_first + lost * (not first_leads), test.only_second + lost * first_leads)


def _order(test: PairedTest, worst: PairedTest, lost: int, p_value: float, *, family: int) -> Judgement:
    leads = np.sign(test.only_first - test.only_second)
    holm = f" (Holm over {family})" if family > 1 else ""
    text = f"{test.only_first} against {test.only_second}{_and_lost(lost)}, {told_p(p_value)}{holm}"
    if not p_value < LEVEL or leads != np.sign(worst.only_first - worst.only_second):
        return Judgement(CANNOT_TELL, text)
    return Judgement(REPRODUCED if leads > 0 else DIFFERS, text)


def _voices(holds: Sequence[bool | None], clusters: ArrayLike) -> list[bool | None]:
    """What each cluster says: what most of its units say even if the undecided ones said the contrary."""
    _, place = np.unique(np.asarray(clusters), return_inverse=True)
    sizes = np.bincount(place)
    yes, no = (np.bincount(place, [unit is answer for unit in holds]) for answer in (True, False))
    return [
        True if 2 * y > size else False if 2 * n > size else None for y, n, size in zip(yes, no, sizes, strict=True)
    ]


def _ahead(first: Bounds, second: Bounds, sign: int) -> bool | None:
    """Whether the first is ahead in the direction of the sign; None where the bounds overlap."""
    (low, high), (other_low, other_high) = first, second
    if not (low <= high and other_low <= other_high):
        raise ValueError(f"bounds {first} and {second} are not in order")
    if low > other_high:
        return sign > 0
    return sign < 0 if high < other_low else None


def _and_lost(lost: int) -> str:
    return f", {lost} lost" if lost else ""
