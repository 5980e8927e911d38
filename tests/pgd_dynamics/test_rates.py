"""Fitted exponents on exact power laws, gaps, and Remark 3's condition on the schedule."""

import math
from typing import Any

import numpy as np
import pytest

from modules.pgd_dynamics import rates
from modules.pgd_dynamics.convergence_claims import claims

ETAS = (0.01, 0.005, 0.0025)


def trajectories(steps: float, distance: float, networks: int = 6, starts: int = 2) -> dict[str, Any]:
    """Power laws with the given exponents, a constant for each network."""
    index = np.array([(n, s, eta) for eta in ETAS for n in range(networks) for s in range(starts)])
    network, start, eta = index.T
    scale = 1 + network
    n = len(index)
    ones = np.ones(n)
    return {
        "network": network.astype(int), "start": start.astype(int), "eta": eta, "eta_factor": eta,
        "hit": scale * eta**-1.0, "near": scale * eta**steps, "settled": 2 * scale * eta**steps,
        "distance": scale * eta**distance, "end_distance": 0.1 * scale * eta**distance,
        "curvature": 1e-6 * ones, "slow": ones, "fast": 0.9 * ones, "contraction": 0.95 * ones,
        "minimum": ones.astype(bool), "definite": ones.astype(bool), "finite": ones.astype(bool),
        "interior_decrease": ones, "sphere_decrease": ones, "tangent_error": ones,
        "inward": 0 * ones, "near_maximum": 0 * ones, "left_minimum": 0 * ones,
    }  # fmt: skip


def schedules(exponents: dict[float, float], z: float = 30.0) -> dict[str, Any]:
    """D_s = (s + z)^p for each beta's p, for four networks with one start."""
    rows = [(b, n, s, (s + z) ** p) for b, p in exponents.items() for s in (1, 30, 100, 200, 300) for n in range(4)]
    beta, network, step, squared = (np.array(column) for column in zip(*rows, strict=True))
    return {
        "beta": beta, "network": network, "start": 0 * network, "step": step, "z": z + 0 * step,
        "squared_distance": squared, "predicted": np.log(squared),
    }  # fmt: skip


@pytest.mark.parametrize(("steps", "distance"), [(-1.2, 0.5), (-2.0, 0.4)])
def test_exponents_of_exact_power_laws(steps: float, distance: float) -> None:
    rows = {row["quantity"]: row for row in rates.over_eta(trajectories(steps, distance))}
    assert rows["steps to the sphere, in eta"]["exponent"] == pytest.approx(-1)
    assert rows["steps to |Gamma| < sqrt(eta), in eta"]["exponent"] == pytest.approx(steps)
    output = rows["distance of the output, in eta"]
    assert (output["exponent"], output["expected"]) == (pytest.approx(distance), pytest.approx(0.5))
    assert {row["n"] for row in rows.values()} == {6}


def test_schedules_give_their_exponent_per_beta() -> None:
    rows = list(rates.over_schedule(schedules({1: -4.0, 8: -0.5})))
    assert [row["exponent"] for row in rows] == [pytest.approx(-4), pytest.approx(-0.5)]
    assert [row["expected"] for row in rows] == [pytest.approx(-4), pytest.approx(-0.5)]
    steps = list(rates.by_step(schedules({1: -4.0})))
    assert steps[0]["median"] == 1
    assert steps[-1]["time"] == 11


def test_networks_with_a_trajectory_that_never_arrived_are_left_out_of_the_fit() -> None:
    columns = trajectories(-1.2, 0.5)
    columns["near"][0] = -1
    columns["distance"] = [None, *columns["distance"][1:]]
    near, distance = list(rates.over_eta(columns))[1:]
    assert near["n"] == distance["n"] == 5
    assert near["exponent"] == pytest.approx(-1.2)
    assert sum(row["never"] for row in rates.by_eta(columns)) == 2


def test_nothing_to_fit_is_no_number() -> None:
    columns = trajectories(-1.2, 0.5)
    columns["near"][:] = -1
    near = list(rates.over_eta(columns))[1]
    assert near["n"] == 0
    assert math.isnan(near["exponent"])
    one = {name: values[columns["eta"] == ETAS[0]] for name, values in trajectories(-1.2, 0.5).items()}
    assert {row["n"] for row in rates.over_eta(one)} == {0}


@pytest.mark.parametrize(
    ("steps", "distance", "verdicts"),
    [
        (-1.2, 0.5, ["reproduced; the bound is loose", "reproduced"]),
        (-2.5, 0.3, ["differs", "differs"]),
        (-2.0, 0.9, ["reproduced", "reproduced; the bound is loose"]),
    ],
)
def test_verdicts_follow_the_side_of_the_bound(steps: float, distance: float, verdicts: list[str]) -> None:
    columns = trajectories(steps, distance)
    noise = 1e-6 * np.sin(np.arange(len(columns["near"])))
    columns["near"], columns["distance"] = columns["near"] * (1 + noise), columns["distance"] * (1 + noise)
    fitted = [*rates.over_eta(columns), *rates.over_schedule(schedules({4: -1.1, 8: -0.5}))]
    networks = {"network": np.repeat(range(6), 3), "eta_factor": np.tile(ETAS, 6), "eq_6": np.ones(18, dtype=bool)}
    told = {row["claim"]: row["verdict"] for row in claims(columns, networks, fitted)}
    bounds = [verdict for claim, verdict in told.items() if "O((eta)" in claim]
    assert bounds == verdicts
    assert told["D_s beta = 4 kappa <= O((s + z)^-1)"].startswith("reproduced")
    assert told["D_s beta = 8 kappa <= O((s + z)^-1)"].startswith("outside")
    assert told["never near a maximum, where Eq. 6 fails"] == "cannot be told"
    assert told["never near a maximum, where Eq. 6 holds"] == "reproduced"


def test_remark_3s_schedule_meets_the_corollarys_condition() -> None:
    """Eq. 3 for eta_s = 2 / (beta (s + z)): eta_s prod_{i<=k} (1 - beta eta_{s+i} / 2) <= eta_{s+k+1}."""
    beta, z = 3.0, 2
    eta = 2 / (beta * (np.arange(400) + z))
    for s in range(0, 100, 7):
        product = np.cumprod(1 - beta * eta[s:-1] / 2)
        assert (eta[s] * product <= eta[s + 1 :] * (1 + 1e-12)).all()
