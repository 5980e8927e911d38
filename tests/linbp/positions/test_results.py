"""Results of `linbp.positions` from samples made by hand."""

from math import nan
from typing import Any

import polars as pl
import pytest

from modules.linbp.positions.config import PositionsConfig
from modules.linbp.positions.results import best, claims, diagnostics, headline, loss, success, transfer, why
from suite.claims import CANNOT_TELL, DIFFERS, REPRODUCED, Claim
from suite.statistics import mcnemar_of, paired_difference_of, rate_of

# Six samples, steps 0..2; BP fools samples 0 and 1 within 2, start 0 none, start 1 all.
FOOLED = {"none": ["011", "001", *["000"] * 4], "0": ["000"] * 6, "1": ["001"] * 6}
LOSS = {"none": [0.0, 1.0, 2.0], "0": [0.0, 0.5, 0.5], "1": [0.0, 2.0, 5.0]}
COSINE = {"none": [1.0, 1.0], "0": [0.1, nan], "1": [0.9, 0.8]}
RATIO = {"none": [1.0, 1.0], "0": [10.0, nan], "1": [4.0, 2.0]}
STARTS = pl.DataFrame({"start": ["0", "1", "2"], "path": ["a", "b", "c"], "stage": ["a", "b", "c"]})
CONFIG = PositionsConfig(steps=(2, 1), victims=("a", "b"))


def samples() -> pl.DataFrame:
    """Victim b is wrong about the clean samples 4 and 5; of the samples every other one is watched."""
    rows = []
    for start, texts in FOOLED.items():
        for i, text in enumerate(texts):
            fooled, seen = [mark == "1" for mark in text], i % 2 == 0
            rows.append({
                "id": i, "start": start, "fooled": fooled, "transferred": [fooled[-1], start == "1" if i < 4 else None],
                "loss": [value + (0.1 * i if k else 0) for k, value in enumerate(LOSS[start])],
                "cosine": COSINE[start] if seen else [],
                "norm_ratio": [value * (2 if i == 2 else 1) for value in RATIO[start]] if seen else [],
                "sign_agreement": COSINE[start] if seen else [],
            })  # fmt: skip
    return pl.DataFrame(rows)


def swept(fooled: dict[str, list[bool]], steps: int = 5) -> pl.DataFrame:
    """The table of success from who is fooled within so many steps."""
    rows = [
        {"id": i, "start": start, "fooled": [False] * steps + [one]}
        for start, marks in fooled.items()
        for i, one in enumerate(marks)
    ]
    return success(pl.DataFrame(rows), STARTS, PositionsConfig(steps=(steps,)))


def row(table: pl.DataFrame, **cell: Any) -> dict[str, Any]:
    (found,) = table.filter(**cell).to_dicts()
    return found


def test_success_against_bp() -> None:
    table = success(samples(), STARTS, CONFIG)
    assert table.select("steps", "start").rows() == [(k, s) for k in (1, 2) for s in FOOLED]
    assert row(table, steps=1, start="none")["value"] == 1 / 6
    estimate = row(table, steps=2, start="1")
    assert {name: estimate[name] for name in ("value", "low", "high", "n")} == rate_of(6, 6).columns()
    difference = paired_difference_of(2, 4, 0, 0)
    assert (estimate["difference"], estimate["difference_low"]) == (difference.value, difference.low)
    test = mcnemar_of(4, 0)
    assert (estimate["only_this"], estimate["only_bp"], estimate["p_value"]) == (4, 0, test.p_value)
    assert estimate["p_holm"] == 2 * test.p_value  # two starts, this one first
    assert row(table, steps=2, start="0")["p_holm"] == 0.5 == row(table, steps=2, start="0")["p_value"]
    reference = row(table, steps=2, start="none")
    assert [reference[name] for name in ("difference", "difference_low", "p_value", "p_holm")] == [None] * 4
    assert table["path"].to_list() == ["", "a", "b"] * 2


def test_pairs_are_by_sample_and_not_by_place() -> None:
    one, other = samples(), samples().sample(fraction=1, shuffle=True, seed=1).sort("start", descending=True)
    columns = ["start", "steps", "difference", "only_this", "only_bp", "p_holm"]
    tables = [success(raw, STARTS, CONFIG).select(columns).sort("start", "steps").rows() for raw in (one, other)]
    assert tables[0] == tables[1]


def test_transfer_counts_samples_that_the_victim_classifies_correctly() -> None:
    table = transfer(samples(), STARTS, CONFIG)
    assert table is not None
    assert row(table, victim="a", start="1")["n"] == 6 and row(table, victim="b", start="1")["n"] == 4
    assert [row(table, victim="b", start=s)["value"] for s in FOOLED] == [0, 0, 1]


def test_a_victim_that_misclassifies_every_sample_has_no_row() -> None:
    first = pl.col("transferred").list.get(0)
    raw = samples().with_columns(transferred=pl.concat_list(first, pl.lit(None, dtype=pl.Boolean)))
    table = transfer(raw, STARTS, CONFIG)
    assert table is not None and table["victim"].unique().to_list() == ["a"]
    nobody = raw.with_columns(transferred=pl.lit([None, None]))
    table = transfer(nobody, STARTS, CONFIG)
    assert table is not None and table.is_empty()
    assert len(best(success(raw, STARTS, CONFIG), table)) == 2


def test_without_victims_there_is_no_table() -> None:
    assert transfer(samples(), STARTS, PositionsConfig()) is None


def test_losses_are_means_paired_with_bp() -> None:
    table = loss(samples(), STARTS)
    assert len(table) == 9
    estimate = row(table, start="1", step=2)
    assert estimate["value"] == pytest.approx(5.25) and estimate["n"] == 6
    # The samples differ, the pairs do not: an interval for the difference without width.
    assert [estimate[n] for n in ("difference", "difference_low", "difference_high")] == pytest.approx([3, 3, 3])
    assert estimate["low"] < 5.25 < estimate["high"]


def test_diagnostics_are_means_over_watched_samples() -> None:
    table = diagnostics(samples(), STARTS)
    assert len(table) == 6
    estimate = row(table, start="1", step=0)
    assert (estimate["n"], estimate["undefined"]) == (3, 0) and estimate["cosine"] == pytest.approx(0.9)
    assert estimate["norm_ratio"] == pytest.approx((4 * 8 * 4) ** (1 / 3))  # geometric
    gone = row(table, start="0", step=1)
    assert (gone["n"], gone["undefined"]) == (0, 3)
    assert [gone[name] for name in ("cosine", "cosine_low", "norm_ratio", "sign_agreement")] == [None] * 4


def test_the_best_start_and_whether_it_helps() -> None:
    fooled = {"none": [False] * 20, "0": [True] * 20, "1": [True] * 20, "2": [False] * 19 + [True]}
    table = best(swept(fooled), None)
    top = row(table)
    assert (top["helps"], top["start"], top["path"]) == (True, "1", "b")  # of equals the latest
    assert (top["value"], top["rate"], top["bp"], top["n"]) == (1, 1, 0, 20)
    counts = ("better", "worse", "first_better", "last_better", "starts")
    assert [top[name] for name in counts] == [2, 0, "0", "1", 3]
    assert headline(table) == {"best start for success, K 5": "1 (b)"}


def test_none_may_be_the_answer() -> None:
    """Four samples more than BP are not enough: p = 2 / 2^4."""
    table = best(success(samples(), STARTS, PositionsConfig(steps=(2,))), None)
    top = row(table)
    assert (top["helps"], top["start"], top["p_holm"]) == (False, "1", 0.25)
    assert top["better"] == 0 and top["first_better"] is None
    assert headline(table) == {"best start for success, K 2": "none"}


def judged(fooled: dict[str, list[bool]], config: PositionsConfig = CONFIG) -> Claim:
    table = swept(fooled)
    (claim,) = claims(table, None, best(table, None), config)
    return claim


def test_the_claim_is_judged_at_the_best_start_for_all_starts_at_once() -> None:
    helps = judged({"none": [False] * 20, "0": [True] * 10 + [False] * 10, "1": [False] * 20})
    assert helps.judgement.verdict == REPRODUCED and "Holm over 2" in helps.judgement.note
    assert helps.setting == "success, K 5, from the best start on: 0 (a)" and helps.source == "Li et al., Sec. 4.2"
    assert helps.measured is not None and (helps.measured.value, helps.measured.n) == (0.5, 20)
    harms = judged({"none": [True] * 20, "0": [False] * 20, "1": [False] * 20})
    assert harms.judgement.verdict == DIFFERS


def test_a_lead_that_many_starts_may_give_by_chance_is_no_claim() -> None:
    """Six samples more than BP are enough for one start (2 / 2^6), not for the best of two that tie."""
    six = [True] * 6 + [False] * 14
    assert judged({"none": [False] * 20, "0": six}).judgement.verdict == REPRODUCED
    assert judged({"none": [False] * 20, "0": six, "1": six}).judgement.verdict == CANNOT_TELL


def test_another_rule_than_linbp_is_not_the_papers() -> None:
    claim = judged({"none": [False] * 20, "0": [True] * 20}, PositionsConfig(gradient="leaky(slope=1)"))
    assert claim.judgement.verdict == CANNOT_TELL and claim.judgement.note.endswith("the rule is leaky")


def test_transfer_is_another_papers_claim() -> None:
    tables = [success(samples(), STARTS, CONFIG), transfer(samples(), STARTS, CONFIG)]
    made = [*claims(*tables, best(*tables), CONFIG)]
    assert [claim.setting.partition(",")[0] for claim in made] == [
        "success",
        "success",
        "transfer to a",
        "transfer to b",
    ]
    assert {claim.source for claim in made[2:]} == {"Guo et al. (NeurIPS 2020)"}


def test_rank_correlations_over_the_starts() -> None:
    starts = ["none", "0", "1", "2", "3"]
    rates = pl.DataFrame({"steps": 2, "start": starts, "value": [0.1 * i for i in range(5)]})
    reached = pl.DataFrame({"start": starts, "step": 2, "value": [float(i**3) for i in range(5)]})
    angles = pl.DataFrame([
        {"start": start, "step": step, "cosine": -float(i) if step else 0.5, "norm_ratio": None}
        for i, start in enumerate(starts)
        for step in (0, 1)
    ], schema_overrides={"norm_ratio": pl.Float64})  # fmt: skip
    table = why(rates, reached, angles)
    assert dict(table.select("explanation", "rank_correlation").rows()) == {
        "cosine at the clean sample": None,  # constant
        "cosine at the last gradient": pytest.approx(-1),
        "norm ratio at the clean sample": None,  # undefined everywhere
        "loss reached": pytest.approx(1),
    }
    assert {*table["starts"]} == {4}


def test_ties_share_their_rank() -> None:
    """By hand: rates 1, 2.5, 2.5, 4 against 1, 2, 3, 4 give 4.5 / sqrt(4.5 * 5)."""
    rates = pl.DataFrame({"steps": 1, "start": ["0", "1", "2", "3"], "value": [0.1, 0.2, 0.2, 0.3]})
    reached = pl.DataFrame({"start": ["0", "1", "2", "3"], "step": 1, "value": [1.0, 2.0, 3.0, 4.0]})
    angles = pl.DataFrame({"start": ["0"], "step": [0], "cosine": [1.0], "norm_ratio": [1.0]})
    table = why(rates, reached, angles)
    assert row(table, explanation="loss reached")["rank_correlation"] == pytest.approx(4.5 / (4.5 * 5) ** 0.5)
    assert row(table, explanation="cosine at the clean sample")["rank_correlation"] is None  # of one start
