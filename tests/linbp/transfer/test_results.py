"""Results of `linbp.transfer` from samples whose transfer is known."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import binomtest
from scipy.stats import t as student

from modules.linbp.transfer.config import TransferConfig
from modules.linbp.transfer.results import agreement, audit, claims, headline, matrix, notes, seen, success
from suite.claims import CANNOT_TELL, DIFFERS, REPRODUCED
from suite.statistics import holm_of

MODELS = pl.DataFrame({"name": ["a", "b", "c"]})
CONFIG = TransferConfig(gradients=("bp", "linbp"), eps=(0.1, 0.2))
N = 40
Counts = dict[tuple[str, str, float], tuple[int, ...]]


def samples(counts: Counts) -> pl.DataFrame:
    """Samples of surrogate a: (gradient, method, eps) -> how many of 40 each model is fooled by, the first ones."""
    rows = [
        {
            "id": 3 * sample, "label": 1, "target": -1, "surrogate": "a", "gradient": gradient, "method": method,
            "eps": eps, "fooled": [sample < count for count in fooled], "perturbation": eps + 0.2 / 255,
        }
        for (gradient, method, eps), fooled in counts.items()
        for sample in range(N)
    ]  # fmt: skip
    return pl.DataFrame(rows)


SAMPLES = samples({
    ("bp", "ifgsm", 0.1): (40, 10, 4), ("bp", "ifgsm", 0.2): (40, 30, 20),
    ("bp", "fgsm", 0.1): (40, 10, 4), ("bp", "fgsm", 0.2): (40, 30, 20),
    ("linbp", "ifgsm", 0.1): (38, 22, 4), ("linbp", "ifgsm", 0.2): (40, 30, 9),
    ("linbp", "fgsm", 0.1): (40, 13, 4), ("linbp", "fgsm", 0.2): (40, 30, 20),
})  # fmt: skip
SETS = [(method, eps, rule) for method in ("ifgsm", "fgsm") for eps in (0.1, 0.2) for rule in ("bp", "linbp")]


def verdicts(counts: Counts, **options: Any) -> list[str]:
    config = TransferConfig(**options)
    return [claim.judgement.verdict for claim in claims(matrix(samples(counts), MODELS, config), config)]


def test_sets_come_by_method_as_typed_then_eps_then_rule() -> None:
    for table in (success(SAMPLES, MODELS, CONFIG), matrix(SAMPLES, MODELS, CONFIG)):
        assert table.select("method", "eps", "gradient").unique(maintain_order=True).rows() == SETS
    assert success(SAMPLES, MODELS, CONFIG)["victim"].to_list() == ["a", "b", "c"] * len(SETS)


def test_every_cell_with_its_interval_and_its_test() -> None:
    table = success(SAMPLES, MODELS, CONFIG)
    rows = {(row["method"], row["eps"], row["gradient"], row["victim"]): row for row in table.to_dicts()}
    assert len(rows) == 2 * 2 * 2 * 3
    for (_, _, gradient, victim), row in rows.items():
        interval = binomtest(round(row["value"] * N), N).proportion_ci(0.95, method="wilson")
        assert (row["low"], row["high"], row["n"]) == pytest.approx((interval.low, interval.high, N))
        assert row["white_box"] == (victim == "a")
        assert (row["p_value"] is None) == (gradient == "bp")
    better = rows["ifgsm", 0.1, "linbp", "b"]
    assert (better["value"], better["only_this"], better["only_first_rule"]) == (22 / 40, 12, 0)
    assert better["p_value"] == pytest.approx(2 * 0.5**12)
    assert rows["ifgsm", 0.1, "linbp", "a"]["only_first_rule"] == 2
    assert rows["ifgsm", 0.1, "linbp", "c"]["p_value"] == 1


def test_the_matrix_compares_rules_by_their_black_boxes() -> None:
    table = matrix(SAMPLES, MODELS, CONFIG)
    first = table.row(0, named=True)
    assert (first["a"], first["b"], first["c"]) == (1, 0.25, 0.1)
    assert first["black_box"] == pytest.approx(0.175)
    assert [first[name] for name in ("p_value", "p_holm", "difference", "difference_low")] == [None] * 4
    assert first["n"] == N
    linbp = table.filter(gradient="linbp").to_dicts()
    assert [(row["more"], row["fewer"]) for row in linbp] == [(12, 0), (0, 11), (3, 0), (0, 0)]
    p_values = [2 * 0.5**12, 2 * 0.5**11, 0.25, 1.0]
    assert [row["p_value"] for row in linbp] == pytest.approx(p_values)
    assert [row["p_holm"] for row in linbp] == pytest.approx(holm_of(p_values))
    assert [row["difference"] for row in linbp] == pytest.approx([12 / 80, -11 / 80, 3 / 80, 0])
    half = student.ppf(0.975, N - 1) * np.std([0.5] * 12 + [0.0] * 28, ddof=1) / N**0.5
    limits = linbp[0]["difference_low"], linbp[0]["difference_high"]
    assert limits == pytest.approx((12 / 80 - half, 12 / 80 + half))


def test_claims_are_judged_on_black_boxes() -> None:
    made = [*claims(matrix(SAMPLES, MODELS, CONFIG), CONFIG)]
    assert [claim.judgement.verdict for claim in made] == [REPRODUCED, DIFFERS, CANNOT_TELL, CANNOT_TELL]
    assert [claim.setting for claim in made[:2]] == ["ifgsm on a, eps = 0.1", "ifgsm on a, eps = 0.2"]
    assert {claim.source for claim in made} == {"Guo et al. (NeurIPS 2020)"}
    assert made[0].measured is not None and (made[0].measured.value, made[0].measured.n) == (pytest.approx(12 / 80), N)
    others: Counts = {("linbp", "ifgsm", 0.1): (40, 10, 4), ("bp", "ifgsm", 0.1): (40, 22, 4)}
    config = TransferConfig(gradients=("linbp", "bp"))
    (claim,) = claims(matrix(samples(others), MODELS, config), config)
    assert (claim.source, claim.judgement.verdict) == ("ours", REPRODUCED)  # nobody printed this direction


def test_a_verdict_allows_for_the_number_of_tests() -> None:
    """Six samples to none has p = 0.031: a claim by itself, none among five."""
    alone: Counts = {("bp", "ifgsm", 0.1): (40, 10, 4), ("linbp", "ifgsm", 0.1): (40, 16, 4)}
    assert verdicts(alone) == [REPRODUCED]
    strengths = (0.1, 0.2, 0.3, 0.4, 0.5)
    five = {(rule, "ifgsm", eps): alone[rule, "ifgsm", 0.1] for rule in ("bp", "linbp") for eps in strengths}
    assert verdicts(five, eps=strengths) == [CANNOT_TELL] * 5


def test_a_sample_counts_once_however_many_black_boxes_it_fools() -> None:
    both = samples({("bp", "ifgsm", 0.1): (40, 4, 4), ("linbp", "ifgsm", 0.1): (40, 10, 10)})
    row = matrix(both, MODELS, CONFIG).row(1, named=True)
    assert (row["more"], row["fewer"], row["p_value"]) == (6, 0, pytest.approx(2 * 0.5**6))


def test_pairs_are_by_sample_and_not_by_place() -> None:
    shuffled = SAMPLES.with_columns(place=pl.int_range(pl.len()).shuffle(seed=0).over("gradient")).sort(
        "gradient", "place"
    )
    columns = ["method", "eps", "gradient", "more", "fewer", "p_holm"]
    tables = [matrix(raw, MODELS, CONFIG).select(columns).sort(columns[:3]).rows() for raw in (SAMPLES, shuffled)]
    assert tables[0] == tables[1]


def test_a_surrogate_that_meets_no_other_model() -> None:
    lonely = samples({("bp", "fgsm", 0.1): (9,), ("linbp", "fgsm", 0.1): (12,)})
    table = matrix(lonely, MODELS.head(1), CONFIG)
    assert table.select("a", "black_box", "p_value", "p_holm").rows() == [
        (9 / 40, None, None, None),
        (12 / 40, None, None, None),
    ]
    assert [*claims(table, CONFIG)] == [] and headline(lonely, MODELS.head(1), TransferConfig(eps=(0.1,))) == {}


def test_the_headline_is_the_mean_over_black_boxes_at_the_largest_eps() -> None:
    means = headline(SAMPLES, MODELS, CONFIG)
    assert all(mean.low < mean.value < mean.high and mean.n == 40 for mean in means.values())
    assert {name: mean.value for name, mean in means.items()} == pytest.approx({
        "black-box success of bp at eps 0.2": 25 / 40,
        "black-box success of linbp at eps 0.2": np.mean([39 / 80, 50 / 80]),
    })  # fmt: skip


def test_the_excess_of_rounding() -> None:
    assert matrix(SAMPLES, MODELS, CONFIG)["excess_levels"].to_list() == pytest.approx([0.2] * len(SETS))
    inside = SAMPLES.with_columns(perturbation=pl.col("eps") - 0.01)
    assert {*matrix(inside, MODELS, CONFIG)["excess_levels"]} == {0}


def test_the_summary_compares_each_rule_on_black_boxes_and_in_the_white_box() -> None:
    row = {
        "method": "ifgsm",
        "eps": 0.2,
        "surrogate": "a",
        "a": 0.9,
        "b": 0.5,
        "black_box": 0.5,
        "p_holm": None,
        "more": 0,
        "fewer": 0,
    }
    rows = [
        {**row, "gradient": "bp", "difference": None},
        {
            **row,
            "gradient": "linbp",
            "a": 0.7,
            "black_box": 0.6,
            "difference": 0.1,
            "p_holm": 0.01,
            "more": 9,
            "fewer": 1,
        },
    ]
    (sentence,) = seen(pl.DataFrame(rows), CONFIG, {"attacked": 50})
    assert sentence == (
        "ifgsm from a at eps 0.2: linbp fools another model on 60.0% of 50 samples, ahead of bp: +10.0 points, "
        "p = .010 by Holm; in the white box 70.0% against 90.0%"
    )
    unsure = seen(pl.DataFrame([rows[0], {**rows[1], "p_holm": 0.2}]), CONFIG, {"attacked": 50})
    assert "not told apart from bp: +10.0 points, p = .20" in next(unsure)


def test_only_the_first_rule_is_doubted_where_strangers_are_fooled_more() -> None:
    at_home = {("bp", "ifgsm", 0.1): (40, 30, 20), ("linbp", "ifgsm", 0.1): (5, 30, 20)}
    assert audit(samples(at_home), MODELS, CONFIG).is_empty()
    hidden = {("bp", "ifgsm", 0.1): (5, 30, 4), ("linbp", "ifgsm", 0.1): (40, 30, 20)}
    found = audit(samples(hidden), MODELS, CONFIG)
    assert found["flag"].to_list() == ["transfer beats the white box"]
    assert any("fools b alone on 25 of 40 images" in line for line in notes(found, CONFIG))


def test_what_rounding_loses_and_gains_is_counted_on_black_boxes_of_the_checked_images() -> None:
    """The exact attack fools b with 10 and c with 20 of 40 images; the rounded one b with 13 and c with 16."""
    exact, rounded = (samples({("bp", "ifgsm", 0.1): fooled}) for fooled in ((40, 10, 20), (0, 13, 16)))
    unchecked = rounded.with_columns(pl.col("id") + 1)  # others than those the exact attack met
    table = agreement(
        pl.concat([unchecked, rounded]), MODELS, exact.select("id", "surrogate", "gradient", "method", "eps", "fooled")
    )
    assert table is not None
    (row,) = table.select("n", "exact", "lost", "gained").rows()
    assert row == (80, 30, 4, 3)
    assert agreement(rounded, MODELS) is None
    lines = [line for line in notes(audit(exact, MODELS, CONFIG), CONFIG, table) if line.startswith("rounding")]
    assert lines == [
        "rounding loses more than 1% of the exact attack's successes in 1 of 1 cells, most by ifgsm from a under bp at "
        "eps 0.1: 4 of 30, and gains 3"
    ]
