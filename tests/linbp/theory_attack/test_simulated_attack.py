"""The batched attack against a plain loop over runs and steps, and against numbers measured by other code."""

from math import sqrt
from typing import Any

import numpy as np
import pytest
import torch

from modules.linbp.simulated_runs import FAR
from modules.linbp.simulation import DISTANCES, run_generator
from modules.linbp.theory_attack import simulated_attack
from modules.linbp.theory_attack.config import TheoryAttackConfig

CPU = torch.device("cpu")
RAW_CODE = {"modes": "raw", "protocol": "code"}


def curves(columns: dict[str, Any], steps: int, mode: str = "raw") -> dict[str, np.ndarray]:
    """The distances under one mode, (runs, steps + 1) by name."""
    chosen = np.array(columns["mode"]) == mode
    return {name: columns[name][chosen].reshape(-1, steps + 1) for name in DISTANCES}


def plain(c: TheoryAttackConfig, run: int, mode: str, linear: bool, divisor: float) -> list[float]:
    """One run, mode and rule in NumPy, as Eq. 9-15 read: distances at steps 0..T."""
    generator = run_generator(c.seed, run)
    W, V = generator.standard_normal((c.d2, c.d1)), generator.standard_normal((c.d3, c.d2))
    x_star, start = c.mu + c.sigma1 * generator.standard_normal(c.d1), c.sigma2 * generator.standard_normal(c.d1)
    x, far = start, [np.abs(start - x_star).sum()]
    for _ in range(c.steps):
        D, D_star = np.diag((W @ x > 0).astype(float)), np.diag((W @ x_star > 0).astype(float))
        g = W.T @ (np.eye(c.d2) if linear else D) @ V.T @ V @ (D @ W @ x - D_star @ W @ x_star) / divisor
        if mode == "l2":
            g = g / np.linalg.norm(g)
        elif mode == "sign":
            g = np.sign(g)
        x = x - {"raw": c.step_size_raw, "l2": c.step_size_l2, "sign": c.step_size_sign}[mode] * g
        if c.clip:
            x = np.clip(x, start - c.eps, start + c.eps)
        far.append(np.abs(x - x_star).sum())
    return far


@pytest.mark.parametrize(
    "options",
    [{}, {"protocol": "code"}, {"clip": False}, {"modes": "sign,raw", "mu": -0.5, "d3": 1, "seed": 3}],
    ids=str,
)
def test_it_is_the_plain_loop_over_runs_and_steps(options: dict[str, Any]) -> None:
    c = TheoryAttackConfig.model_validate({"d1": 12, "d2": 7, "d3": 3, "steps": 15, "step_size_raw": 0.01, **options})
    columns = simulated_attack.distances(c, range(2, 6), CPU)
    divisor = c.d1 if c.protocol == "code" else 1
    for mode in c.modes:
        for linear, rule in ((False, "bp"), (True, "linbp")):
            ours = curves(columns, c.steps, mode)[rule]
            expected = [plain(c, run, mode, linear, divisor) for run in range(2, 6)]
            np.testing.assert_allclose(ours, expected, rtol=1e-9)
    assert columns["run"][0] == 2 and list(columns["step"][:16]) == list(range(16))


def test_expected_dynamics_have_a_closed_form_without_clip() -> None:
    """LinBP's: x* - x^(t) = (1 - eta d2 d3 / 2)^t (x* - x0); sign steps go straight until they pass x*."""
    c = TheoryAttackConfig(modes=("raw", "sign"), d1=12, d2=6, d3=4, steps=9, step_size_raw=0.01, clip=False)
    columns = simulated_attack.distances(c, range(5), CPU)
    raw = curves(columns, 9)
    shrinking = (1 - 0.01 * 6 * 4 / 2) ** np.arange(10)
    np.testing.assert_allclose(raw["expected linbp"], raw["linbp"][:, :1] * shrinking, rtol=1e-12)
    assert (raw["expected bp"][:, 1:] > raw["expected linbp"][:, 1:]).all()


@pytest.mark.parametrize("options", [{}, {"clip": False}, RAW_CODE], ids=str)
def test_neither_chunks_nor_more_runs_nor_more_steps_change_a_run(options: dict[str, Any]) -> None:
    c = TheoryAttackConfig.model_validate({"steps": 8, **options})
    together = simulated_attack.distances(c, range(7), CPU)
    parts = [simulated_attack.distances(c, runs, CPU) for runs in (range(1), range(1, 4), range(4, 7))]
    for name, values in together.items():
        apart = np.concatenate([part[name] for part in parts])
        if name.startswith("expected"):  # angles differ in the last bit with their place in a vector register
            np.testing.assert_allclose(values, apart, rtol=1e-12)
        else:
            np.testing.assert_array_equal(values, apart)
    longer = simulated_attack.distances(c.model_copy(update={"steps": 11}), range(7), CPU)
    first = longer["step"] <= 8
    assert np.array_equal(longer["linbp"][first], together["linbp"])


def test_the_seed_changes_every_run_and_the_options_change_no_network() -> None:
    draw = simulated_attack.draw
    one, other = (draw(TheoryAttackConfig(seed=seed), range(3), CPU) for seed in (0, 1))
    assert not (one.W == other.W).any() and not (one.start == other.start).any()
    shifted = draw(TheoryAttackConfig(mu=5.0, sigma1=0.5, sigma2=4.0), range(3), CPU)
    assert torch.equal(shifted.W, one.W) and torch.equal(shifted.V, one.V)
    torch.testing.assert_close((shifted.x_star - 5) / 0.5, (one.x_star - 1) / 2)
    torch.testing.assert_close(shifted.start, 4 * one.start)


# Measured by other code, with other draws: change of the mean l1 distance since the start over 10 runs, BP then LinBP
OTHERS = {
    ("raw", "code"): {10: (195.33, 194.31), 20: (195.04, 193.82), 50: (195.07, 193.56), 100: (195.08, 193.45)},
    ("raw", "paper"): {10: (195.34, 193.48), 20: (195.29, 193.50), 50: (195.14, 193.58), 100: (195.02, 193.63)},
    ("l2", "paper"): {10: (195.49, 195.17), 20: (195.16, 194.50), 50: (195.14, 193.59), 100: (195.27, 193.50)},
    ("sign", "paper"): {10: (195.71, 195.35), 20: (195.61, 194.85), 50: (195.41, 193.69), 100: (195.22, 193.60)},
}
START, RUNS = 195.9, 10
AHEAD = {("raw", "code"): (0.89, 0.73), ("raw", "paper"): (0.70, 0.66), ("l2", "paper"): (0.79, 0.71)}
AHEAD |= {("sign", "paper"): (0.67, 0.68)}
AHEAD_RUNS = 300


@pytest.fixture(scope="module")
def measured() -> dict[tuple[str, str], dict[str, np.ndarray]]:
    found = {}
    for protocol, modes in (("paper", ("raw", "l2", "sign")), ("code", ("raw",))):
        c = TheoryAttackConfig(protocol=protocol, modes=modes)
        columns = simulated_attack.distances(c, range(160), CPU)
        for mode in modes:
            found[mode, protocol] = curves(columns, 100, mode)
    return found


@pytest.mark.parametrize("case", OTHERS, ids=str)
def test_distances_agree_with_others(measured: Any, case: tuple[str, str]) -> None:
    """32 comparisons at 4.5 standard errors of both samples: a chance of one in 4,000 to fail."""
    for step, means in OTHERS[case].items():
        for rule, mean in zip(("bp", "linbp"), means, strict=True):
            change = measured[case][rule][:, step] - measured[case][rule][:, 0]
            error = change.std(ddof=1) * sqrt(1 / RUNS + 1 / len(change))
            assert mean - START == pytest.approx(change.mean(), abs=4.5 * error + 0.055)  # two decimals and one


@pytest.mark.parametrize("case", AHEAD, ids=str)
def test_shares_ahead_agree_with_others(measured: Any, case: tuple[str, str]) -> None:
    for step, share in zip((10, 100), AHEAD[case], strict=True):
        ours = (measured[case]["linbp"][:, step] <= measured[case]["bp"][:, step]).mean()
        error = sqrt(share * (1 - share) * (1 / AHEAD_RUNS + 1 / 160))
        assert ours == pytest.approx(share, abs=4 * error + 0.005)


def test_without_clip_raw_linbp_diverges_in_some_runs_and_bp_in_none() -> None:
    """Others: 11 of 100 runs, none with the code's divisor."""
    c = TheoryAttackConfig(modes=("raw",), clip=False)
    lost = {
        protocol: {rule: ~(far[rule] <= FAR * far[rule][:, :1])[:, -1] for rule in ("bp", "linbp")}
        for protocol in ("paper", "code")
        for options in [c.model_copy(update={"protocol": protocol})]
        for far in [curves(simulated_attack.distances(options, range(160), CPU), 100)]
    }
    share = lost["paper"]["linbp"].mean()
    assert share == pytest.approx(0.11, abs=4 * sqrt(0.11 * 0.89 * (1 / 100 + 1 / 160)))
    assert not lost["paper"]["bp"].any() and not lost["code"]["linbp"].any()


def test_first_gradients() -> None:
    """Others: mean cosine 0.137 and 0.201, LinBP's larger in 80 %, mean lengths 7.5e3 and 11.0e3."""
    columns = simulated_attack.first_gradients(TheoryAttackConfig(), range(400), CPU)
    for rule, cosine, length in (("bp", 0.137, 7.5e3), ("linbp", 0.201, 11.0e3)):
        values = columns[f"{rule} cosine"]
        assert values.mean() == pytest.approx(cosine, abs=5 * values.std() / sqrt(len(values) / 2))
        values = columns[f"{rule} length"]
        assert values.mean() == pytest.approx(length, abs=5 * values.std() / sqrt(len(values) / 2) + 50)
    ahead = (columns["linbp cosine"] > columns["bp cosine"]).mean()
    assert ahead == pytest.approx(0.8, abs=4 * sqrt(0.16 * 2 / 400))
