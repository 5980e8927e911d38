"""What Xing et al. say of linear regression, as tests on numbers: claim, measured value, interval, verdict."""

from collections.abc import Iterator, Mapping, Sequence
from math import e
from typing import Any

import numpy as np
from scipy.stats import kstest

from modules.phase_transition.linear_tables import LEVEL, Columns, Row, as_array, groups
from suite.stats import wilson

Rows = Sequence[Mapping[str, Any]]

TABLE_B1 = {(20, 1000): 0.02, (2000, 10): 15.0}
"""eps_star as printed, by (d, n)."""
LOST = "noise variance and |theta0| are not given"


def claims(tables: Mapping[str, Rows], paths: Columns, tested: Columns, minima: Columns) -> Iterator[Row]:
    """Theorems 1 and 2, Fig. 2 and 3, Lemma 1, Table B.1: a row for each claim and size."""
    yield from _parts(tables["ends"])
    yield from _collapses(tables["ends"], minima)
    yield from _ordered(paths)
    yield from _p_values(tables["p_values"], tables["half_way"])
    yield from _calibrated(tested)
    yield from _powers(tables["growth"])
    yield from _variance(tables["eps_star"])
    yield from _printed(tables["eps_star"])


def verdict(low: float | None, high: float | None, *, above: float = -np.inf, below: float = np.inf) -> str:
    """Reproduced where the interval lies within (above, below), differs where it lies outside, else undecided."""
    if low is None or high is None or not np.isfinite([low, high]).all():
        return "cannot be told"
    if above < low and high < below:
        return "reproduced"
    return "differs" if high < above or low > below else "cannot be told"


def _parts(ends: Rows) -> Iterator[Row]:
    """Theorem 1 at Table B.1's small and large strengths, or others: below one Std; for d < n above."""
    for (d, n), rows in _by_size(ends):
        for row, words, limits in ((rows[0], "<", {"below": 1.0}), (rows[-1], ">", {"above": 1.0})):
            if words == ">" and d > n:
                continue  # where both estimates are 0 in the limit: `_collapses`
            claim = f"|theta(eps) - theta(0)| {words} |Std|_F at eps = {row['eps_over_order']:.3g} sqrt(d/n)"
            yield _row(claim, "Theorem 1", d, n, *_three(row, "over_std"), row["data_sets"],
                       verdict(row["over_std_low"], row["over_std_high"], **limits))  # fmt: skip


def _collapses(ends: Rows, minima: Columns) -> Iterator[Row]:
    """Theorem 1 for d > n: the adversarial minimiser is 0, which is so exactly from |X^T y|_2 / |y|_1 on."""
    strength = {key: cell["collapse"][cell["eps"] == 0] for key, cell in groups(minima, "d", "n")}
    for (d, n), rows in _by_size(ends):
        if d > n:
            share = wilson(int((strength[d, n] <= rows[-1]["eps"]).sum()), len(strength[d, n]))
            claim = f"the minimiser is 0 at eps = {rows[-1]['eps_over_order']:.3g} sqrt(d/n) in most data sets"
            yield _row(claim, "Theorem 1, Fig. 1", d, n, share.rate, share.low, share.high, share.n,
                       verdict(share.low, share.high, above=0.5))  # fmt: skip


def _ordered(paths: Columns) -> Iterator[Row]:
    """ "The difference gets larger when increasing eps": in how many data sets, for all strengths, at the last step."""
    step = as_array(paths["step"])
    final = {name: as_array(values)[step == step.max()] for name, values in paths.items()}
    for (d, n), cell in groups(final, "d", "n"):
        kept = [part for _, part in groups(cell, "repeat") if not part["gone"].any()]
        larger = sum(bool((np.diff(part["apart"][np.argsort(part["eps"])]) > 0).all()) for part in kept)
        if kept and len(kept[0]["eps"]) > 1:
            share = wilson(larger, len(kept))
            yield _row("the paths part further the larger eps", "Fig. 2 left", d, n, share.rate, share.low, share.high,
                       share.n, verdict(share.low, share.high, above=0.5))  # fmt: skip


def _p_values(p_values: Rows, half_way: Rows) -> Iterator[Row]:
    """The p-values drop about log(eps / eps_star) = 0, |log| <= 1, and that of the loss is close to 0 there."""
    for row in half_way:
        source = "Fig. 2 right" if row["of"] == "parameters" else "Fig. 3"
        for unit, column in (("sqrt(d/n)", "over_order"), ("the located eps_star", "over_eps_star")):
            claim = f"p of the {row['of']} halves at eps / {unit} within [1/e, e]"
            yield _row(claim, source, row["d"], row["n"], *_three(row, column), row["data_sets"],
                       verdict(row[f"{column}_low"], row[f"{column}_high"], above=1 / e, below=e))  # fmt: skip
    for row in p_values:
        if row["of"] == "loss" and abs(row["eps_over_order"] - 1) < 1e-9:
            yield _row("p of the loss is below 0.05 at eps = sqrt(d/n), in the mean", "Fig. 3", row["d"], row["n"],
                       row["p"], row["low"], row["high"], row["data_sets"],
                       verdict(row["low"], row["high"], below=LEVEL))  # fmt: skip


def _calibrated(tested: Columns) -> Iterator[Row]:
    """Whether p-values of clean trainings are uniform, as they must be: p of Kolmogorov and Smirnov's test."""
    for (d, n), cell in groups(tested, "d", "n"):
        for of in ("parameters", "parameters_rank", "loss", "loss_rank"):
            values = cell[of][(cell["eps"] == 0) & (cell["gone"] == 0)]
            if np.isfinite(values).all() and len(values) > 1:
                fits = float(kstest(values, "uniform").pvalue)
                word = "by rank" if of.endswith("_rank") else "by F"
                yield _row(f"p-values {word} of the {of.split('_')[0]} are uniform under the null (p of the test)",
                           "checked here", d, n, fits, None, None, len(values),
                           "holds" if fits > LEVEL else "fails")  # fmt: skip


def _powers(growth: Rows) -> Iterator[Row]:
    """The paper's power of d/n against the interval of the fitted one: of a straight line, and of the leading term."""
    for row in growth:
        for column, words in (("power", "straight line"), ("leading", "leading term")):
            value, low, high = _three(row, column)
            found = "cannot be told"
            # One that holds both the paper's power and 0 does not tell growth from none.
            if low is not None and not low <= min(0, row["paper"]) <= max(0, row["paper"]) <= high:
                paper, derived = (low <= row[name] <= high for name in ("paper", "derived"))
                found = "reproduced" if paper else "differs"
                if row["paper"] != row["derived"] and derived:
                    found = "cannot be told" if paper else f"differs: {row['derived']:g}, as derived here"
            claim = f"{row['quantity']} goes like (d/n)^{row['paper']:g} for {row['range']}, {words}"
            source = "Lemma 2" if row["quantity"] == "Delta" else "Theorems 1, 2"
            yield _row(claim, source, None, None, value, low, high, row["sizes"], found)


def _variance(eps_star: Rows) -> Iterator[Row]:
    """Lemma 1 for d > n, as printed and with the term it drops: in how many sizes the interval measured holds it."""
    high = [row for row in eps_star if row["d"] > row["n"]]
    for column, words in (("variance_printed", "as printed"), ("variance", "with |theta0|^2 (n/d)(1 - n/d)")):
        if high:
            held = sum(row["spread_low"] <= row[column] <= row["spread_high"] for row in high)
            share = wilson(held, len(high))
            yield _row(f"tr Var of the clean estimate for d > n {words} is in the interval measured: share of sizes",
                       "Lemma 1", None, None, share.rate, share.low, share.high, share.n,
                       verdict(share.low, share.high, above=0.5))  # fmt: skip


def _printed(eps_star: Rows) -> Iterator[Row]:
    """eps_star as Table B.1 prints it, beside the located one."""
    for row in eps_star:
        printed = TABLE_B1.get((row["d"], row["n"]))
        if printed is None:
            continue
        low, high = row["eps_star_low"], row["eps_star_high"]
        inside = low is not None and low <= printed <= high
        yield _row(f"eps_star = {printed:g}", "Table B.1", row["d"], row["n"], row["eps_star"], low, high,
                   row["data_sets"], "reproduced" if inside else f"cannot be told: {LOST}")  # fmt: skip


def _by_size(rows: Rows) -> Iterator[tuple[tuple[int, int], Rows]]:
    """The rows of each size, by ascending eps."""
    for size in dict.fromkeys((row["d"], row["n"]) for row in rows):
        yield size, sorted((row for row in rows if (row["d"], row["n"]) == size), key=lambda row: row["eps"])


def _three(row: Mapping[str, Any], name: str) -> tuple[Any, Any, Any]:
    return row[name], row[f"{name}_low"], row[f"{name}_high"]


def _row(
    claim: str, source: str, d: int | None, n: int | None, value: float | None, low: float | None, high: float | None,
    count: int, words: str,
) -> Row:  # fmt: skip
    return {
        "claim": claim, "source": source, "d": d, "samples": n, "value": value, "low": low, "high": high, "n": count,
        "verdict": words,
    }  # fmt: skip
