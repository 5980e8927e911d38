"""Is the loss linear in eps, and eps_star the same by either measure? By hand."""

from typing import Any

import polars as pl
import pytest

from modules.phase_transition.epsilon_star.premises import linear, same_by_either_measure
from modules.phase_transition.epsilon_star.published import ROWS


def losses(power: float, seeds: int = 4, **chosen: Any) -> pl.DataFrame:
    """Losses that rise from 0.1 like eps^power, in each seed."""
    rows = [
        {"kind": "net, n = 100", "model": "net", "samples": 100, "gradient": "bp", "eps": eps, "seed": seed,
         "train_loss": 0.1 + (1 + seed) * eps**power, "diverged": False} | chosen
        for seed in range(seeds)
        for eps in (0.0, 0.1, 0.2, 0.4)
    ]  # fmt: skip
    return pl.DataFrame(rows)


@pytest.mark.parametrize(("power", "verdict"), [(1.0, "reproduced"), (0.9, "reproduced"), (2.0, "differs")])
def test_the_power_of_eps_in_the_loss(power: float, verdict: str) -> None:
    (claim,) = linear(losses(power))
    assert claim.judgement.verdict == verdict and claim.measured is not None
    assert claim.measured.value == pytest.approx(power) and claim.measured.n == 4


def test_a_seed_whose_loss_does_not_rise_could_turn_the_answer() -> None:
    rows = losses(1.0).with_columns(
        train_loss=pl.when((pl.col("seed") == 3) & (pl.col("eps") > 0)).then(0.05).otherwise("train_loss")
    )
    (claim,) = linear(rows)
    assert claim.judgement.verdict == "cannot be told" and claim.measured is not None and claim.measured.n == 3


def test_one_strength_has_no_power() -> None:
    assert list(linear(losses(1.0).filter(pl.col("eps") <= 0.1))) == []


def crossings(*ratios: float | None) -> pl.DataFrame:
    """For each seed eps_star 0.1 by the running loss, and this many times as much by the attacked one, or none."""
    rows = [
        {"kind": "net, n = 100", "model": "net", "samples": 100, "gradient": "bp", "seed": seed, "measure": measure,
         "eps_star": value, "outcome": "bracketed" if value else "above"}
        for seed, ratio in enumerate(ratios)
        for measure, value in (("running", 0.1), ("attacked", ratio and 0.1 * ratio))
    ]  # fmt: skip
    return pl.DataFrame(rows, schema_overrides={"eps_star": pl.Float64})


@pytest.mark.parametrize(
    ("ratios", "verdict"),
    [((1.0, 1.05, 1.1, 0.98), "reproduced"), ((1.6, 1.5, 1.7, 1.6), "differs"), ((1.0, 2.0), "cannot be told"),
     ((1.0, 1.05, 1.1, None), "cannot be told")],
)  # fmt: skip
def test_the_attacked_loss_over_the_running_one(ratios: tuple[float | None, ...], verdict: str) -> None:
    (claim,) = same_by_either_measure(crossings(*ratios))
    assert claim.judgement.verdict == verdict
    assert claim.setting == "net, n = 100, attacked over running"


@pytest.mark.parametrize(("dataset", "samples", "power"), [("cifar10", 50_000, 0.856), ("svhn", 50_000, 4.75)])
def test_the_printed_losses_are_nearly_linear_on_cifar_10_and_not_on_svhn(
    dataset: str, samples: int, power: float
) -> None:
    row = next(row for row in ROWS if (row.dataset, row.samples, row.norm) == (dataset, samples, "linf"))
    printed = pl.DataFrame({"eps": [float(eps) for eps in row.eps], "train_loss": row.losses})
    (claim,) = linear(losses(1.0, seeds=1).head(1).drop("eps", "train_loss").join(printed, how="cross"))
    assert claim.measured is not None and claim.measured.value == pytest.approx(power, abs=0.01)
