"""From rows per training to crossings, eps_star, ratios and verdicts: by hand."""

from math import exp, inf, isnan, log, sqrt
from typing import Any

import pytest
from scipy.stats import t as student

from modules.phase_transition.epsilon_star import EpsilonStarConfig
from modules.phase_transition.epsilon_star_tables import comparisons, crossings, losses, means, over_kinds
from modules.phase_transition.published_losses import Printed, printed

PAPER = EpsilonStarConfig(
    dataset="cifar10",
    model=("preactresnet18",),
    train_limit=(50_000,),
    attack="pgd",
    attack_mode="train",
    select="test",
    watched=10_000,
    epochs=None,
    batch_size=None,
)


def training(eps: float, loss: float, seed: int = 0, **chosen: Any) -> dict[str, Any]:
    """The row of a training's selected epoch."""
    row = {
        "model": "mnist-cnn",
        "samples": 100,
        "gradient": "bp" if eps else "",
        "eps": eps,
        "seed": seed,
        "epoch": 3,
        "train_loss": loss,
        "train_accuracy": 0.9,
        "attacked_train_loss": loss + 0.01,
        "watched_loss": loss + 0.1,
        "watched_accuracy": 0.8,
        "clean_test_loss": 0.2,
        "clean_test_accuracy": 0.95,
        "clean_test_objective": 0.3,
        "selected": True,
        "diverged": False,
        **chosen,
    }
    return {"kind": "it", **row}


def test_the_selected_epoch_counts_and_kinds_have_names() -> None:
    rows = [training(0.1, 0.5), {**training(0.1, 0.4, gradient="linbp"), "selected": False}]
    (found,) = losses([{name: row[name] for name in row if name != "kind"} for row in rows])
    assert found["kind"] == "mnist-cnn, n = 100" and found["train_loss"] == 0.5
    (linear,) = losses([{**rows[1], "selected": True}])
    assert linear["kind"].startswith("it")  # the row's own columns come last
    (linear,) = losses([{name: value for name, value in {**rows[1], "selected": True}.items() if name != "kind"}])
    assert linear["kind"] == "mnist-cnn, n = 100, linbp"


def test_each_measure_crosses_its_own_threshold() -> None:
    rows = [training(0, 0.1), training(0.1, 0.2), training(0.2, 0.4)]
    running, attacked = crossings(rows, "trades")
    assert (running["measure"], running["threshold"]) == ("running", 0.3)
    assert running["eps_star"] == pytest.approx(0.15) and running["strengths"] == 3
    assert attacked["eps_star"] == pytest.approx(0.145)
    as_printed = list(crossings(rows, "mart"))[2]
    assert (as_printed["threshold"], as_printed["eps_star"]) == (0.2, pytest.approx(0.1))


def test_a_diverged_training_is_left_out_and_without_the_clean_one_there_is_no_threshold() -> None:
    rows = [training(0, 0.1), training(0.1, 0.2), training(0.15, 9.0, diverged=True), training(0.2, 0.4)]
    rows.append(training(0.3, 0.0, train_loss=None))
    running, _ = crossings(rows, "ce")
    assert running["eps_star"] == pytest.approx(0.15) and running["left_out"] == 2
    lost = [training(0, 0.1, diverged=True), *rows[1:]]
    running, _ = crossings(lost, "ce")
    assert running["outcome"] == "none" and running["threshold"] is None
    kinds = list(over_kinds(crossings(lost, "ce"), lambda *_: None))
    assert kinds[0]["outcome"] == "none" and kinds[0]["eps_star_255"] == "no training left" and kinds[0]["n"] == 0


def seeds(slopes: dict[int, list[float]]) -> list[dict[str, Any]]:
    """For each number of samples and seed losses that rise from 0.1 by the slope per unit of eps."""
    return [
        training(eps, 0.1 + slope * eps, seed, samples=samples)
        for samples, values in slopes.items()
        for seed, slope in enumerate(values)
        for eps in (0, 0.1, 0.4)
    ]


def test_over_seeds_there_is_an_interval_and_a_verdict() -> None:
    rows = list(crossings(seeds({100: [1.0, 2.0]}), "ce"))  # they cross at 0.2 and 0.1
    running, _ = over_kinds(rows, lambda *_: Printed(0.14 * 255, 0.15 * 255, True))
    half = float(student.ppf(0.975, 1)) * 0.05
    assert (running["eps_star"], running["low"], running["high"]) == pytest.approx((0.15, 0.15 - half, 0.15 + half))
    assert running["verdict"] == "reproduced" and running["published_255"] == pytest.approx(0.14 * 255)
    assert running["published"] == pytest.approx(0.14)
    for known, verdict in ((Printed(255, 255, True), "differs"), (Printed(255, 255, False), "cannot be told")):
        assert next(iter(over_kinds(rows, lambda *_, known=known: known)))["verdict"] == verdict
    one = list(crossings(seeds({100: [1.0]}), "ce"))
    assert next(iter(over_kinds(one, lambda *_: Printed(51, 51, True))))["verdict"] == "cannot be told"


def test_bounds_have_no_mean() -> None:
    rows = list(crossings(seeds({100: [1.0, 0.1]}), "ce"))
    running, _ = over_kinds(rows, lambda *_: None)
    assert (running["outcome"], running["at_least"], running["at_most"]) == ("mixed", 0.1, inf)
    assert isnan(running["eps_star"]) and running["eps_star_255"] == "between 25.5 and inf"


def test_ratios_are_paired_by_seed() -> None:
    rows = list(crossings(seeds({100: [1.0, 2.0, 1.5], 400: [2.0, 4.4, 3.0]}), "ce"))
    running, _ = comparisons(rows, "mnist")
    logs = [log(1 / 2), log(1 / 2.2), log(1 / 2)]
    mean = sum(logs) / 3
    half = float(student.ppf(0.975, 2)) * sqrt(sum((value - mean) ** 2 for value in logs) / 2) / sqrt(3)
    assert (running["factor"], running["value"], running["reference"]) == ("samples", "400", "100")
    assert (running["ratio"], running["low"], running["high"]) == pytest.approx(
        (exp(mean), exp(mean - half), exp(mean + half))
    )
    assert (running["direction"], running["published"], running["verdict"]) == ("smaller", "smaller", "reproduced")
    away = list(crossings(seeds({100: [1.0, 2.0, 1.5], 400: [2.0, 0.1, 3.0]}), "ce"))
    assert next(iter(comparisons(away, "mnist")))["n"] == 2  # one seed has a bound alone


def test_the_paper_says_something_of_widths_on_mnist_and_of_sample_sizes() -> None:
    rows = [
        row | {"model": model, "train_loss": row["train_loss"] * factor}
        for model, factor in (("mnist-cnn(width=16)", 1), ("mnist-cnn", 1.2))
        for row in seeds({100: [1.0, 2.0, 1.5]})
    ]
    for row in rows:
        row["attacked_train_loss"] = row["train_loss"]
    wider, _ = comparisons(list(crossings(rows, "ce")), "mnist")
    assert (wider["factor"], wider["direction"], wider["published"], wider["verdict"]) == (
        "model",
        "smaller",
        "larger",
        "differs",
    )
    assert next(iter(comparisons(list(crossings(rows, "ce")), "digits")))["verdict"] == ""


def test_means_stand_once_for_clean_training() -> None:
    rows = [training(eps, 0.1 + eps, seed) for seed in (0, 1) for eps in (0, 0.1)]
    rows.append(training(0.1, 9.0, 2, diverged=True))
    clean, attacked = means(rows)
    assert (clean["eps"], clean["n"], attacked["n"]) == (0, 2, 2)
    assert attacked["train_loss"] == pytest.approx(0.2) and attacked["watched_loss"] == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("changes", "kind", "expected"),
    [
        ({}, ("preactresnet18", 50_000, "bp"), (0.5, True)),
        ({}, ("preactresnet18", 10_000, "bp"), (3.3, True)),
        ({}, ("preactresnet18", 50_000, "linbp"), None),
        ({}, ("preactresnet18", 20_000, "bp"), None),
        ({}, ("wrn34(width=10)", 50_000, "bp"), (1.1, True)),
        ({"epochs": 20}, ("preactresnet18", 50_000, "bp"), (0.5, False)),
        ({"attack_mode": "eval"}, ("preactresnet18", 50_000, "bp"), (0.5, False)),
        ({"select": "validation"}, ("preactresnet18", 50_000, "bp"), (0.5, False)),
        ({"norm": "l2"}, ("preactresnet18", 50_000, "bp"), (24.8, False)),
        ({"loss": "trades"}, ("preactresnet18", 50_000, "bp"), (0.7, False)),
        ({"batch_size": 256}, ("preactresnet18", 50_000, "bp"), None),
        ({"attack": "fgm"}, ("preactresnet18", 50_000, "bp"), None),
        ({"attack": "pgd(steps=5)"}, ("preactresnet18", 50_000, "bp"), (0.5, False)),
        ({"attack": "pgd(reach=1.25)"}, ("preactresnet18", 50_000, "bp"), (0.5, False)),
        ({"learning_rate": 0.05}, ("preactresnet18", 50_000, "bp"), (0.5, False)),
        ({"learning_rate": 0.1}, ("preactresnet18", 50_000, "bp"), (0.5, True)),
        ({"dataset": "svhn"}, ("preactresnet18", 50_000, "bp"), (4.9, False)),
        ({"dataset": "svhn", "learning_rate": 0.01}, ("preactresnet18", 50_000, "bp"), (4.9, True)),
        ({"dataset": "mnist"}, ("mnist-cnn", 50_000, "bp"), (48.0, False)),
        ({"dataset": "mnist"}, ("mnist-cnn(width=16)", 50_000, "bp"), (26.1, False)),
    ],
)
def test_what_is_printed_is_found_by_its_settings(
    changes: dict[str, Any], kind: tuple[str, int, str], expected: tuple[float, bool] | None
) -> None:
    known = printed(EpsilonStarConfig(**{**PAPER.model_dump(), **changes}), *kind)
    assert (known and (known.eps_star, known.same_settings)) == expected
