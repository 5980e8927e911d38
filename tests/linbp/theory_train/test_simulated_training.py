"""The batched training against a plain loop over runs and steps, and against numbers measured by other code."""

from itertools import islice
from math import sqrt

import numpy as np
import pytest
import torch

from modules.linbp.simulation import LOSSES, read_steps, run_generator
from modules.linbp.theory_train import simulated_training
from modules.linbp.theory_train.config import TheoryTrainConfig

CPU = torch.device("cpu")
SMALL = {"n": 20, "d": 4, "steps": 40, "step_size": 0.01}


def fresh(c: TheoryTrainConfig, runs: range, steps: int) -> np.ndarray:
    """(R, steps, N, d): the samples that the runs meet."""
    students = simulated_training.draw(c, runs, CPU)
    return torch.stack([X for X, _ in islice(simulated_training.samples(c, runs, students), steps)], 1).numpy()


@pytest.mark.parametrize("samples", ["fresh", "fixed"])
@pytest.mark.parametrize("loss", ["mean", "sum"])
def test_it_is_the_plain_loop_over_runs_and_steps(samples: str, loss: str) -> None:
    c = TheoryTrainConfig.model_validate({**SMALL, "samples": samples, "loss": loss, "sigma1": 2, "seed": 5})
    runs = range(3, 6)
    columns = simulated_training.curves(c, runs, CPU)
    ours = {name: columns[name].reshape(-1, c.steps + 1) for name in ("bp", "linbp", *LOSSES)}
    seen = fresh(c, runs, c.steps + 1)
    for r, run in enumerate(runs):
        generator = run_generator(c.seed, run)
        w_star, start = 1 + 2 * generator.standard_normal(4), generator.standard_normal(4)
        if samples == "fixed":
            assert np.array_equal(seen[r, 7], generator.standard_normal((4, 20)).T)
        divisor = 20 if loss == "mean" else 1
        for rule in ("bp", "linbp"):
            w = start
            for step, X in enumerate(seen[r]):
                residual = np.maximum(X @ w, 0) - np.maximum(X @ w_star, 0)
                assert ours[rule][r, step] == pytest.approx(np.abs(w - w_star).sum(), rel=1e-9)
                assert ours[f"loss {rule}"][r, step] == pytest.approx((residual**2).sum() / 2 / divisor, rel=1e-9)
                D = np.diag((X @ w > 0).astype(float)) if rule == "bp" else np.eye(20)
                w = w - 0.01 * X.T @ D @ residual / divisor


def test_fresh_samples_are_gaussian_and_of_their_own() -> None:
    """Every run and step its own; moments of 2 * 40 * 80 numbers within 5 standard errors; the next seed another."""
    c = TheoryTrainConfig.model_validate(SMALL)
    X = fresh(c, range(2), 40)
    flat = X.ravel()
    for power, moment, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert (flat**power).mean() == pytest.approx(moment, abs=5 * sqrt(variance / len(flat)))
    assert len(np.unique(flat)) > 0.999 * len(flat)
    assert abs(np.corrcoef(X[0].ravel(), X[1].ravel())[0, 1]) < 5 / sqrt(X[0].size)
    assert abs(np.corrcoef(X[:, 0].ravel(), X[:, 1].ravel())[0, 1]) < 5 / sqrt(X[:, 0].size)
    assert not np.isin(fresh(c.model_copy(update={"seed": 1}), range(2), 2), X).any()
    fixed = fresh(c.model_copy(update={"samples": "fixed"}), range(2), 3)
    assert np.array_equal(fixed[:, 0], fixed[:, 2]) and not np.array_equal(fixed[0], fixed[1])


@pytest.mark.parametrize("protocol", ["paper", "code"])
def test_neither_chunks_nor_more_runs_nor_more_steps_change_a_run(protocol: str) -> None:
    c = TheoryTrainConfig.model_validate({**SMALL, "n": 7, "d": 3, "protocol": protocol})
    together = simulated_training.curves(c, range(6), CPU)
    parts = [simulated_training.curves(c, runs, CPU) for runs in (range(1), range(1, 3), range(3, 6))]
    for name, values in together.items():
        apart = np.concatenate([part[name] for part in parts])
        if name.startswith("expected"):  # angles differ in the last bit with their place in a vector register
            np.testing.assert_allclose(values, apart, rtol=1e-12)
        else:
            np.testing.assert_array_equal(values, apart)
    longer = simulated_training.curves(c.model_copy(update={"steps": 50}), range(6), CPU)
    first = longer["step"] <= 40
    assert np.array_equal(longer["loss linbp"][first], together["loss linbp"])


def test_many_samples_follow_the_expected_dynamics() -> None:
    """N = 4000, mean loss: each step is off by O(1 / sqrt(N))."""
    c = TheoryTrainConfig(n=4000, d=3, steps=60, step_size=0.05, repeats=4)
    columns = simulated_training.curves(c, range(4), CPU)
    for rule in ("bp", "linbp"):
        np.testing.assert_allclose(columns[rule], columns[f"expected {rule}"], rtol=0.06)


def test_the_protocols() -> None:
    paper, code = TheoryTrainConfig(protocol="paper"), TheoryTrainConfig()
    assert (paper.fresh, paper.divisor) == (False, 1)
    assert (code.protocol, code.fresh, code.divisor) == ("code", True, 100)
    mixed = TheoryTrainConfig(protocol="paper", samples="fresh", loss="mean")
    assert (mixed.fresh, mixed.divisor) == (True, 100)
    assert (paper.rates["N"], code.rates["N"]) == pytest.approx((0.05, 0.0005))


# Measured by other code, with other draws: mean l1 distance over 10 runs from a mean start of 28.2, BP then LinBP
OTHERS = {1000: (20.8, 17.1)}


def test_distances_agree_with_others() -> None:
    """By their share of the start's, in which runs differ less: at 4.5 standard errors of a ratio of means."""
    c = TheoryTrainConfig(steps=1000)
    columns = simulated_training.curves(c, range(40), CPU)
    steps = read_steps(c.steps)
    ours = {rule: columns[rule].reshape(-1, len(steps)) for rule in ("bp", "linbp")}
    for step, means in OTHERS.items():
        for rule, mean in zip(("bp", "linbp"), means, strict=True):
            far, start = ours[rule][:, steps.index(step)], ours[rule][:, 0]
            share = far.mean() / start.mean()
            error = (far - share * start).std(ddof=1) / start.mean() * sqrt(1 / 10 + 1 / 40)
            assert mean / 28.2 == pytest.approx(share, abs=4.5 * error + 0.004)


def test_summed_over_fixed_samples_both_are_done_early() -> None:
    """Others: mean l1 distance 0.003 at step 500; hence the default protocol for 10,000 steps."""
    c = TheoryTrainConfig(protocol="paper", steps=500)
    columns = simulated_training.curves(c, range(40), CPU)
    for rule in ("bp", "linbp"):
        last = columns[rule].reshape(-1, len(read_steps(500)))[:, -1]
        assert np.median(last) < 0.003 and last.mean() < 0.05
