"""Powers of n and of d apart, on sizes of known law."""

from typing import Any

import polars as pl
import pytest

from modules.phase_transition import theory
from modules.phase_transition.linear import regimes
from modules.phase_transition.linear.regimes import LARGE, SMALL
from modules.phase_transition.linear.results import regimes as table_of

SIZES = [(1, 200), (2, 400), (1, 800), (4, 800), (2, 3200), (8, 3200), (20, 100), (30, 200), (40, 400), (80, 400),
         (60, 800), (160, 1600)]  # fmt: skip


def sizes(own: Any, expected: Any, rms: Any, rise: Any = lambda n, d: 1.0) -> pl.DataFrame:
    """A row per size with these laws of (n, d)."""
    rows = [
        {"d": d, "samples": n, "d_over_n": d / n, "border": theory.gap_in_deviations(n, d), "value": own(n, d),
         "eps_star": expected(n, d), "rms_delta": rms(n, d), "rise": rise(n, d), "apart_at_0": 0, "data_sets": 100,
         "n": 100, "over_derived": 1.0, "over_derived_low": 0.97, "over_derived_high": 1.03}
        for d, n in SIZES
    ]  # fmt: skip
    return pl.DataFrame(rows)


def found(table: pl.DataFrame) -> dict[tuple[str, str], dict[str, Any]]:
    """By the last word of the quantity, and the range."""
    return {(row["quantity"].split()[-1], row["range"]): row for row in table_of(table).to_dicts()}


def test_powers_of_n_and_d_are_those_of_the_law_and_a_term_of_order_d_over_n_beside_it_is_fitted() -> None:
    def law(n: int, d: int) -> float:
        return 3 * n**-0.75 * d**0.25 * float(pl.select(pl.lit(2.0 * d / n).exp()).item()) if d >= 20 else n**-0.5

    rows = found(sizes(law, law, law))
    for quantity in ("exists", "losses", "Delta^2"):
        large, small = rows[quantity, LARGE], rows[quantity, SMALL]
        assert (large["n_power"], large["d_power"]) == (pytest.approx(-0.75), pytest.approx(0.25))
        assert (small["n_power"], small["d_power"]) == (pytest.approx(-0.5), pytest.approx(0, abs=1e-9))
        assert (large["sizes"], small["sizes"], large["lost"]) == (6, 6, 0)


def test_the_papers_root_of_d_over_n_is_right_in_n_only_below_the_border() -> None:
    """Laws as derived: the verdicts that the study must give on them."""
    table = sizes(
        lambda n, d: n**-0.5 if d < 10 else d / n,
        lambda n, d: d / n,
        lambda n, d: (2 / n + (2 * d / n) ** 2) ** 0.5,
        lambda n, d: d**0.5 if d < 10 else (n / d) ** 0.5,
    )
    claims = list(regimes.claims(table_of(table), table))
    verdicts = {(claim.claim, claim.setting, claim.source): claim.judgement.verdict for claim in claims}
    own = "eps_star of a data set, median where it exists goes like "
    assert verdicts[own + "n^-0.5", SMALL, "Theorems 1, 2"] == "reproduced"
    assert verdicts[own + "d^0.5", SMALL, "Theorems 1, 2"] == "differs"
    assert verdicts[own + "d^0", SMALL, "derived here"] == "reproduced"
    assert verdicts[own + "n^-0.5", LARGE, "Theorems 1, 2"] == "differs"
    assert verdicts["eps_star of expected losses goes like d^1", SMALL, "derived here"] == "reproduced"
    assert verdicts["root of E Delta^2 goes like d^0.5", LARGE, "Lemma 2"] == "differs"
    rise = "(adversarial - clean training loss) / |Delta| at sqrt(d/n), median goes like "
    assert verdicts[rise + "n^0", SMALL, "Theorem 2"] == "reproduced"
    assert verdicts[rise + "n^0", LARGE, "Theorem 2"] == "differs"


def test_one_data_set_without_an_eps_star_refutes_that_it_always_exists() -> None:
    def exists(missing: int) -> list[str]:
        table = sizes(*[lambda n, d: d / n] * 3).with_columns(apart_at_0=pl.lit(missing))
        said = regimes.claims(table_of(table), table)
        return [claim.judgement.verdict for claim in said if claim.source == "definition"]

    assert exists(0) == ["reproduced", "reproduced"] and exists(1) == ["differs", "differs"]


def test_a_median_off_the_derivation_is_said() -> None:
    table = sizes(*[lambda n, d: d / n] * 3)
    off = table.with_columns(over_derived=pl.lit(1.3), over_derived_low=pl.lit(1.2), over_derived_high=pl.lit(1.4))
    said = [claim for claim in regimes.claims(table_of(off), off) if claim.claim.startswith("median eps_star over")]
    assert len(said) == 6 and {claim.judgement.verdict for claim in said} == {"differs"}  # d/n <= 0.05


def test_theorem_2s_ratio_is_read_at_the_root_of_d_over_n_with_each_data_sets_own_delta() -> None:
    """Losses 1 + 2 eps, Delta of 0.5, -0.5 and 2: at eps = 0.5 they have risen by 1."""
    rows = [
        {"d": 1, "samples": 4, "repeat": r, "eps": e, "loss": 1 + 2 * e, "slope": 2.0, "clean_test": 1 + delta}
        for r, delta in enumerate((0.5, -0.5, 2.0))
        for e in (0.0, 0.3, 0.8)
    ]
    assert regimes.rises(pl.DataFrame(rows))["rise"].to_list() == [pytest.approx(2.0)]
