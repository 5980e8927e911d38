"""Links, conditions, sizes, powers and claims of `lazy_regime.theory` from made-up points whose numbers are known."""

from math import inf
from typing import Any

import polars as pl
import pytest

from modules.lazy_regime.theory import bounds, results
from modules.lazy_regime.theory.config import TheoryConfig
from suite.claims import CANNOT_TELL, DIFFERS, REPRODUCED, Claim
from suite.statistics import cluster_rate, mean_of

CONFIG = TheoryConfig(sizes=(4, 8), widths=(100, 400), c0s=(0, 1))


def points(nets: int = 2, spread: float = 0.0, size: float = 1.0, dims: tuple[int, ...] = (16, 64)) -> pl.DataFrame:
    """Nets that follow the theory: |grad f| = sqrt(d / 2) changing by d^(1/4), |delta| = size / sqrt(d), and so on."""
    return pl.DataFrame(
        {
            "d": d, "m": m, "c0": c0, "run": run, "id": point, "initial_value": 0.5, "value": -0.5 - 0.1 * c0,
            "ceiling": 2.0, "initial_gradient": (d / 2) ** 0.5, "gradient": (d / 2) ** (0.5 + spread * run),
            "drift": 0.1 * c0, "changed": int(c0), "may_change": int(m**0.5), "size": size * (1 + run) * d**-0.5,
            "correct": True, "distance": 0.0, "change": d ** (0.25 + spread * run),
        }
        for d in dims for m in (100, 400) for c0 in (0.0, 1.0) for run in range(nets) for point in range(2)
    )  # fmt: skip


def around(of: pl.DataFrame, outline: float = -1.0) -> pl.DataFrame:
    """Two radii around each point, twice and four times the flip; the condition holds at both, or at none."""
    ratios = pl.DataFrame({"ratio": [2.0, 4.0]})
    return of.join(ratios, how="cross").select(
        "d", "m", "c0", "run", "id", "ratio", "gradient",
        radius=pl.col("ratio") * pl.col("size"),
        sampled=0.1 * pl.col("gradient"), sampled_largest=0.2 * pl.col("gradient"),
        on_the_way=0.3 * pl.col("gradient"), supremum=0.4 * pl.col("gradient"), outline=pl.lit(outline),
    )  # fmt: skip


def worst(of: pl.DataFrame, size: float | None = None) -> pl.DataFrame:
    lengths = 2 * pl.col("size") if size is None else pl.lit(size)
    return of.filter(pl.col("c0") > 0).select(
        "d", "m", "c0", "run", "id", size=lengths, resists=lengths.is_infinite(), linear=pl.col("size")
    )


def judged(of: pl.DataFrame, near: pl.DataFrame, hardest: pl.DataFrame | None = None) -> dict[tuple[str, str], Claim]:
    explicit, stated = results.explicit(of, CONFIG), results.statements(of, CONFIG)
    condition, powers = results.condition(of, near), results.powers(of, hardest)
    found = results.claims(of, near, stated, condition, explicit, powers, CONFIG, hardest)
    return {(claim.claim, claim.setting): claim for claim in found}


def test_links_are_means_over_nets_beside_their_bounds() -> None:
    of = points().with_columns(value=-0.5 - pl.col("run") - 0.1 * pl.col("id"))
    links = results.links(results.statements(of, CONFIG))
    assert len(links) == 8 * 9
    row = links.filter(d=16, m=100, c0=1, statement="4.1: |f|").row(0, named=True)
    mean = mean_of([0.55, 1.55])
    assert (row["value"], row["low"], row["n"]) == pytest.approx((mean.value, mean.low, 2))
    assert (row["extreme"], row["side"], row["points"]) == (pytest.approx(1.6), "<=", 4)
    assert row["bound"] == bounds.value_bound(100, 1, 0.05) and row["inside"] == 1
    lipschitz = links.filter(d=16, m=100, c0=0, statement="4.1: |f| - |f at W0|").row(0, named=True)
    share = cluster_rate([True, False, False, False], [0, 0, 1, 1])
    assert (lipschitz["bound"], lipschitz["inside"]) == (0, 0.25)
    assert (lipschitz["inside_low"], lipschitz["inside_high"]) == (share.low, share.high)
    lower = links.filter(d=16, m=100, c0=0, statement="4.2: |grad f|").row(0, named=True)
    assert lower["side"] == ">=" and lower["bound"] == bounds.gradient_bound(16, 100, 0, 0.05)
    changed = links.filter(d=16, m=100, c0=1, statement="4.4: change of grad f within 1 / sqrt(d)").row(0, named=True)
    assert (changed["value"], changed["bound"]) == (2, bounds.difference_bound(16, 100, 1, 0.25, 0.05))


def test_the_condition_takes_the_smallest_radius_at_which_it_holds() -> None:
    of = points()
    row = results.condition(of, around(of)).row(0, named=True)
    assert (row["points"], row["holds"], row["holds_and_flipped"], row["flipped_without"]) == (4, 4, 4, 0)
    assert (row["value"], row["n"], row["predicted"]) == (1, 2, 2)
    row = results.condition(of, around(of, outline=1.0)).row(0, named=True)
    assert (row["holds"], row["flipped"], row["flipped_without"], row["predicted"]) == (0, 4, 4, None)


def test_changes_are_relative_to_the_gradient() -> None:
    row = results.changes(around(points())).row(0, named=True)
    assert (row["value"], row["sampled"], row["sampled_largest"], row["on_the_way"]) == pytest.approx(
        (0.4, 0.1, 0.2, 0.3)
    )
    assert (row["allowed"], row["holds"], row["n"]) == (0.5, 1, 2)


def test_sizes_are_medians_over_points_and_means_over_nets() -> None:
    of = points()
    sizes = results.sizes(of, worst(of)).filter(d=16, m=100)
    assert sizes["net"].to_list() == ["initial", "trained", "worst found", "worst, linear"]
    mean = mean_of([0.25, 0.5])
    row = sizes.filter(net="trained").row(0, named=True)
    assert (row["value"], row["low"], row["scaled"], row["n"]) == pytest.approx((mean.value, mean.low, 1.5, 2))
    endless = results.sizes(of.with_columns(size=pl.when(pl.col("run") == 0).then(inf).otherwise("size")))
    row = endless.row(0, named=True)
    assert (row["value"], row["low"], row["n"], row["unflipped"], row["points"]) == (None, None, 2, 0.5, 4)


def test_powers_leave_out_places_and_not_nets() -> None:
    """A net that no step flips at d = 256 takes that place from all of them."""
    of = points(dims=(16, 64, 256)).with_columns(
        size=pl.when((pl.col("d") == 256) & (pl.col("run") == 0)).then(inf).otherwise("size")
    )
    fits = results.powers(of).filter(law="flips")
    assert set(fits["places"]) == {"16, 64"} and set(fits["n"]) == {2}
    assert fits["value"].to_list() == pytest.approx([-0.5, -0.5])
    nowhere = results.powers(of.with_columns(size=inf)).filter(law="flips").row(0, named=True)
    assert (nowhere["places"], nowhere["value"], nowhere["n"]) == ("", None, 0)
    neurons = results.powers(of).filter(law="changing neurons").row(0, named=True)
    assert (neurons["value"], neurons["m"], neurons["d"]) == (pytest.approx(0.5), None, 16)


def test_claims_of_a_world_as_the_paper_has_it() -> None:
    """20 nets a setting are 80 trainings; those of one setting scatter a little."""
    of = points(nets=20, spread=1e-3)
    found = judged(of, around(of), worst(of))
    told = {claim: {found[key].judgement.verdict for key in found if key[0] == claim} for claim, _ in found}
    assert told.pop("|delta| ~ 1 / sqrt(d), trained nets") == {REPRODUCED}
    closing = told.popitem()
    assert "our constants" in closing[0] and closing[1] == {DIFFERS}  # a proof is for much larger d
    assert told.pop("|f(x; W)| <= its bound for all W, our constants") == {REPRODUCED}
    assert found["|f(x; W)| <= |f(x; W0)| + C0", "all settings"].judgement.verdict == REPRODUCED
    assert (
        found["a single step flips the sign, worst net found", "d = 64, C0 = 1, every m"].judgement.verdict
        == REPRODUCED
    )
    assert found["where it holds, the step flips, and by that length", "all settings"].judgement.verdict == REPRODUCED


def test_one_violation_refutes_and_few_nets_confirm_nothing() -> None:
    of = points()
    few = judged(of, around(of))
    assert few["a single step flips the sign, trained nets", "all settings"].judgement.verdict == CANNOT_TELL
    once = of.with_columns(size=pl.when(pl.int_range(pl.len()) == of.height - 1).then(inf).otherwise("size"))
    claim = judged(once, around(once))["a single step flips the sign, trained nets", "all settings"]
    assert claim.judgement.verdict == DIFFERS and claim.judgement.note == "1 of 8 trainings violate it"
    resisting = judged(of, around(of), worst(of, inf))
    flips = resisting["a single step flips the sign, worst net found", "d = 64, C0 = 1, every m"]
    assert flips.judgement.verdict == DIFFERS and flips.measured and flips.measured.value == 0


def test_dependent_points_do_not_confirm_a_share() -> None:
    """3 of 4 points of two nets against 95 %: 1 of 2 nets tells nothing."""
    of = (
        points(dims=(16,))
        .filter(m=100)
        .with_columns(value=pl.when((pl.col("run") == 0) & (pl.col("id") == 0)).then(9.0).otherwise("value"))
    )
    claim = judged(of, around(of))["|f(x; W)| <= its bound for all W, our constants", "all settings"]
    assert claim.measured and claim.measured.value == 0.75 and claim.judgement.verdict == CANNOT_TELL


@pytest.mark.parametrize(
    ("spread", "verdict"),
    [(0.0, REPRODUCED), (0.01, REPRODUCED), (0.3, CANNOT_TELL)],
)
def test_a_wide_interval_confirms_no_power(spread: float, verdict: str) -> None:
    """Six nets whose powers lie `spread` apart, on both sides of 1/2."""
    of = points(nets=6).with_columns(gradient=(pl.col("d") / 2).pow(0.5 + spread * (pl.col("run") - 2.5)))
    claim = judged(of, around(of))["|grad f| ~ sqrt(d)", "m = 100, C0 = 0, d = 16, 64"]
    assert claim.measured and claim.measured.value == pytest.approx(0.5) and claim.judgement.verdict == verdict


@pytest.mark.parametrize(
    ("power", "within_the_lemma", "as_derived"),
    [
        (0.25, CANNOT_TELL, REPRODUCED),
        (0.45, CANNOT_TELL, DIFFERS),
        (0.5, CANNOT_TELL, DIFFERS),
        (0.6, DIFFERS, DIFFERS),
    ],
)
def test_the_change_of_the_gradient_is_judged_in_wide_nets_only(
    power: float, within_the_lemma: str, as_derived: str
) -> None:
    """Six nets whose powers lie 0.01 apart; 9^2.4 = 195 neurons are needed at d = 9, so that 100 are too few.

    What a search finds is at most the largest change: it can contradict an upper bound, and not confirm it.
    """
    of = points(nets=6, dims=(4, 9)).with_columns(change=pl.col("d").pow(power + 0.01 * (pl.col("run") - 2.5)))
    found = judged(of, around(of))
    lemma, derived = "grows at most like sqrt(d)", "~ d^(1/4)"
    for words, verdict in ((lemma, within_the_lemma), (derived, as_derived)):
        claim = f"change of grad f within |delta| <= 1 / sqrt(d) {words}"
        assert found[claim, "m = 400, C0 = 1, d = 4, 9"].judgement.verdict == verdict
        narrow = found[claim, "m = 100, C0 = 1, d = 4, 9"]
        assert narrow.judgement.verdict == CANNOT_TELL and "m < d^2.4 at d = 9" in narrow.judgement.note
        assert narrow.measured and narrow.measured.value == pytest.approx(power)


def test_the_constants_close_at_dimensions_that_nobody_measures() -> None:
    explicit: dict[str, Any] = results.explicit(points(), CONFIG).row(0, named=True)
    assert not explicit["closes"] and explicit["closing_d"] == 1e11
