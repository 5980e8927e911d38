"""What the paper's theorem and lemmas say, as tests on numbers: claim, expected, measured, interval, verdict."""

from collections.abc import Callable, Iterator
from math import isfinite
from typing import Any

import numpy as np

from modules.lazy_regime.proof_tables import EXPONENT, Row, Rows, groups, power
from suite.stats import Mean, wilson

TOLERANCE = 0.1  # of a power: a finite d is not the limit


def claims(
    points: Rows, links: Rows, conditions: Rows, worst: Rows, explicit: Rows, gamma: float
) -> Iterator[dict[str, Any]]:
    """All claims; counts are over points of nets, powers over nets. What needs a large d is judged at the largest."""
    for statement, claim, source, share in (
        ("4.1: |f| - |f at W0|", "|f(x; W)| <= |f(x; W0)| + C0", "Lemma 4.1", 1.0),
        ("4.1: |f|", "|f(x; W)| <= its bound for all W, our constants", "Lemma 4.1", 1 - gamma),
        ("4.2: |grad f|", "|grad f| >= its bound for all W, our constants", "Lemma 4.2", 1 - gamma),
        (
            "4.3: neurons that the ball can change",
            "neurons that the ball can change <= their bound",
            "Lemma 4.3",
            1 - gamma,
        ),
    ):
        mine = [row for row in links if row["statement"] == statement]
        inside, n = sum(round(row["inside"] * row["n"]) for row in mine), sum(row["n"] for row in mine)
        yield _share(claim, source, "all settings", inside, n, share)
    trained = [row for row in points if row["c0"] > 0]
    yield from _powers(points, "d", lambda r: r["gradient"], "|grad f| ~ sqrt(d)", "Lemma 4.2", 0.5)
    changed = "neurons that the ball can change ~ sqrt(m)"
    yield from _powers(trained, "m", lambda r: r["may_change"], changed, "Lemma 4.3", 0.5)
    for where, row in _at_largest_d(conditions):
        yield _share("the condition of the proof outline holds", "Sec. 4", where, row["holds"], row["n"])
    held, flipped = (sum(row[name] for row in conditions) for name in ("holds", "holds_and_flipped"))
    yield _share("where it holds, the step flips, and by that length", "Sec. 4", "all settings", flipped, held)
    finite = sum(isfinite(row["size"]) for row in trained)
    yield _share("a single step flips the sign, trained nets", "Theorem 3.1", "all settings", finite, len(trained))
    for claim, source, rows in (
        ("|delta| ~ 1 / sqrt(d), trained nets", "Theorem 3.1", trained),
        ("|delta| ~ 1 / sqrt(d), worst net found", "Theorem 3.1, all W", worst),
    ):
        yield from _powers(rows, "d", lambda r: r["size"], claim, source, -0.5, np.median)
    for key, mine in groups(worst, "d", "m", "c0"):
        if key["d"] == max(row["d"] for row in worst):
            flips = sum(not row["resists"] for row in mine)
            claim = "a single step flips the sign, worst net found"
            yield _share(claim, "Theorem 3.1, all W", _named(key), flips, len(mine))
    for key, mine in groups(explicit, "c0"):
        first = mine[0]["closing_d"]
        yield {
            "claim": "the proof's bounds close, our constants", "source": "Theorem 3.1", "of": f"C0 = {key['c0']:g}",
            "expected": None, "measured": float(np.mean([row["closes"] for row in mine])), "low": None, "high": None,
            "n": len(mine),
            "verdict": f"at m = d^{EXPONENT:g} " + (f"from d = {first:.0e} on" if first else "at no d up to 1e15"),
        }  # fmt: skip


def _at_largest_d(rows: Rows) -> Iterator[tuple[str, Row]]:
    yield from ((_named(row), row) for row in rows if row["d"] == max(other["d"] for other in rows))


def _named(setting: Row) -> str:
    return f"d = {setting['d']}, m = {setting['m']}, C0 = {setting['c0']:g}"


def _powers(
    rows: Rows, variable: str, value: Callable[[Row], float], claim: str, source: str, expected: float,
    of: Callable[[Any], Any] = np.mean,
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """A power of d for each m and C0, or of m for each d and C0; none where only one value was measured."""
    fixed = "m" if variable == "d" else "d"
    for key, mine in groups(rows, fixed, "c0"):
        if len({row[variable] for row in mine}) < 2:
            continue
        found, places = power(mine, variable, value, of)
        fitted = f", {variable} = {', '.join(f'{place:g}' for place in places)}" if places else ""
        yield {
            "claim": claim, "source": source, "of": f"{fixed} = {key[fixed]}, C0 = {key['c0']:g}{fitted}",
            "expected": expected, "measured": _gap(found.mean), "low": _gap(found.low), "high": _gap(found.high),
            "n": found.n, "verdict": _verdict(found, expected),
        }  # fmt: skip


def _share(claim: str, source: str, of: str, count: int, n: int, expected: float = 1.0) -> dict[str, Any]:
    """A statement about points: reproduced where the share of them may be as expected, every one or with 1 - gamma."""
    rate = wilson(count, n) if n else None
    return {
        "claim": claim, "source": source, "of": of, "expected": expected, "measured": rate and rate.rate,
        "low": rate and rate.low, "high": rate and rate.high, "n": n,
        "verdict": "cannot be told" if rate is None else "reproduced" if rate.high >= expected else "differs",
    }  # fmt: skip


def _verdict(found: Mean, expected: float) -> str:
    """Whether the interval of a power holds the expected one; an interval that holds 0 as well tells nothing."""
    if not isfinite(found.low) or (min(0, expected) >= found.low and max(0, expected) <= found.high):
        return "cannot be told"
    near = (
        found.low <= expected <= found.high or max(abs(found.low - expected), abs(found.high - expected)) <= TOLERANCE
    )
    return "reproduced" if near else "differs"


def _gap(value: float) -> float | None:
    return value if isfinite(value) else None
