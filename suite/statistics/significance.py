"""Exact tests of two methods on the same units, and what many tests at once leave of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from suite.statistics import formulas
from suite.statistics.estimates import numbers


@dataclass(frozen=True)
class PairedTest:
    """Two methods on the same independent units.

    Args:
        only_first, only_second: units on which only the one succeeded, or was ahead; ties are in neither.
        p_value: two-sided, exact: how surprising the split is if the methods were alike.
    """

    only_first: int
    only_second: int
    p_value: float


def mcnemar_of(only_first: int, only_second: int) -> PairedTest:
    """McNemar's exact test: given the units on which the two differ, each side is as likely as the other."""
    return PairedTest(only_first, only_second, float(formulas.even_odds(np.array(only_first), np.array(only_second))))


def sign_test_of(differences: ArrayLike) -> PairedTest:
    """The exact sign test of paired differences: those above 0 (`only_first`) against those below; zeros are ties.

    Differences may be infinite. Raises ValueError for a NaN, which is on neither side and no tie.
    """
    values = numbers(differences)
    if np.isnan(values).any():
        raise ValueError(f"{int(np.isnan(values).sum())} of {len(values)} differences are NaN")
    return mcnemar_of(int((values > 0).sum()), int((values < 0).sum()))


def holm_of(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for their number by Holm (1979): those <= alpha hold together at family-wise error alpha."""
    order = np.argsort(p_values, kind="stable")
    steps = np.asarray(p_values, dtype=np.float64)[order] * np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted.tolist()
