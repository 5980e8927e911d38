"""Exponents of exact power laws, trajectories that are lost, and claims whose answers are known."""

import math
from typing import Any

import numpy as np
import polars as pl
import pytest

from modules.pgd_dynamics.convergence import figures, results
from modules.pgd_dynamics.convergence.config import ConvergenceConfig
from modules.pgd_dynamics.convergence.rates import bounded_in_eta
from suite.claims import Claim
from suite.statistics import Estimate

ETAS = (0.01, 0.005, 0.0025)
NEVER = -1


def trajectories(steps: float, distance: float, networks: int = 60, starts: int = 2) -> pl.DataFrame:
    """Power laws with the given exponents, a constant for each network and a little noise."""
    index = np.array([(n, s, eta) for eta in ETAS for n in range(networks) for s in range(starts)])
    network, start, eta = index.T
    scale = (1 + network) * (1 + 1e-6 * np.sin(np.arange(len(index))))
    return pl.DataFrame({
        "network": network.astype(int), "start": start.astype(int), "eta": eta, "eta_factor": eta,
        "hit": scale * eta**-1.0, "near": scale * eta**steps, "settled": 2 * scale * eta**steps,
        "steps": 2 * eta**-2.0, "distance": scale * eta**distance, "end_distance": 0.1 * scale * eta**distance,
    }).with_columns(
        curvature=1e-6, slow=1.0, fast=0.9, contraction=0.95, minimum=True, definite=True, finite=True,
        interior_decrease=1.0, sphere_decrease=1.0, tangent_error=1.0, inward=0, near_maximum=0, left_minimum=0,
    )  # fmt: skip


def schedules(exponents: dict[float, float], z: float = 30.0, networks: int = 6) -> pl.DataFrame:
    """D_s = (s + z)^p for each beta's p, a little different by network, with one start."""
    rows = [
        (float(b), n, s, (s + z) ** (p * (1 + 1e-4 * n)))
        for b, p in exponents.items()
        for s in (1, 30, 100, 200, 300)
        for n in range(networks)
    ]
    frame = pl.DataFrame(rows, schema=["beta", "network", "step", "squared_distance"], orient="row")
    return frame.with_columns(start=0, z=z, predicted=pl.col("squared_distance").log())


def networks_of(t: pl.DataFrame) -> pl.DataFrame:
    return t.select("network", "eta_factor").unique(maintain_order=True).with_columns(eq_6=True)


def judged(t: pl.DataFrame, s: pl.DataFrame | None = None, **options: Any) -> dict[str, Claim]:
    rates = results.rates(t, schedules({4: -1.1}) if s is None else s)
    config = (
        ConvergenceConfig(etas=(1, 0.5, 0.25), **options) if "etas" not in options else ConvergenceConfig(**options)
    )
    return {f"{c.claim} {c.setting}".strip(): c for c in results.claims(t, networks_of(t), rates, config)}


def of(t: pl.DataFrame) -> dict[str, dict[str, Any]]:
    return {row["quantity"]: row for row in results.rates(t, schedules({4: -1.1})).iter_rows(named=True)}


def spoilt(t: pl.DataFrame, **values: Any) -> pl.DataFrame:
    """With other values in the first row, of network 0."""
    first = pl.int_range(pl.len()) == 0
    return t.with_columns(
        pl.when(first).then(pl.lit(v)).otherwise(pl.col(name)).alias(name) for name, v in values.items()
    )


@pytest.mark.parametrize(("steps", "distance"), [(-1.2, 0.5), (-2.0, 0.4)])
def test_exponents_of_exact_power_laws(steps: float, distance: float) -> None:
    rows = of(trajectories(steps, distance))
    assert rows["steps to the sphere, in eta"]["value"] == pytest.approx(-1)
    assert rows["steps to |Gamma| < sqrt(eta), in eta"]["value"] == pytest.approx(steps)
    output = rows["distance of the output, in eta"]
    assert (output["value"], output["expected"]) == (pytest.approx(distance), pytest.approx(0.5))
    assert {row["n"] for name, row in rows.items() if "D_s" not in name} == {60}
    assert {row["lost"] for row in rows.values()} == {0}


def test_the_stop_alone_gives_a_smaller_exponent_where_steps_are_long() -> None:
    coarse = trajectories(-1.2, 0.4).with_columns(slow=1 - 30 * pl.col("eta"))
    output = of(coarse)["distance of the output, in eta"]
    eta = np.array(ETAS)
    assert output["expected"] == pytest.approx(np.polyfit(np.log(eta), np.log(eta * (1 - 30 * eta)) / 2, 1)[0])


def test_schedules_give_their_exponent_per_beta() -> None:
    made = schedules({1: -4.0, 8: -0.5})
    rows = results.rates(trajectories(-1.2, 0.5), made).drop_nulls("beta")
    assert rows["quantity"].to_list() == ["D_s in s + z, beta = 1 kappa", "D_s in s + z, beta = 8 kappa"]
    assert rows["value"].to_list() == pytest.approx([-4, -0.5], rel=1e-3)
    assert rows["expected"].to_list() == pytest.approx([-4, -0.5], rel=1e-3)
    steps = results.by_step(schedules({1: -4.0})).rows(named=True)
    assert steps[0]["median"] == 1
    assert steps[-1]["time"] == 11


def test_schedules_are_fitted_where_they_are_more_than_rounding() -> None:
    deep = schedules({1: -4.0}).with_columns(
        squared_distance=pl.when((pl.col("network") == 0) & (pl.col("step") > 100))
        .then(0.0)
        .otherwise("squared_distance")
    )
    (row,) = results.rates(trajectories(-1.2, 0.5), deep).drop_nulls("beta").rows(named=True)
    assert (row["n"], row["lost"]) == (5, 1)


def test_networks_with_a_trajectory_that_never_arrived_are_left_out_of_the_fit_and_counted() -> None:
    t = spoilt(trajectories(-1.2, 0.5), near=float(NEVER), distance=math.nan)
    rows = of(t)
    near, distance = (rows[f"{name}, in eta"] for name in (results.NEAR, results.DISTANCE))
    assert near["n"] == distance["n"] == 59
    assert near["lost"] == distance["lost"] == 1
    assert near["value"] == pytest.approx(-1.2)
    assert results.by_eta(t)["never"].sum() == 2
    claims = judged(t)
    assert claims["steps to |Gamma| < sqrt(eta) <= O(eta^-2)"].judgement.verdict == "cannot be told"
    assert claims["the output is on the sphere with |Gamma| < sqrt(eta)"].judgement.verdict == "differs"
    assert "1 lost" in claims["beside the output is a strict local minimum of L"].judgement.note


def test_a_trajectory_that_was_given_up_before_the_theorems_steps_refutes_nothing() -> None:
    """At eta = .01 the theorem allows of the order of 10,000 steps."""
    late = spoilt(trajectories(-1.2, 0.5), near=float(NEVER), settled=float(NEVER), steps=9_000.0)
    claims = judged(late)
    for name in (
        "the output is on the sphere with |Gamma| < sqrt(eta)",
        "no floor at sqrt(eta): constant eta goes on towards it",
    ):
        assert claims[name].judgement.verdict == "cannot be told" and "1 lost" in claims[name].judgement.note


def test_a_floor_that_none_gets_below_differs() -> None:
    floor = trajectories(-1.2, 0.5).with_columns(settled=float(NEVER), end_distance=pl.col("distance"))
    claim = judged(floor)["no floor at sqrt(eta): constant eta goes on towards it"]
    assert claim.judgement.verdict == "differs"


def test_nothing_to_fit_is_no_number() -> None:
    t = trajectories(-1.2, 0.5).with_columns(near=float(NEVER))
    near = of(t)["steps to |Gamma| < sqrt(eta), in eta"]
    assert (near["n"], near["value"], near["lost"]) == (0, None, 60)
    one = trajectories(-1.2, 0.5).filter(eta=ETAS[0])
    assert {row["n"] for name, row in of(one).items() if "D_s" not in name} == {0}
    config, rates = ConvergenceConfig(), results.rates(t, schedules({1: -4.0}).with_columns(squared_distance=math.nan))
    assert rates["value"].drop_nulls().len() == 1
    figures.rates_in_eta(results.by_eta(t), rates, config)
    figures.schedule(results.by_step(schedules({1: -4.0}).with_columns(squared_distance=math.nan)), rates, config)


@pytest.mark.parametrize(
    ("steps", "distance", "verdicts"),
    [
        (-1.2, 0.6, ["reproduced", "reproduced"]),
        (-2.5, 0.3, ["differs", "differs"]),
        (-1.9, 0.9, ["reproduced", "reproduced"]),
    ],
)
def test_verdicts_follow_the_side_of_the_bound(steps: float, distance: float, verdicts: list[str]) -> None:
    claims = judged(trajectories(steps, distance), schedules({4: -1.1, 8: -0.5}))
    told = {name: claim.judgement.verdict for name, claim in claims.items()}
    assert [verdict for name, verdict in told.items() if "O(eta^" in name] == verdicts
    assert told["D_s <= O((s + z)^-1) beta = 4 kappa"] == "reproduced"
    assert "beta > 4 kappa" in claims["D_s <= O((s + z)^-1) beta = 8 kappa"].judgement.note
    assert told["never near a maximum where Eq. 6 fails"] == "cannot be told"
    assert told["never near a maximum where Eq. 6 holds"] == "reproduced"


@pytest.mark.parametrize(
    ("expected", "verdict"),
    [(0.482, "differs"), (0.32, "cannot be told"), (0.5, "differs"), (None, "differs")],
)
def test_an_exponent_below_the_bound_is_never_reproduced(expected: float | None, verdict: str) -> None:
    """.32 [.30, .34] against a bound of 1/2; it cannot be told where the range of eta alone gives as little."""
    assert bounded_in_eta(Estimate(0.32, 0.30, 0.34, 39, "networks"), 0.5, expected).verdict == verdict


def test_a_finite_range_of_eta_leaves_the_distance_open() -> None:
    exponent = Estimate(0.488, 0.481, 0.495, 39, "networks")
    judgement = bounded_in_eta(exponent, 0.5, 0.482)
    assert judgement.verdict == "cannot be told"
    assert "exponent 0.482" in judgement.note
    assert bounded_in_eta(Estimate(0.52, 0.51, 0.53, 39, "networks"), 0.5, 0.482).verdict == "reproduced"
    assert bounded_in_eta(Estimate(0.5, 0.3, 0.7, 39, "networks"), 0.5, 0.482).verdict == "cannot be told"


def test_few_networks_confirm_nothing_that_is_said_of_all() -> None:
    claims = judged(trajectories(-1.2, 0.6, networks=39, starts=16))
    arrived = claims["the output is on the sphere with |Gamma| < sqrt(eta)"]
    assert arrived.judgement.verdict == "cannot be told"
    assert "takes 59" in arrived.judgement.note
    assert arrived.measured is not None and arrived.measured.n == 39


def test_one_trajectory_refutes_what_is_said_of_all() -> None:
    lemmas = {
        "an interior step lowers L by at least c eta, c > 0": {"interior_decrease": -0.1},
        "an outward step is tangential up to c |eta dL|^2 / eps, c <= 4": {"tangent_error": 4.5},
        "Xi is definite at the minimum, normal direction included": {"definite": False},
        "never leaves a minimum's set where Eq. 6 holds": {"left_minimum": 1},
        "contraction per step is 1 - eta' kappa": {"contraction": 0.5},
    }
    for claim, values in lemmas.items():
        assert judged(trajectories(-1.2, 0.6))[claim].judgement.verdict == "reproduced"
        spoilt_one = judged(spoilt(trajectories(-1.2, 0.6), **values))[claim]
        assert spoilt_one.judgement.note == "1 of 60 networks violate it"
    smallest = judged(spoilt(trajectories(-1.2, 0.6), interior_decrease=0.25))
    measured = smallest["an interior step lowers L by at least c eta, c > 0"].measured
    assert measured is not None and measured.value == 0.25


def test_trajectories_without_interior_steps_have_no_least_decrease() -> None:
    t = trajectories(-1.2, 0.6).with_columns(interior_decrease=math.inf)
    claim = judged(t)["an interior step lowers L by at least c eta, c > 0"]
    assert claim.measured is not None and math.isnan(claim.measured.value)
    assert claim.judgement.verdict == "cannot be told"


def test_steps_beyond_the_theorem_s_size_are_none_of_its_conditions() -> None:
    claims = judged(trajectories(-1.2, 0.6), etas=(2, 1))
    assert "eta above eps^2" in claims["steps to |Gamma| < sqrt(eta) <= O(eta^-2)"].judgement.note


def test_of_linbp_only_where_it_ends_is_judged() -> None:
    assert {claim.source for claim in judged(trajectories(-1.2, 0.6), gradient="linbp").values()} == {
        "Sec. 2", "Theorem 3.1",
    }  # fmt: skip


def test_remark_3s_schedule_meets_the_corollarys_condition() -> None:
    """Eq. 3 for eta_s = 2 / (beta (s + z)): eta_s prod_{i<=k} (1 - beta eta_{s+i} / 2) <= eta_{s+k+1}."""
    beta, z = 3.0, 2
    eta = 2 / (beta * (np.arange(400) + z))
    for s in range(0, 100, 7):
        product = np.cumprod(1 - beta * eta[s:-1] / 2)
        assert (eta[s] * product <= eta[s + 1 :] * (1 + 1e-12)).all()
