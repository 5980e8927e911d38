"""Fitted thresholds, their powers, and claims on made-up rows whose answers are known."""

import numpy as np
import polars as pl
import pytest

from modules.pgd_dynamics.single_minimum import results
from modules.pgd_dynamics.single_minimum.config import SingleMinimumConfig
from suite.claims import Judgement

NO_SLOPES = pl.DataFrame(schema={"d": pl.Int64, "m": pl.Int64, "slope": pl.Float64})
LAW = {(d, m): 1.7 * d**0.5 * m**0.1 for d in (3, 9, 27) for m in (10, 1000)}


def rows(eps50: dict[tuple[int, int], float], steepness: float, networks: int) -> pl.DataFrame:
    """Networks whose own thresholds are the quantiles of the logistic law: their share is the law's to 1 / networks."""
    quantile = (np.arange(networks) + 0.5) / networks
    own = (quantile / (1 - quantile)) ** (1 / steepness)
    cells = [
        pl.DataFrame({"network": range(networks), "found": np.where(eps < half_way * own, 1, 3)}).with_columns(
            loss=pl.lit("logistic"), d=d, m=m, radius=float(eps), eps=float(eps)
        )
        for (d, m), half_way in eps50.items()
        for eps in half_way * np.geomspace(0.1, 10, 9)
    ]
    return pl.concat(cells).with_columns(
        exact=None, starts=4, once=0, unsettled=0, one_sign=True,
        eps_over_tau=pl.when(pl.col("found") == 1).then(0.5).otherwise(2.0),
    )  # fmt: skip


def config(networks: int, resamples: int = 40) -> SingleMinimumConfig:
    return SingleMinimumConfig(networks=networks, resamples=resamples)


def theorem_5_1(minima: pl.DataFrame) -> Judgement:
    claim = next(results.claims(minima, results.curve(minima, config(20, 20)), NO_SLOPES))
    assert claim.source == "Theorem 5.1"
    return claim.judgement


def test_fits_recover_thresholds_and_powers() -> None:
    minima = rows(LAW, 4.0, 200)
    for row in results.thresholds(minima, config(200)).iter_rows(named=True):
        assert row["value"] == pytest.approx(LAW[row["d"], row["m"]], rel=0.01)
        assert row["steepness"] == pytest.approx(4.0, rel=0.05)
        assert row["low"] < row["value"] < row["high"]
        assert row["n"] == 200
    curve = results.curve(minima, config(200))
    assert curve["variable"].to_list() == ["d", "m", "constant"]
    assert curve["value"].to_list() == pytest.approx([0.5, 0.1, 1.7], abs=0.05)
    verdicts = [claim.judgement.verdict for claim in results.claims(minima, curve, NO_SLOPES)][1:]
    assert verdicts == ["reproduced", "reproduced"]


def test_powers_that_are_far_from_tau_s_differ_and_wide_ones_cannot_be_told() -> None:
    far = rows({(d, m): 0.5 * d for d in (3, 9, 27) for m in (10, 1000)}, 4.0, 200)
    (_, d, m) = results.claims(far, results.curve(far, config(200)), NO_SLOPES)
    assert (d.judgement.verdict, m.judgement.verdict) == ("differs", "reproduced")
    wide = rows(LAW, 0.3, 8)
    (_, d, _) = results.claims(wide, results.curve(wide, config(8)), NO_SLOPES)
    assert d.judgement.verdict == "cannot be told"


def test_a_share_that_never_falls_has_no_threshold() -> None:
    minima = rows({(3, 10): 1.0}, 4.0, 20).with_columns(found=1)
    row = results.thresholds(minima, config(20)).row(0, named=True)
    assert row["value"] is row["steepness"] is None
    assert not np.isfinite([row["low"], row["high"]]).any()
    assert results.curve(minima, config(20))["value"].to_list() == [None]
    assert results.headline(results.curve(minima, config(20))) == {}


def test_shares_count_what_is_exact_before_what_was_found() -> None:
    minima = rows({(3, 10): 1.0}, 4.0, 20)
    assert results.shares(minima)["value"].to_list()[0] == 1
    assert results.shares(minima.with_columns(exact=2))["value"].to_list()[0] == 0
    row = results.shares(minima.with_columns(once=1)).row(0, named=True)
    assert (row["minima"], row["guaranteed"], row["missing"], row["n"]) == (1, 1, 0.25, 20)


def test_theorem_5_1_is_checked_where_it_speaks() -> None:
    minima = rows({(3, 10): 1.0}, 4.0, 60)
    assert theorem_5_1(minima).verdict == "reproduced"
    assert theorem_5_1(minima.with_columns(eps_over_tau=0.5)).verdict == "differs"


def test_spheres_of_few_networks_do_not_confirm_theorem_5_1() -> None:
    judgement = theorem_5_1(rows({(3, 10): 1.0}, 4.0, 20))
    assert (judgement.verdict, "takes 59" in judgement.note) == ("cannot be told", True)


def test_descent_is_held_against_the_exact_count_in_the_plane() -> None:
    minima = rows({(2, 10): 1.0}, 4.0, 60).with_columns(exact="found")
    curve = results.curve(minima, config(60, 20))
    assert [claim.judgement.verdict for claim in results.claims(minima, curve, NO_SLOPES)] == [
        "reproduced",
        "reproduced",
    ]
    missed = minima.with_columns(exact=pl.col("found") + (pl.col("network") == 7))
    assert [claim.judgement.note for claim in results.claims(missed, curve, NO_SLOPES)][
        1
    ] == "1 of 60 networks violate it"


@pytest.mark.parametrize(("power", "verdict"), [(0.0, "reproduced"), (-0.5, "differs")])
def test_lemma_4_3_asks_for_a_slope_that_changes_with_neither_m_nor_d(power: float, verdict: str) -> None:
    """A slope that falls like d^-1/2 is told from one that does not; the power of m is 0 either way."""
    scatter = [0.99, 1.0, 1.02]
    slopes = pl.DataFrame([
        {"d": d, "m": m, "network": k, "slope": 0.5 * d**power * factor * (1 + 0.01 * (d % 2))}
        for d in (2, 5, 20) for m in (100, 1000) for k, factor in enumerate(scatter)
    ])  # fmt: skip
    minima = rows(LAW, 4.0, 40)
    found = list(results.claims(minima, results.curve(minima, config(40)), slopes))[-2:]
    assert [(claim.source, claim.claim[-3:]) for claim in found] == [("Lemma 4.3", "m^0"), ("Lemma 4.3", "d^0")]
    assert [claim.judgement.verdict for claim in found] == ["reproduced", verdict]
