"""Comparisons of gradient rules in words, for the last lines of a run."""

from collections.abc import Iterator, Sequence

from suite.numbers import told_p
from suite.statistics import PairedTest, holm_of

LEVEL = 0.05
"""Chance, after Holm's adjustment over the comparisons of one run, below which one rule is said to be ahead."""


def standing(p_value: float, ahead: int) -> str:
    """`ahead of` or `behind`, where an adjusted p-value lets it be said; else the two cannot be told apart.

    Args:
        p_value: of a paired test, adjusted for the number of tests.
        ahead: on how many more samples this one won than the other one.
    """
    if p_value >= LEVEL:
        return "not told apart from"
    return "ahead of" if ahead > 0 else "behind"


def against_first(
    first: str, does: str, rates: Sequence[tuple[str, float]], tests: Sequence[PairedTest], of: str
) -> Iterator[str]:
    """One sentence for each rule that was compared with the first one on the same samples.

    Args:
        first: the rule of reference.
        does: what a success is, "fools the model on".
        rates: rule and its share of successes in [0, 1], of all rules, the first one among them.
        tests: paired tests against the first rule, of the other rules in their order.
        of: what is counted, "530 images".
    """
    reference = dict(rates)[first]
    adjusted = holm_of([test.p_value for test in tests])
    others = [(rule, rate) for rule, rate in rates if rule != first]
    for (rule, rate), test, p in zip(others, tests, adjusted, strict=True):
        by_holm = " by Holm" if len(tests) > 1 else ""
        points = f"{100 * (rate - reference):+.1f} points, {told_p(p)}{by_holm}"
        split = f"{test.only_first} only under {rule}, {test.only_second} only under {first}"
        where = f"{standing(p, test.only_first - test.only_second)} {first} ({reference:.1%})"
        yield f"{rule} {does} {rate:.1%} of {of}, {where}: {points}; {split}"
