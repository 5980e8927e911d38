"""From rows per training to crossings, eps_star, ratios and claims: by hand."""

from math import exp, inf, log, sqrt
from typing import Any

import polars as pl
import pytest
from scipy.stats import t as student

from modules.phase_transition.epsilon_star import figures, results
from modules.phase_transition.epsilon_star.config import EpsilonStarConfig
from modules.phase_transition.epsilon_star.published import Printed
from suite.claims import Claim

Row = dict[str, Any]
CE = EpsilonStarConfig()
ON_MNIST = EpsilonStarConfig(dataset="mnist")


def training(eps: float, loss: float | None, seed: int = 0, **chosen: Any) -> Row:
    """The row of a training's selected epoch."""
    return {
        "model": "mnist-cnn",
        "samples": 100,
        "gradient": "bp" if eps else "",
        "eps": float(eps),
        "seed": seed,
        "epoch": 3,
        "train_loss": loss,
        "train_accuracy": 0.9,
        "attacked_train_loss": None if loss is None else loss + 0.01,
        "watched_loss": None if loss is None else loss + 0.1,
        "watched_accuracy": 0.8,
        "clean_test_loss": 0.2,
        "clean_test_accuracy": 0.95,
        "clean_test_objective": 0.3,
        "selected": True,
        "diverged": False,
        **chosen,
    }


def crossings(rows: list[Row], config: EpsilonStarConfig = CE) -> pl.DataFrame:
    return results.crossings(results.losses(pl.DataFrame(rows)), config)


def seeds(slopes: dict[int, list[float]], **chosen: Any) -> list[Row]:
    """For each size and seed losses that rise from 0.1 by the slope per unit of eps: R* is at 0.2 / slope."""
    return [
        training(eps, 0.1 + slope * eps, seed, samples=samples, **chosen)
        for samples, values in slopes.items()
        for seed, slope in enumerate(values)
        for eps in (0, 0.1, 0.4)
    ]


def judged(rows: list[Row], config: EpsilonStarConfig = CE) -> list[Claim]:
    """The claims about eps_star, without those about what it rests on."""
    table, losses = crossings(rows, config), results.losses(pl.DataFrame(rows))
    claims = results.claims(losses, results.eps_star(table, config), table, results.comparisons(table), config)
    return [claim for claim in claims if claim.source not in ("Fig. A.1", "Sec. 5.1")]


def test_the_selected_epoch_counts_and_kinds_have_names() -> None:
    rows = [training(0.1, 0.5), training(0.1, 0.4, selected=False), training(0.1, 0.4, gradient="linbp")]
    found = results.losses(pl.DataFrame(rows))
    assert found["kind"].to_list() == ["mnist-cnn, n = 100", "mnist-cnn, n = 100, linbp"]
    assert found["train_loss"].to_list() == [0.5, 0.4]


def test_each_measure_crosses_its_own_threshold() -> None:
    rows = [training(0, 0.1), training(0.1, 0.2), training(0.2, 0.4)]
    running, attacked = crossings(rows, EpsilonStarConfig(loss="trades")).to_dicts()
    assert (running["kind"], running["measure"], running["threshold"]) == ("mnist-cnn, n = 100", "running", 0.3)
    assert running["eps_star"] == pytest.approx(0.15) and running["strengths"] == 3
    assert attacked["eps_star"] == pytest.approx(0.145)
    as_printed = crossings(rows, EpsilonStarConfig(loss="mart")).row(2, named=True)
    assert (as_printed["threshold"], as_printed["eps_star"]) == (0.2, pytest.approx(0.1))


def test_a_diverged_training_is_left_out_and_without_the_clean_one_there_is_no_threshold() -> None:
    rows = [training(0, 0.1), training(0.1, 0.2), training(0.15, 9.0, diverged=True), training(0.2, 0.4)]
    rows += [training(0.3, None), training(0.4, float("nan"))]
    running, _ = crossings(rows).to_dicts()
    assert running["eps_star"] == pytest.approx(0.15) and running["left_out"] == 3
    lost = crossings([training(0, 0.1, diverged=True), *rows[1:]])
    assert lost.row(0, named=True)["outcome"] == "none" and lost["threshold"].to_list() == [None, None]
    (kind, _) = results.eps_star(lost, CE).to_dicts()
    assert (kind["outcome"], kind["eps_star_255"], kind["n"], kind["value"]) == ("none", "no training left", 0, None)
    noted = list(results.notes(results.losses(pl.DataFrame(rows)), lost))
    assert noted == ["mnist-cnn, n = 100 with eps 0.15, seed 0 diverged: left out"]


def published(monkeypatch: pytest.MonkeyPatch, known: Printed, slopes: list[float]) -> tuple[Row, Claim]:
    monkeypatch.setattr(results, "printed", lambda *_: known)
    table = results.eps_star(crossings(seeds({100: slopes})), CE)
    (claim,) = judged(seeds({100: slopes}))
    return table.row(0, named=True), claim


def test_over_seeds_there_is_an_interval_and_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    slopes = [1.25, 4 / 3, 1.3, 1.28]  # they cross at 0.15 to 0.16
    stars = [0.2 / slope for slope in slopes]
    mean = sum(stars) / 4
    half = float(student.ppf(0.975, 3)) * sqrt(sum((star - mean) ** 2 for star in stars) / 3) / 2
    row, claim = published(monkeypatch, Printed(0.15 * 255, 0.155 * 255, True), slopes)
    assert (row["value"], row["low"], row["high"]) == pytest.approx((mean, mean - half, mean + half))
    assert row["published"] == pytest.approx(0.15) and row["published_255"] == pytest.approx(0.15 * 255)
    assert claim.judgement.verdict == "reproduced" and claim.measured is not None
    assert claim.measured.value == pytest.approx(255 * mean) and claim.published == pytest.approx(0.15 * 255)
    for known, verdict in ((Printed(255, 255, True), "differs"), (Printed(255, 255, False), "cannot be told")):
        assert published(monkeypatch, known, slopes)[1].judgement.verdict == verdict
    for others in ([1.0], [1.0, 2.0]):  # no interval; one that holds 38 and much else
        claim = published(monkeypatch, Printed(38, 38, True), others)[1]
        assert claim.judgement.verdict == "cannot be told"


def test_bounds_have_no_mean() -> None:
    running, _ = results.eps_star(crossings(seeds({100: [1.0, 0.1]})), CE).to_dicts()
    assert (running["outcome"], running["at_least"], running["at_most"]) == ("mixed", 0.1, inf)
    assert running["value"] is None and running["eps_star_255"] == "between 25.5 and inf"


def test_ratios_are_paired_by_seed() -> None:
    rows = seeds({100: [1.0, 2.0, 1.5], 400: [2.0, 4.4, 3.0]})
    table = results.comparisons(crossings(rows))
    assert table is not None
    running, _ = table.to_dicts()
    logs = [log(1 / 2), log(1 / 2.2), log(1 / 2)]
    mean = sum(logs) / 3
    half = float(student.ppf(0.975, 2)) * sqrt(sum((value - mean) ** 2 for value in logs) / 2) / sqrt(3)
    assert (running["factor"], running["changed"], running["reference"]) == ("samples", "400", "100")
    limits = (exp(mean), exp(mean - half), exp(mean + half))
    assert (running["value"], running["low"], running["high"]) == pytest.approx(limits)
    assert (running["at"], running["n"], running["bounded"]) == ("mnist-cnn, bp", 3, 0)
    claim, _ = judged(rows)
    assert claim.claim == "with more training samples eps_star is smaller" and claim.source == "Sec. 5.3.2"
    assert claim.judgement.verdict == "reproduced"
    assert judged(seeds({100: [2.0, 4.4, 3.0], 400: [1.0, 2.0, 1.5]}))[0].judgement.verdict == "differs"
    assert results.comparisons(crossings(seeds({100: [1.0]}))) is None


def test_seeds_known_as_bounds_are_counter_evidence_and_not_dropped() -> None:
    """Two seeds of ratio 1/2 and two that do not cross at all: "smaller" is not reproduced from the former two."""
    rows = seeds({100: [1.0, 1.0, 1.0, 1.0], 400: [2.0, 2.1, 0.1, 0.1]})
    table = results.comparisons(crossings(rows))
    assert table is not None
    running = table.row(0, named=True)
    assert (running["value"], running["low"], running["high"]) == (None, 0, inf)
    assert (running["n"], running["bounded"]) == (4, 2)
    claim = judged(rows)[0].judgement
    assert claim.verdict == "cannot be told" and claim.note == "of 4 seeds 2 yes, 2 no, 0 undecided"


def test_bounds_decide_where_they_do_not_overlap_in_seeds_enough() -> None:
    away = judged(seeds({400: [0.1] * 6, 100: [1.0] * 6}))[0]  # above 0.4 against 0.2
    assert away.claim == "with fewer training samples eps_star is larger" and away.judgement.verdict == "differs"
    few = judged(seeds({400: [0.1] * 5, 100: [1.0] * 5}))[0]
    assert few.judgement.verdict == "cannot be told"
    none = judged(seeds({100: [1.0] * 6}) + seeds({400: [1.0] * 6}, diverged=True))[0]
    assert none.judgement.note == "of 6 seeds 0 yes, 0 no, 6 undecided"


def test_the_paper_says_something_of_widths_on_mnist_and_of_sample_sizes() -> None:
    rows = seeds({100: [1.0, 2.0, 1.5]}, model="mnist-cnn(width=16)")
    rows += seeds({100: [1.3, 2.7, 1.9]})
    for row in rows:
        row["attacked_train_loss"] = row["train_loss"]
    wider = [claim for claim in judged(rows, ON_MNIST) if claim.source == "Table 3"]
    assert {claim.claim for claim in wider} == {"the wider net has the larger eps_star"} and len(wider) == 2
    assert wider[0].judgement.verdict == "differs"
    assert [claim.claim for claim in judged(rows)] == []


def test_means_stand_once_for_clean_training() -> None:
    rows = [training(eps, 0.1 + eps, seed) for seed in (0, 1) for eps in (0, 0.1)]
    rows.append(training(0.1, 9.0, 2, diverged=True))
    clean, attacked = results.means(results.losses(pl.DataFrame(rows))).to_dicts()
    assert (clean["eps"], clean["n"], attacked["n"]) == (0, 2, 2)
    assert attacked["train_loss"] == pytest.approx(0.2) and attacked["watched_loss"] == pytest.approx(0.3)
    assert attacked["train_loss_low"] == pytest.approx(0.2) and attacked["clean_test_accuracy"] == pytest.approx(0.95)


def test_clean_training_is_drawn_for_each_rule_and_bounds_are_triangles() -> None:
    rows = seeds({100: [1.0, 2.0]})
    rows += [row | {"gradient": "linbp", "train_loss": 0.1 + 0.1 * row["eps"]} for row in rows if row["eps"]]
    losses = results.losses(pl.DataFrame(rows))
    stars = results.eps_star(results.crossings(losses, CE), CE)
    figure, _ = figures.losses(losses, stars, CE)
    curves = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 3]  # type: ignore[arg-type]
    assert len(curves) == 4 and all(line.get_xdata()[0] == 0 for line in curves)  # type: ignore[index]
    drawn = figures.eps_star(stars, CE)
    assert drawn is not None and any(line.get_marker() == ">" for line in drawn[0].axes[0].lines)
    assert figures.eps_star(stars.head(2), CE) is None
