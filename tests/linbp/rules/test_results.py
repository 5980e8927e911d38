"""Results of `linbp.rules` from images whose fates are written down."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from modules.linbp.rules.catalogue import BOTH, CALIBRATED, PUBLISHED
from modules.linbp.rules.config import RulesConfig
from modules.linbp.rules.results import audit, claims, comparisons, cost, headline, notes, ranking, seen, shown, success
from modules.linbp.rules.shares import answering_alike
from suite.claims import CANNOT_TELL, DIFFERS, REPRODUCED

MODELS = pl.DataFrame({"name": ["a", "b", "c"]})
CONFIG = RulesConfig()
N = 100
ARMS = (
    ("bp", BOTH, "bp", 1.0),
    ("linbp", PUBLISHED, "linbp(start=2)", 1.0),
    ("linbp", CALIBRATED, "linbp(start=5)", 1.0),
    ("sgm", BOTH, "sgm(lam=0.2)", 2.0),
)
FOOLED = {"bp": 40, "linbp(start=2)": 30, "linbp(start=5)": 60, "sgm(lam=0.2)": 41}


def arms(surrogates: str = "a", but: tuple[str, str] | None = None) -> pl.DataFrame:
    return pl.DataFrame([
        {"surrogate": surrogate, "rule": rule, "place": place, "gradient": gradient, "at": "x",
         "passes_per_step": passes, "multiply_adds": int(1000 * passes)}
        for surrogate in surrogates for rule, place, gradient, passes in ARMS if (surrogate, rule) != but
    ])  # fmt: skip


def samples(fooled: dict[str, int] = FOOLED, surrogates: str = "a", passes: tuple[int, ...] = (10,)) -> pl.DataFrame:
    """Gradient -> how many of 100 images, the first ones, fool the other models within 10 passes; half within 5."""
    return pl.DataFrame([
        {
            "id": 3 * image, "label": 1, "surrogate": surrogate, "gradient": gradient, "method": method, "eps": 0.1,
            "passes": budget, "fooled": [name == surrogate or image < count * budget // 10 for name in "abc"],
            "predictions": [2 + k if name == surrogate or image < count * budget // 10 else 1
                            for k, name in enumerate("abc")],
        }
        for surrogate in surrogates for gradient, count in fooled.items() for method in ("ifgsm", "mifgsm")
        for budget in passes for image in range(N)
    ])  # fmt: skip


def by_rule(table: pl.DataFrame, *columns: str) -> dict[tuple[str, str], Any]:
    return {(row["rule"], row["place"]): tuple(row[c] for c in columns) for row in table.to_dicts()}


def test_the_matrix_has_a_row_for_each_set_and_model() -> None:
    table = success(samples(), MODELS, arms())
    assert table.height == 4 * 2 * 3
    rates = {(row["gradient"] if "gradient" in row else row["rule"], row["victim"]): row["value"]
             for row in table.filter(place=CALIBRATED).to_dicts()}  # fmt: skip
    assert rates == {("linbp", "a"): 1.0, ("linbp", "b"): 0.6, ("linbp", "c"): 0.6}
    assert table.filter("white_box")["victim"].unique().to_list() == ["a"] and table["n"].unique().to_list() == [N]


def test_each_arm_is_tested_once_against_bp_and_calibration_against_the_published_place() -> None:
    table = comparisons(samples(), MODELS, arms())
    found = by_rule(table, "black_box", "difference", "more", "fewer", "over_published")
    assert found["bp", BOTH] == (0.4, None, None, None, None)
    assert found["linbp", PUBLISHED] == (pytest.approx(0.3), pytest.approx(-0.1), 0, 10, None)
    assert found["linbp", CALIBRATED] == (pytest.approx(0.6), pytest.approx(0.2), 20, 0, pytest.approx(0.3))
    assert found["sgm", BOTH] == (pytest.approx(0.41), pytest.approx(0.01), 1, 0, None)
    p = by_rule(table, "p_value", "p_holm")
    assert p["linbp", CALIBRATED] == (pytest.approx(2 * 0.5**20), pytest.approx(3 * 2 * 0.5**20))  # a family of three
    assert p["linbp", PUBLISHED] == (pytest.approx(2 * 0.5**10), pytest.approx(2 * 2 * 0.5**10))
    assert p["sgm", BOTH] == (1, 1) and p["bp", BOTH] == (None, None)


def test_a_claim_is_ours_and_names_the_paper_at_its_place() -> None:
    found = {(claim.claim.split()[3], claim.setting): claim for claim in claims(comparisons(samples(), MODELS, arms()))}
    published, calibrated = (found["linbp", f"from a, {place} place: x"] for place in (PUBLISHED, CALIBRATED))
    assert (published.judgement.verdict, calibrated.judgement.verdict) == (DIFFERS, REPRODUCED)
    assert published.source.startswith("ours, after Guo") and calibrated.source == "ours"
    sgm = found["sgm", "from a, published and calibrated place: x"]
    assert sgm.judgement.verdict == CANNOT_TELL and "Wu" in sgm.source
    assert sgm.measured is not None and sgm.measured.n == N


def test_the_ranking_of_a_surrogate_and_of_all() -> None:
    both = arms("ab", but=("b", "sgm"))
    table = ranking(samples(surrogates="ab"), MODELS, both, CONFIG)
    assert table["surrogate"].unique(maintain_order=True).to_list() == ["all", "a", "b"]

    def order(surrogate: str, place: str) -> dict[str, float]:
        rows = table.filter(surrogate=surrogate, place=place)
        return dict(zip(rows["rule"], rows["value"], strict=True))

    assert order("a", PUBLISHED) == {"sgm": 1, "bp": 2, "linbp": 3}
    assert order("a", CALIBRATED) == {"linbp": 1, "sgm": 2, "bp": 3}
    assert order("b", PUBLISHED) == order("all", PUBLISHED) == {"bp": 1, "linbp": 2}  # sgm: not in both
    assert table.filter(surrogate="all")["pairs"].unique().to_list() == [4]
    assert table["pairs_low"].null_count() == table.height  # fewer than six pairs
    told = by_rule(table.filter(surrogate="a"), "behind")
    assert told["linbp", PUBLISHED] == (True,) and told["bp", PUBLISHED] == (False,)  # 1 image of 100 tells nothing
    without = ranking(samples(), MODELS, arms().filter(pl.col("place") != CALIBRATED), RulesConfig(judges=None))
    assert without["place"].unique().to_list() == [PUBLISHED]


def test_the_order_of_rows_does_not_matter() -> None:
    mixed, same = samples(surrogates="ab").sample(fraction=1, shuffle=True, seed=0), samples(surrogates="ab")
    for table in (ranking, cost):
        assert_frame_equal(table(mixed, MODELS, arms("ab"), CONFIG), table(same, MODELS, arms("ab"), CONFIG))


def test_cost_counts_steps_and_the_front_is_what_no_other_beats() -> None:
    config = RulesConfig(passes=(5, 10))
    table = cost(samples(passes=(5, 10)), MODELS, arms(), config)
    rows = {(row["rule"], row["place"], row["passes"]): row for row in table.to_dicts()}
    assert {key: rows[key]["steps"] for key in rows if key[0] in ("bp", "sgm")} == {
        ("bp", BOTH, 5): 5, ("bp", BOTH, 10): 10, ("sgm", BOTH, 5): 2, ("sgm", BOTH, 10): 5,
    }  # fmt: skip
    assert rows["sgm", BOTH, 10]["multiply_adds"] == 5 * 2000 and rows["bp", BOTH, 10]["multiply_adds"] == 10 * 1000
    assert rows["linbp", CALIBRATED, 5]["black_box"] == pytest.approx(0.3)
    front = {key for key, row in rows.items() if row["front"]}
    # Two steps of sgm are the cheapest; then the calibrated place, within either budget.
    assert front == {("sgm", BOTH, 5), ("linbp", CALIBRATED, 5), ("linbp", CALIBRATED, 10)}
    assert rows["linbp", CALIBRATED, 10]["front_share"] == 1 and rows["linbp", PUBLISHED, 10]["front_share"] < 0.2


def test_the_headline_is_about_published_places() -> None:
    found = headline(samples(), MODELS, arms())
    assert {name.rpartition(" ")[2]: round(each.value, 6) for name, each in found.items()} == {
        "bp": 0.4, "linbp": 0.3, "sgm": 0.41,
    }  # fmt: skip
    assert all(np.isfinite(each.low) and each.n == N for each in found.values())


def test_what_is_said_of_it() -> None:
    config = RulesConfig(passes=(10,))
    tables = (ranking(samples(), MODELS, arms(), config), comparisons(samples(), MODELS, arms()),
              cost(samples(), MODELS, arms(), config))  # fmt: skip
    facts = {"milliseconds": {"a": {"bp": 2.0, "sgm(lam=0.2)": 3.0}}, "left_out": {"a": {"pna": "no attention"}}}
    lines = list(seen(*tables, facts))
    assert any(
        line.startswith("from a, published place: sgm has the best mean rank of 3 rules, 1.0")
        and line.endswith("not told to be behind: bp")
        for line in lines
    )
    (line,) = [line for line in lines if "Holm" in line]
    assert "ahead of bp: linbp (calibrated) +20.0, p < .0001. behind bp: linbp (published) -10.0, p = .0039." in line
    assert line.endswith("not told apart from bp: 1 of 3 rules at a place")
    assert any("1.00 (bp) to 1.50 (sgm(lam=0.2)) times the 2 ms" in line for line in lines)
    assert lines[-1] == "not compared from a: pna (no attention)"


def test_what_makes_the_numbers_mean_less() -> None:
    config = RulesConfig(passes=(10,), eps=(0.3,), step_size=0.04)
    costs = cost(samples(), MODELS, arms(), config)  # five steps of the rule that needs two passes
    (line,) = notes(audit(samples(), MODELS), costs, samples(), MODELS, config)
    assert line.startswith("5 steps of 0.04 cannot reach the border")
    weak = {**FOOLED, "bp": 90}
    mine = samples(weak).with_columns(
        fooled=pl.when(pl.col("gradient") == "bp").then(pl.lit([False, True, True])).otherwise("fooled")
    )
    assert audit(mine, MODELS)["flag"].to_list() == ["transfer beats the white box"] * 4


def test_a_net_under_two_names_is_no_other_model() -> None:
    config = RulesConfig(passes=(10,))

    def said(predictions: pl.Expr) -> tuple[str, list[str]]:
        made = samples().with_columns(predictions=predictions)
        (table,) = shown(made, MODELS, config, {"attacked": N, "chosen": N})
        lines = notes(audit(made, MODELS), cost(made, MODELS, arms(), config), made, MODELS, config)
        return table.title, [line for line in lines if "alike" in line]

    title, lines = said(pl.col("predictions"))
    assert title.startswith("Success on other models") and not lines
    title, lines = said(pl.lit([2, 1, 2]))
    assert title.startswith("Success on models of other names")
    assert lines == ["a and c answer every image alike: if they are one net, success is the white box's"]
    nobody = samples().with_columns(fooled=pl.lit([False] * 3), predictions=pl.lit([1] * 3))
    assert answering_alike(nobody, MODELS) == []
    only_itself = samples().with_columns(fooled=pl.lit([True, False, False]), predictions=pl.lit([2, 1, 1]))
    assert answering_alike(only_itself, MODELS) == []  # the victims are right about everything, and so alike


def test_a_rule_as_typed_that_comes_to_the_place_of_another_is_tested_on_its_images_once() -> None:
    own = arms().filter(rule="linbp").with_columns(
        rule=pl.lit("linbp(start=layer3)"),
        gradient=pl.when(pl.col("place") == PUBLISHED).then(pl.lit("linbp(start=layer3)")).otherwise("gradient"),
    )  # fmt: skip
    made = samples({**FOOLED, "linbp(start=layer3)": 30})
    both = by_rule(comparisons(made, MODELS, pl.concat([arms(), own])), "more", "fewer", "n")
    alone = by_rule(comparisons(samples(), MODELS, arms()), "more", "fewer", "n")
    assert both["linbp", CALIBRATED] == both["linbp(start=layer3)", CALIBRATED] == alone["linbp", CALIBRATED]
