"""Counts, ascents and claims on made-up rows whose answers are known."""

from math import inf

import polars as pl
import pytest

from modules.pgd_dynamics.landscape import figures, independent, results
from modules.pgd_dynamics.landscape.config import LandscapeConfig
from suite.claims import Claim

Numbers = dict[tuple[float, float], list[int]]
MANY = [9, 12, 15, 9, 12, 15, 9, 15] * 8
COUNTS = {(0.01, 1.0): [1] * 64, (0.01, 10.0): [1] * 64, (100.0, 1.0): [1] * 64, (100.0, 10.0): MANY}
STEPS = {(0.01, 1.0): [4] * 8, (0.01, 10.0): [9] * 8, (100.0, 1.0): [40] * 8, (100.0, 10.0): [None] * 8}


def minima_rows(counts: Numbers) -> pl.DataFrame:
    rows = [(*cell, network, n) for cell, numbers in counts.items() for network, n in enumerate(numbers)]
    frame = pl.DataFrame(rows, schema=["scale", "ratio", "network", "minima"], orient="row")
    return frame.with_columns(
        eps=pl.col("scale") * pl.col("ratio"), on_ball="minima", undecided=0, one_sign=True,
        eps_over_tau=pl.when(pl.col("minima") == 1).then(0.5).otherwise(2.0),
    )  # fmt: skip


def escape_rows(steps: dict[tuple[float, float], list[int | None]], pace: str = "raw") -> pl.DataFrame:
    rows = [(*cell, network, n) for cell, numbers in steps.items() for network, n in enumerate(numbers)]
    frame = pl.DataFrame(rows, schema={"scale": float, "ratio": float, "network": int, "steps_90": int}, orient="row")
    return frame.with_columns(pace=pl.lit(pace), attained=1.0, to_minimum=0.0, at_minimum=True)


def judged(
    counts: Numbers, steps: dict[tuple[float, float], list[int | None]] = STEPS, config: LandscapeConfig | None = None
) -> dict[str, Claim]:
    """The claims by their words and settings; in a setting that the independent simulation does not have."""
    scales, ratios = ({cell[place] for cell in counts} for place in (0, 1))
    config = config or LandscapeConfig(scales=tuple(scales), ratios=tuple(ratios), m=999)
    found = list(results.claims(minima_rows(counts), escape_rows(steps), config))
    return {f"{claim.claim}; {claim.setting}": claim for claim in found}


def test_counts_have_means_shares_and_the_guaranteed() -> None:
    row = results.counts(minima_rows(COUNTS)).row(-1, named=True)
    assert row["minima"] == 12
    assert row["most"] == 15
    assert row["single"] == row["guaranteed"] == 0
    assert row["minima_low"] < 12 < row["minima_high"]


def test_one_network_has_counts_but_no_interval() -> None:
    counts = results.counts(minima_rows({cell: numbers[:1] for cell, numbers in COUNTS.items()}))
    row = counts.row(-1, named=True)
    assert (row["minima"], row["minima_low"], row["minima_high"]) == (9, None, None)
    figure, _ = figures.minima_by_ratio(counts, LandscapeConfig())
    assert [9.0] in [
        line.get_ydata()[-1:].tolist() for line in figure.axes[0].lines if line.get_label() == "scale = 100"
    ]


def test_claims_are_read_off_the_numbers() -> None:
    claims = judged(COUNTS)
    assert [claim.judgement.verdict for claim in claims.values()] == ["reproduced"] * 7
    turned = {(scale, ratio): COUNTS[1 / scale if scale < 1 else 0.01, ratio] for scale, ratio in COUNTS}
    verdicts = {name: claim.judgement for name, claim in judged(turned).items()}
    regular = verdicts["one minimum at the smallest scale, whatever the ratio; scale 0.01, ratios up to 10"]
    assert (regular.verdict, regular.note) == ("differs", "64 of 64 networks violate it")
    assert verdicts["more minima at a larger scale; scale 100 over 0.01, ratio 10"].verdict == "differs"
    same = verdicts["more minima at a larger ratio; ratio 10 over 1, scale 100"]
    assert (same.verdict, same.note) == ("cannot be told", "0 [0, 0] holds 0")


def test_few_networks_do_not_confirm_what_is_said_of_all() -> None:
    few = {cell: numbers[:40] for cell, numbers in COUNTS.items()}
    claim = judged(few)["one minimum at the largest scale if the ratio is small; scale 100, ratio 1"]
    assert (claim.judgement.verdict, claim.measured.value if claim.measured else None) == ("cannot be told", 1.0)
    assert "takes 59" in claim.judgement.note


def test_balls_of_one_network_are_one_voice_for_theorem_5_1() -> None:
    one_net = {(0.01, ratio): [1] for ratio in (0.001 * k for k in range(1, 101))}
    (claim,) = [c for name, c in judged(one_net).items() if "keeps its sign" in name]
    assert (claim.judgement.verdict, claim.measured.n if claim.measured else None) == ("cannot be told", 1)


def test_networks_that_settle_at_neither_scale_speak_for_the_side_that_is_behind() -> None:
    steps: dict[tuple[float, float], list[int | None]] = {
        (0.01, 1.0): [4] * 7 + [None] * 3, (100.0, 1.0): [40] * 7 + [None] * 3,
    }  # fmt: skip
    counts = {cell: [1] * 10 for cell in steps}
    claim = judged(counts, steps)["PGD escapes sooner at a smaller scale; scale 0.01 before 100, ratio 1, raw steps"]
    assert claim.judgement.verdict == "cannot be told"
    assert "7 against 0, 3 lost" in claim.judgement.note


def test_never_settled_counts_as_infinitely_late() -> None:
    row = results.escape(escape_rows({(1.0, 1.0): [3, None, 5, None, None]})).row(0, named=True)
    assert (row["lower_quartile"], row["steps_90"], row["settled"]) == (5, inf, 0.4)


def test_the_atlas_has_intervals_over_networks() -> None:
    ends = pl.DataFrame({
        "activation": "relu", "gradient": "bp", "network": [0, 0, 1, 1], "steps_90": [3, 5, None, 9],
        "attained": [1.0, 0.8, 0.5, 0.7], "to_minimum": [0.0, 0.0, 4.0, 40.0], "at_minimum": [True, True, False, True],
    })  # fmt: skip
    row = results.atlas(ends).row(0, named=True)
    assert (row["attained"], row["at_minimum"], row["always"]) == (pytest.approx(0.75), 0.75, 0.5)
    assert (row["n"], row["networks"], row["to_minimum"], row["steps_90"]) == (4, 2, 2.0, 5.0)
    assert row["attained_low"] == pytest.approx(0.75 - 12.7062 * 0.15, abs=1e-4)  # Student's, two networks


@pytest.mark.parametrize(
    ("cell", "numbers", "verdict"),
    [
        ((1.0, 10.0), [280] * 20, "differs"),
        ((1.0, 10.0), [2, 3, 3, 3, 3] * 8, "reproduced"),  # mean 2.8
        # Independently one network in 40 had a second minimum, of ours none: p = 40 / 140 under equal rates.
        ((10.0, 0.01), [1] * 100, "reproduced"),
        ((10.0, 0.01), [1, 2] * 50, "differs"),
        ((1.0, 10.0), [1, 5] * 5, "cannot be told"),  # 3 of 10 networks: holds 2.8 and much else
    ],
)
def test_the_independent_simulation_is_compared_where_the_setting_is_its(
    cell: tuple[float, float], numbers: list[int], verdict: str
) -> None:
    def compared(m: int) -> list[str]:
        config = LandscapeConfig(scales=cell[0], ratios=cell[1], m=m)
        found = results.claims(minima_rows({cell: numbers}), escape_rows({cell: []}), config)
        return [claim.judgement.verdict for claim in found if claim.published == independent.MINIMA[cell]]

    assert compared(1000) == [verdict]
    assert compared(999) == []
