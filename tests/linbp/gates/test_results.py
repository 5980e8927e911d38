"""Results of `linbp.gates` from images whose fates are written down."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr

from modules.linbp.gates.config import GatesConfig
from modules.linbp.gates.hypotheses import HYPOTHESES
from modules.linbp.gates.results import claims, correlation, gains, headline, hypotheses, notes, seen, similarity
from suite.claims import CANNOT_TELL, DIFFERS, REPRODUCED

MODELS = pl.DataFrame({"name": ["a", "b", "c"]})
CONFIG = GatesConfig()
N = 400
ARMS = ("bp", "linear", "rate", "permuted", "shuffled", "linear@branch", "linear@addition")
Counts = dict[str, int]


def samples(counts: Counts, methods: tuple[str, ...] = ("ifgsm", "mifgsm"), surrogate: str = "a") -> pl.DataFrame:
    """Arm -> how many of 400 images, the first ones, fool b and c; all fool the surrogate a. Under bp it is 200."""
    return pl.DataFrame([
        {
            "id": 3 * image, "label": 1, "surrogate": surrogate, "arm": arm, "method": method, "eps": 4 / 255,
            "fooled": [True, image < count, image < count],
        }
        for method in methods
        for arm, count in {"bp": 200, **counts}.items()
        for image in range(N)
    ])  # fmt: skip


def gradients(cosines: dict[str, tuple[float, float]]) -> pl.DataFrame:
    """Arm -> the cosine with b and c of every image."""
    return pl.DataFrame([
        {"id": 3 * image, "surrogate": "a", "arm": arm, "length": 1.0, "cosines": [1.0, *pair]}
        for arm, pair in cosines.items()
        for image in range(N)
    ])  # fmt: skip


NONE = pl.DataFrame(schema={"surrogate": pl.String, "eps": pl.Float64, "pairs": pl.Int64, "value": pl.Float64,
                            "low": pl.Float64, "high": pl.Float64, "n": pl.Int64})  # fmt: skip


def verdicts(counts: Counts, **options: Any) -> dict[str, str]:
    config = GatesConfig(**options)
    tests = hypotheses(samples(counts), MODELS, config)
    return {claim.claim[:2]: claim.judgement.verdict for claim in claims(tests, NONE)}


HOLDS = {"linear": 230, "rate": 231, "permuted": 220, "shuffled": 199, "linear@branch": 225, "linear@addition": 205}


def test_each_hypothesis_holds() -> None:
    assert verdicts(HOLDS) == dict.fromkeys(("H1", "H2", "H3", "H4", "H5"), REPRODUCED)


@pytest.mark.parametrize(
    ("name", "counts", "verdict"),
    [
        ("H1", {"linear": 170, "rate": 170}, DIFFERS),
        ("H1", {"linear": 203, "rate": 203}, CANNOT_TELL),
        ("H2", {"rate": 202}, DIFFERS),
        ("H2", {"rate": 238}, CANNOT_TELL),  # 2 points ahead: at the margin
        ("H2", {"linear": 200, "rate": 201}, CANNOT_TELL),  # alike, but linear has no gain
        ("H3", {"permuted": 170}, DIFFERS),
        ("H3", {"permuted": 201}, CANNOT_TELL),
        ("H4", {"shuffled": 150}, DIFFERS),
        ("H4", {"shuffled": 208}, CANNOT_TELL),
        ("H5", {"linear@branch": 205, "linear@addition": 230}, DIFFERS),
        ("H5", {"linear@branch": 205, "linear@addition": 204}, CANNOT_TELL),
    ],
)
def test_each_hypothesis_fails_or_cannot_be_told(name: str, counts: Counts, verdict: str) -> None:
    assert verdicts({**HOLDS, **counts})[name] == verdict


def test_arms_that_were_not_measured_are_not_asked_about() -> None:
    assert verdicts({"linear": 230, "shuffled": 199}) == {"H1": REPRODUCED, "H4": REPRODUCED}
    assert verdicts(HOLDS, positions=("branch",), gates=("linear",)) == {}  # hypotheses are about the last block


def test_a_share_is_over_methods_and_black_boxes_and_an_image_counts_once() -> None:
    table = samples({"linear": 230}).with_columns(  # under mifgsm, linear fools c on no image
        fooled=pl.when((pl.col("method") == "mifgsm") & (pl.col("arm") == "linear"))
        .then(pl.concat_list(pl.col("fooled").list.head(2), pl.lit(False)))
        .otherwise("fooled")
    )
    (row,) = hypotheses(table, MODELS, CONFIG).to_dicts()
    assert (row["more"], row["fewer"], row["n"]) == (30, 200, N)
    assert row["value"] == pytest.approx((30 * 0.75 - 200 * 0.25) / N)


def test_what_the_probe_saw_stands_beside_its_own_setting_alone() -> None:
    models = pl.DataFrame({"name": ["resnet56", "b", "c"]})
    made = claims(hypotheses(samples(HOLDS, surrogate="resnet56"), models, CONFIG), NONE)
    assert [claim.published for claim in made] == [each.probe for each in HYPOTHESES]
    assert {claim.published for claim in claims(hypotheses(samples(HOLDS), MODELS, CONFIG), NONE)} == {None}


def test_gains_by_set() -> None:
    table = gains(samples({"linear": 230}), MODELS)
    assert table.select("method", "arm", "black_box", "gain", "more", "fewer", "n", "white_box").rows() == [
        ("ifgsm", "bp", 0.5, None, None, None, N, 1.0),
        ("ifgsm", "linear", 0.575, pytest.approx(0.075), 30, 0, N, 1.0),
        ("mifgsm", "bp", 0.5, None, None, None, N, 1.0),
        ("mifgsm", "linear", 0.575, pytest.approx(0.075), 30, 0, N, 1.0),
    ]
    half = 1.96597 * np.std([1.0] * 30 + [0.0] * 370, ddof=1) / N**0.5  # Student's, 399 degrees of freedom
    row = table.row(1, named=True)
    assert (row["gain_low"], row["gain_high"]) == pytest.approx((0.075 - half, 0.075 + half), abs=1e-6)
    numbers = headline(samples({"linear": 230}), MODELS)
    assert {name: (each.value, each.n) for name, each in numbers.items()} == {
        "black-box success of bp": (0.5, N), "black-box success of linear": (0.575, N),
    }  # fmt: skip


COSINES = {
    "bp": (0.1, 0.2),
    "linear": (0.3, 0.3),
    "rate": (0.25, 0.35),
    "permuted": (0.2, 0.25),
    "shuffled": (0.0, 0.1),
}
GAINS = {"linear": 240, "rate": 230, "permuted": 210, "shuffled": 190}


def test_similarity_has_the_rise_of_the_cosine_beside_the_gain() -> None:
    table = similarity(samples(GAINS), MODELS, gradients(COSINES))
    assert table.height == 5 * 2
    row = table.filter(arm="linear", victim="c").row(0, named=True)
    assert (row["cosine"], row["rise"], row["gain"], row["n"]) == pytest.approx((0.3, 0.1, 0.1, N))
    assert table.filter(arm="bp")["rise"].to_list() == [None, None]


def test_the_rank_correlation_is_over_arms_and_victims_and_its_interval_over_images() -> None:
    raw = samples(GAINS), MODELS, gradients(COSINES)
    (row,) = correlation(*raw, CONFIG).to_dicts()
    pairs = similarity(*raw).drop_nulls("rise")
    assert (row["pairs"], row["n"]) == (8, N)
    assert row["value"] == pytest.approx(spearmanr(pairs["gain"], pairs["rise"].round(9)).statistic)
    assert row["low"] <= row["value"] <= row["high"]


@pytest.mark.parametrize(("sign", "verdict"), [(1, REPRODUCED), (-1, DIFFERS)])
def test_the_gain_follows_similarity_or_its_contrary(sign: int, verdict: str) -> None:
    angles = {arm: (0.1 + sign * (count - 200) / 400, 0.1 + sign * (count - 199) / 400) for arm, count in GAINS.items()}
    found = correlation(samples(GAINS), MODELS, gradients({"bp": (0.1, 0.1), **angles}), CONFIG)
    empty = hypotheses(samples({}), MODELS, CONFIG)
    (claim,) = claims(empty, found)
    assert (claim.claim[:2], claim.judgement.verdict) == ("H6", verdict)


def test_two_pairs_have_no_rank_correlation_and_equal_gains_leave_it_open() -> None:
    some = {arm: COSINES[arm] for arm in ("bp", "linear")}
    assert correlation(samples({"linear": 230}), MODELS, gradients(some), CONFIG).is_empty()
    alike = dict.fromkeys(GAINS, 200)
    found = correlation(samples(alike), MODELS, gradients(COSINES), CONFIG)
    (claim,) = claims(hypotheses(samples({}), MODELS, CONFIG), found)
    assert claim.judgement.verdict == CANNOT_TELL


def test_pairs_are_by_image_and_not_by_place() -> None:
    table = samples(HOLDS)
    mixed = table.sample(fraction=1, shuffle=True, seed=0)
    order = ["hypothesis"]
    one, other = (hypotheses(raw, MODELS, CONFIG).sort(order).drop("p_holm") for raw in (table, mixed))
    for column in ("value", "more", "fewer", "p_value"):
        assert one[column].to_list() == pytest.approx(other[column].to_list())


def test_sentences_say_which_arm_is_where() -> None:
    told = [*seen(hypotheses(samples(HOLDS), MODELS, CONFIG), NONE)]
    assert told[0].startswith(
        "H1, from a, eps = 4/255: linear is above bp: +7.5 points [+4.9, +10.1], p < .0001 after Holm"
    )
    assert "rate is within 2 points of linear" in told[1]
    unsure = [*seen(hypotheses(samples({**HOLDS, "linear": 201, "rate": 150}), MODELS, CONFIG), NONE)]
    assert "linear is not told apart from bp" in unsure[0] and "rate is beyond 2 points of linear" in unsure[1]


def test_a_ball_that_no_step_reaches_is_said() -> None:
    (line,) = notes(GatesConfig(eps=(0.5,)))
    assert "cannot reach the border" in line
