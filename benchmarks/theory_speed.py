"""The simulated studies per run computed: a plain NumPy loop over 10 runs and their steps, against our batched tensors.

Both draw networks, starts and samples, follow BP and LinBP and read the l1 distances (training: and losses) at the same
steps, in float64. Where the draws are the same, the table says by how much the results differ at most. Fresh samples
are the limit of training: drawing them is a third of the NumPy loop and two thirds of ours. CPU time of one thread,
medians of interleaved repeats; other work on the machine takes the caches from large batches, so run it alone.

    python benchmarks/theory_speed.py [--repeats 3] [--steps 1000]
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from timing import write

from modules.linbp import theory
from modules.linbp.simulation import l1_distance, read_steps, run_chunks, run_generator
from modules.linbp.theory_attack import simulated_attack
from modules.linbp.theory_attack.config import TheoryAttackConfig
from modules.linbp.theory_train import simulated_training
from modules.linbp.theory_train.config import TheoryTrainConfig

PEER_RUNS, OUR_RUNS = 10, (10, 100, 1000)
CPU = torch.device("cpu")


def numpy_attack(c: TheoryAttackConfig, runs: Sequence[int]) -> np.ndarray:
    """(runs, steps + 1, rules, modes): l1 distances, one run, mode, rule and step after another."""
    far = np.empty((len(runs), c.steps + 1, 2, len(c.modes)))
    for r, run in enumerate(runs):
        generator = run_generator(c.seed, run)
        W, V = generator.standard_normal((c.d2, c.d1)), generator.standard_normal((c.d3, c.d2))
        x_star = c.mu + c.sigma1 * generator.standard_normal(c.d1)
        start = c.sigma2 * generator.standard_normal(c.d1)
        target = V @ np.maximum(W @ x_star, 0)
        low, high = start - c.eps, start + c.eps
        for k, mode in enumerate(c.modes):
            length = c.step_of(mode)
            for linear in (0, 1):
                x = start
                far[r, 0, linear, k] = np.abs(x - x_star).sum()
                for step in range(1, c.steps + 1):
                    z = W @ x
                    signal = V.T @ (V @ np.maximum(z, 0) - target)
                    g = W.T @ (signal if linear else signal * (z > 0))
                    if mode == "l2":
                        g = g / np.sqrt(g @ g)
                    elif mode == "sign":
                        g = np.sign(g)
                    x = np.minimum(np.maximum(x - length * g, low), high)
                    far[r, step, linear, k] = np.abs(x - x_star).sum()
    return far


def our_attack(c: TheoryAttackConfig, runs: int) -> np.ndarray:
    parts = []
    for chunk in run_chunks(runs, c.size):
        teachers = simulated_attack.draw(c, chunk, CPU)
        x_star = teachers.x_star[:, None]
        far = [l1_distance(x, x_star) for x in simulated_attack.simulated(c, teachers)]
        parts.append(torch.stack(far, 1))
    return torch.cat(parts).numpy()


def numpy_training(c: TheoryTrainConfig, runs: Sequence[int]) -> np.ndarray:
    """(runs, readings, 4): l1 distance and loss of BP, then of LinBP, one run and step after another."""
    steps = set(read_steps(c.steps))
    out = []
    for run in runs:
        generator = run_generator(c.seed, run)
        w_star = c.mu + c.sigma1 * generator.standard_normal(c.d)
        bp = linbp = c.sigma2 * generator.standard_normal(c.d)
        X = generator.standard_normal((c.d, c.n)).T
        answers = np.maximum(X @ w_star, 0)
        rate = c.step_size / c.divisor
        for step in range(c.steps + 1):
            if c.fresh:
                X = generator.standard_normal((c.n, c.d))
                answers = np.maximum(X @ w_star, 0)
            z = X @ bp
            of_bp, of_linbp = np.maximum(z, 0) - answers, np.maximum(X @ linbp, 0) - answers
            if step in steps:
                far = [np.abs(w - w_star).sum() for w in (bp, linbp)]
                out.append([far[0], of_bp @ of_bp / 2 / c.divisor, far[1], of_linbp @ of_linbp / 2 / c.divisor])
            bp, linbp = bp - rate * ((of_bp * (z > 0)) @ X), linbp - rate * (of_linbp @ X)
    return np.array(out).reshape(len(runs), -1, 4)


def our_training(c: TheoryTrainConfig, runs: int) -> np.ndarray:
    steps, parts = set(read_steps(c.steps)), []
    for chunk in run_chunks(runs, c.size):
        students, out = simulated_training.draw(c, chunk, CPU), []
        states = simulated_training.simulated(c, chunk, students)
        for step, (w, X, answers) in zip(range(c.steps + 1), states, strict=False):
            if step in steps:
                loss = theory.training_loss(X, w, answers) / c.divisor
                out.append(torch.stack([l1_distance(w, students.w_star), loss], -1).flatten(1))
        parts.append(torch.stack(out, 1))
    return torch.cat(parts).numpy()


def compare(name: str, peer: Callable[[], np.ndarray], ours: Callable[[int], np.ndarray], repeats: int) -> None:
    """Prints one row: milliseconds per run of either, our ratio, and the largest difference in the first runs."""
    seconds: dict[int, list[float]] = {0: []} | {runs: [] for runs in OUR_RUNS}
    for _ in range(repeats):
        for runs, times in seconds.items():
            begin = time.process_time()
            result = ours(runs) if runs else peer()
            times.append((time.process_time() - begin) / (runs or PEER_RUNS))
            if not runs:
                expected = result
        difference = np.abs(result[:PEER_RUNS] - expected).max() / np.abs(expected).max()
    each = {runs: 1e3 * statistics.median(times) for runs, times in seconds.items()}
    cells = " | ".join(f"{each[runs]:.2f} ({each[0] / each[runs]:.1f}x)" for runs in OUR_RUNS)
    same = "other draws" if "fresh" in name else f"{difference:.0e}"
    write(f"| {name} | {each[0]:.2f} | {cells} | {same} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--steps", type=int, default=1000, help="of training; the attack has the paper's 100")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    write(f"numpy {np.__version__}, torch {torch.__version__}, 1 thread; milliseconds per run")
    write(
        f"| study | NumPy loop, {PEER_RUNS} runs | " + " | ".join(f"ours, {n} runs" for n in OUR_RUNS) + " | differ |"
    )
    write("|---|---|---|---|---|---|")
    peers = range(PEER_RUNS)
    attack = TheoryAttackConfig()
    compare("attack, 3 modes", lambda: numpy_attack(attack, peers), lambda n: our_attack(attack, n), arguments.repeats)
    for samples, loss in (("fixed", "sum"), ("fixed", "mean"), ("fresh", "mean")):
        c = TheoryTrainConfig(samples=samples, loss=loss, steps=arguments.steps)
        compare(
            f"training, {samples} samples, {loss}",
            lambda c=c: numpy_training(c, peers),
            lambda n, c=c: our_training(c, n),
            arguments.repeats,
        )


if __name__ == "__main__":
    main()
