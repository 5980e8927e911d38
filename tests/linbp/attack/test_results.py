"""Results of `linbp.attack` from samples made by hand, with answers worked out by hand."""

from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from modules.linbp import audit as audits
from modules.linbp.attack import results, study
from modules.linbp.attack.claims import all_after_many, higher_at_every_step, table_1
from modules.linbp.attack.config import AttackConfig
from modules.linbp.attack.published import TABLE_1
from modules.linbp.attack.results import audit, by_step, headline, seen
from modules.linbp.cautions import lost_to_rounding
from suite.claims import CANNOT_TELL, DIFFERS, REPRODUCED, Claim
from suite.statistics import mcnemar_of, rate_of

# Three samples, steps 0, 1, 2. By rule and strength, who is fooled at which step.
FOOLED = {
    ("bp", 0.1): ["000", "001", "011"],
    ("bp", 0.2): ["001", "001", "011"],
    ("linbp", 0.1): ["011", "000", "011"],
    ("linbp", 0.2): ["011", "011", "011"],
}
STEPS = {"steps": [0, 1, 2], "readings": [1, 2]}
CONFIG = AttackConfig(gradients=("bp", "linbp"), eps=(0.1, 0.2), steps=(1, 2))


def samples(order: list[tuple[str, float]] | None = None) -> pl.DataFrame:
    """Rows as the study writes them: rule by rule, in each strength by strength, in each sample by sample."""
    rows = [
        {"id": identity, "gradient": gradient, "eps": eps, "fooled": [mark == "1" for mark in marks]}
        for gradient, eps in order or FOOLED
        for identity, marks in enumerate(FOOLED[gradient, eps])
    ]
    return pl.DataFrame(rows)


def success(samples: pl.DataFrame, config: AttackConfig, facts: dict[str, Any]) -> pl.DataFrame:
    """The table where the audit has found nothing."""
    return results.success(samples, audits.table([]), config, facts).drop("audit")


def row(table: pl.DataFrame, **cell: Any) -> dict[str, Any]:
    (found,) = table.filter(**cell).to_dicts()
    return found


def test_results_do_not_depend_on_how_rows_are_interleaved() -> None:
    """Parts of a run alternate strengths; a sample's id in a cell is what pairs it."""
    one, other = samples(), samples([("bp", 0.2), ("bp", 0.1), ("linbp", 0.2), ("linbp", 0.1)])
    assert_frame_equal(success(one, CONFIG, STEPS), success(other, CONFIG, STEPS))
    assert_frame_equal(success(one, CONFIG, STEPS), success(one.sample(fraction=1, shuffle=True), CONFIG, STEPS))
    assert_frame_equal(by_step(one, STEPS), by_step(other, STEPS), check_row_order=False)


def test_success_counts_at_each_number_of_steps() -> None:
    table = success(samples(), CONFIG, STEPS)
    expected = {
        ("bp", 0.1, 1): 1, ("bp", 0.1, 2): 2, ("bp", 0.2, 1): 1, ("bp", 0.2, 2): 3,
        ("linbp", 0.1, 1): 2, ("linbp", 0.1, 2): 2, ("linbp", 0.2, 1): 3, ("linbp", 0.2, 2): 3,
    }  # fmt: skip
    assert len(table) == len(expected)
    for (gradient, eps, steps), count in expected.items():
        estimate = row(table, gradient=gradient, eps=eps, steps=steps)
        assert {name: estimate[name] for name in ("value", "low", "high", "n")} == rate_of(count, 3).columns()


def test_rows_come_by_strength_as_typed_then_steps_then_rule() -> None:
    config = AttackConfig(eps=(0.2, 0.1), steps=(2, 1), gradients=("linbp", "bp"))
    cells = success(samples(), config, STEPS).select("eps", "steps", "gradient").rows()
    assert cells == [(eps, steps, rule) for eps in (0.2, 0.1) for steps in (1, 2) for rule in ("linbp", "bp")]


def test_the_paired_test_counts_samples_where_the_rules_differ() -> None:
    """At eps 0.1 after 2 steps LinBP alone fools sample 0 and BP alone sample 1: equal rates, other samples."""
    table, names = success(samples(), CONFIG, STEPS), ("only_this", "only_first_rule", "p_value")
    test = row(table, gradient="linbp", eps=0.1, steps=2)
    assert [test[name] for name in names] == [1, 1, 1.0]
    test = row(table, gradient="linbp", eps=0.2, steps=1)
    assert [test[name] for name in names] == [2, 0, 0.5]  # 2 / 2^2
    # The reference is not tested against itself.
    assert {*table.filter(gradient="bp").select(names).rows()} == {(0, 0, None)}


def test_the_reference_is_the_first_rule() -> None:
    config = AttackConfig(eps=(0.1,), steps=(1,), gradients=("linbp", "bp"))
    table = success(samples([("linbp", 0.1), ("bp", 0.1)]), config, {"steps": [0, 1, 2], "readings": [1]})
    assert row(table, gradient="linbp")["p_value"] is None
    assert row(table, gradient="bp")["only_first_rule"] == 1


def test_many_samples_against_the_closed_binomial_sum() -> None:
    """8 discordant samples, all LinBP's: p = 2 / 2^8."""
    fooled = [*[[False]] * 9, [True], *[[True]] * 8, [False], [True]]
    gradients = ["bp"] * 10 + ["linbp"] * 10
    raw = pl.DataFrame({"id": [*range(10)] * 2, "gradient": gradients, "eps": 0.1, "fooled": fooled})
    table = success(raw, AttackConfig(eps=(0.1,), steps=(5,)), {"steps": [5], "readings": [5]})
    assert row(table, gradient="linbp")["p_value"] == pytest.approx(2 / 2**8)


def test_an_attack_without_steps() -> None:
    raw = pl.DataFrame({"id": [0, 1], "gradient": "bp", "eps": 0.1, "fooled": [[False], [True]]})
    facts = {"steps": [None], "readings": [None]}
    config = AttackConfig(eps=(0.1,), gradients=("bp",), attack="FGSM")
    table = success(raw, config, facts)
    assert (row(table)["steps"], row(table)["value"]) == (None, 0.5)
    assert row(by_step(raw, facts))["step"] is None
    assert headline(table, config, facts) == {"success of bp at eps 0.1": rate_of(1, 2, "images")}


def test_by_step_gives_every_step_of_every_cell() -> None:
    table = by_step(samples(), STEPS)
    assert len(table) == 4 * 3
    assert table.filter(gradient="bp", eps=0.1).sort("step")["value"].to_list() == [0, 1 / 3, 2 / 3]
    assert row(table, gradient="linbp", eps=0.2, step=0)["value"] == 0


def test_the_headline_is_success_at_the_largest_eps_and_k_behind_the_starts() -> None:
    table = success(samples(), CONFIG, STEPS)
    facts = STEPS | {"starts": {"linbp(start=auto)": "none: no start beats bp on 20 training samples"}}
    assert headline(table, CONFIG, facts) == facts["starts"] | {
        f"success of {rule} at eps 0.2, K 2": rate_of(3, 3, "images") for rule in ("bp", "linbp")
    }


def test_the_summary_says_who_is_ahead_and_what_more_steps_bring() -> None:
    """40 samples; at eps 0.2 and K = 2 bp fools 30, linbp the same and 8 more; at K = 1 bp fools 10."""
    marks = {"bp": ["11"] * 10 + ["01"] * 20 + ["00"] * 10, "linbp": ["01"] * 38 + ["00"] * 2}
    rows = [
        {"id": identity, "gradient": gradient, "eps": 0.2, "fooled": [mark == "1" for mark in each]}
        for gradient, all_marks in marks.items()
        for identity, each in enumerate(all_marks)
    ]
    facts = {"steps": [1, 2], "readings": [1, 2], "attacked": 40}
    config = AttackConfig(gradients=("bp", "linbp"), eps=(0.2,), steps=(1, 2))
    ahead, steps = seen(success(pl.DataFrame(rows), config, facts), config, facts)
    assert ahead == (
        "linbp at eps 0.2 and K = 2 fools the model on 95.0% of 40 images, ahead of bp (75.0%): +20.0 points, "
        "p = .0078; 8 only under linbp, 0 only under bp"
    )
    assert steps == "more steps: bp has 25.0% at K = 1, 75.0% at K = 2"


def measured(gradient: str, steps: int, eps: float, rate: float, n: int = 1000) -> dict[str, Any]:
    return {"gradient": gradient, "steps": steps, "eps": eps, **rate_of(round(rate * n), n).columns()}


def judged(*rows: dict[str, Any], **options: Any) -> list[Claim]:
    config = AttackConfig(**{**study.presets["paper"], **options})
    return [*table_1(pl.DataFrame(rows), config)]


def test_published_cells_and_verdicts() -> None:
    """Table 1, ResNet-50: BP 66.97 at K = 5, LinBP 98.67 at K = 10 and eps 0.05; other cells it has not."""
    near, far = judged(
        measured("bp", 5, 0.05, 0.67),
        measured("linbp", 10, 0.05, 0.9),
        measured("bp", 7, 0.05, 0.5),
        measured("bp", 5, 0.03, 0.5),
        measured("linbp(start=all)", 5, 0.05, 0.5),
    )
    assert (near.published, near.judgement.verdict) == (0.6697, REPRODUCED)
    assert (far.published, far.judgement.verdict) == (0.9867, DIFFERS)
    assert near.setting == "resnet50, bp, K = 5, eps = 0.05" and near.source == "Li et al., Table 1"
    assert judged(measured("bp", 5, 0.05, 0.67), model="resnet56") == []


def test_twenty_samples_do_not_confirm_two_numbers_that_are_far_apart() -> None:
    """16 of 20 is [.58, .92]: it excludes neither BP's 66.97 nor LinBP's 90.23 %, and so confirms neither."""
    both = judged(*(measured(gradient, 5, 0.05, 0.8, n=20) for gradient in ("bp", "linbp")))
    assert [claim.published for claim in both] == pytest.approx([0.6697, 0.9023])
    for claim in both:
        assert claim.measured is not None and claim.published is not None
        assert claim.measured.low < claim.published < claim.measured.high
        assert claim.judgement.verdict == CANNOT_TELL and "wider than ± 0.05" in claim.judgement.note
    # As few samples can still exclude a number.
    (refuted,) = judged(measured("bp", 5, 0.05, 0.1, n=20))
    assert refuted.judgement.verdict == DIFFERS


@pytest.mark.parametrize(
    ("options", "note"),
    [
        ({"model": "resnet50@weights.pt", "dataset": "folder:../cifar10-jpeg.zip"}, "another encoding of the images"),
        ({"step_size": 1 / 255}, "another step_size than in the table"),
        ({"attack": "pgd", "early_stop": False}, "another attack than in the table; another early_stop than"),
    ],
)  # fmt: skip
def test_under_other_conditions_nothing_is_judged(options: dict[str, Any], note: str) -> None:
    for rate in (0.67, 0.1):
        (claim,) = judged(measured("bp", 5, 0.05, rate), **options)
        assert claim.judgement.verdict == CANNOT_TELL
        assert claim.judgement.note.startswith(f"not the paper's conditions: {note}")


def test_in_normalised_images_there_is_no_cell_to_compare_with() -> None:
    assert judged(measured("bp", 5, 0.05, 0.67), input_space="normalised") == []


def test_table_1_as_printed() -> None:
    assert len(TABLE_1) == 2 * 4 * 2 * 2
    assert TABLE_1["linbp", "densenet161", 10, 0.05] == pytest.approx(0.9631)
    assert TABLE_1["bp", "vgg16", 10, 0.1] == pytest.approx(0.9325)
    assert TABLE_1["linbp", "mobilenetv2", 5, 0.1] == pytest.approx(0.9985)
    for (gradient, model, steps, _), rate in TABLE_1.items():
        assert TABLE_1["linbp", model, steps, 0.05] >= TABLE_1["bp", model, steps, 0.05]
        if steps == 5:  # 5 * 2 / 255 < 0.05: neither ball binds
            assert TABLE_1[gradient, model, 5, 0.05] == TABLE_1[gradient, model, 5, 0.1] == rate


def higher(*cells: tuple[int, int], **options: Any) -> list[tuple[str, str]]:
    """Verdict and note where LinBP alone and BP alone fool so many images, at K = 1, 2, ..."""
    rows = [
        {"gradient": "linbp", "eps": 0.1, "steps": k, "only_this": this, "only_first_rule": bp,
         "p_value": mcnemar_of(this, bp).p_value}
        for k, (this, bp) in enumerate(cells, 1)
    ]  # fmt: skip
    found = higher_at_every_step(pl.DataFrame(rows), AttackConfig(gradients=("bp", "linbp"), **options))
    return [(claim.judgement.verdict, claim.judgement.note) for claim in found]


def test_linbp_is_higher_at_every_k_only_where_each_test_says_so() -> None:
    assert [verdict for verdict, _ in higher((20, 2), (30, 3), (12, 0))] == [REPRODUCED]
    assert [verdict for verdict, _ in higher((20, 2), (30, 3), (4, 0))] == [CANNOT_TELL]
    assert higher((20, 2), (2, 20), (5, 5)) == [
        (DIFFERS, "of 3 settings 1 reproduced, 1 differ, 1 cannot be told"),
    ]  # fmt: skip
    # .03 and .04 by themselves, .07 as two of a family
    assert [verdict for verdict, _ in higher((9, 2), (8, 1))] == [CANNOT_TELL]


def test_an_attack_without_steps_is_no_number_of_steps() -> None:
    row = {"gradient": "linbp", "eps": 0.1, "steps": None, "only_this": 2, "only_first_rule": 20, "p_value": 0.001}
    assert [*higher_at_every_step(pl.DataFrame([row]), AttackConfig(gradients=("bp", "linbp")))] == []


def test_where_an_ensemble_fools_nobody_each_member_has_fooled_none() -> None:
    samples = pl.DataFrame([{"gradient": "bp", "eps": 0.1, "id": i, "fooled_by": None} for i in range(5)])
    found = results.members(samples, {"members": ["APGD-CE", "Square"]})
    assert found is not None and found.select("member", "value", "n").rows() == [
        ("APGD-CE", 0.0, 5),
        ("Square", 0.0, 5),
    ]


def test_all_images_after_500_steps() -> None:
    def verdict(rate: float, n: int) -> str:
        (claim,) = all_after_many(pl.DataFrame([measured("bp", 500, 0.1, rate, n), measured("bp", 10, 0.1, 0.5)]))
        return claim.judgement.verdict

    assert (verdict(1.0, 1000), verdict(1.0, 50), verdict(0.95, 1000)) == (REPRODUCED, CANNOT_TELL, DIFFERS)


def test_the_audit_holds_what_was_seen_of_the_model_the_gradients_and_the_budget() -> None:
    """Three rows are too few for any test; the ball cannot be reached, and linbp has no gradient on a third of them."""
    facts = STEPS | {
        "gradient_health": {"bp": {"zero": 0.0, "not_finite": 0.0}, "linbp": {"zero": 1 / 3, "not_finite": 0.0}},
        "output_probe": {"probabilities": True, "stochastic": 0.0},
        "unbounded_probe": {"bp": {"fooled": 3, "not_risen": 0, "images": 3}},
    }
    config = CONFIG.model_copy(update={"step_size": 0.06})
    flags = audit(samples(), config, facts)
    assert flags.select("flag", "gradient").rows() == [
        ("out of reach", ""), ("useless gradient", "linbp"), ("probabilities", ""),
    ]  # fmt: skip
    beside = results.success(samples(), flags, config, facts)
    assert set(beside.filter(gradient="linbp")["audit"]) == {"out of reach, useless gradient, probabilities"}
    assert set(beside.filter(gradient="bp")["audit"]) == {"out of reach, probabilities"}
    assert audit(samples(), CONFIG.model_copy(update={"step_size": 0.1}), STEPS).is_empty()


def test_what_rounding_loses_and_gains_is_counted_on_the_images_of_the_check() -> None:
    """Samples 0 and 2 are checked: sample 2 is lost at step 1 and found at step 2, when sample 0 is gained."""
    checked = {"id": [0, 2], "gradient": ["bp"] * 2, "eps": [0.1] * 2}
    exact = pl.DataFrame({**checked, "fooled": [[False, False, False], [False, True, True]]})
    rounded = pl.DataFrame({**checked, "fooled": [[False, False, True], [False, False, True]]})
    others = samples().filter(pl.col("id") == 1)
    table = results.agreement(pl.concat([others, rounded]), STEPS, exact)
    assert table is not None
    names = ("gradient", "eps", "steps", "n", "exact", "lost", "gained")
    assert table.select(names).rows() == [("bp", 0.1, 1, 2, 1, 1, 0), ("bp", 0.1, 2, 2, 1, 0, 1)]
    assert results.agreement(samples(), STEPS) is None
    (line,) = results.notes(audits.table([]), CONFIG, table)
    assert line == (
        "rounding loses more than 1% of the exact attack's successes in 1 of 2 cells, most under bp at eps 0.1 and "
        "K = 1: 1 of 1, and gains 0"
    )


def test_one_success_of_a_hundred_may_be_lost_without_a_word() -> None:
    cell = {"gradient": "bp", "eps": 0.1, "steps": 5, "exact": 100, "lost": 1, "gained": 0}
    assert not [*lost_to_rounding([cell, {**cell, "exact": 0, "lost": 0}], "at eps {eps}")]
    assert [*lost_to_rounding([{**cell, "lost": 2}], "at eps {eps}")]
