"""Speed of the batched landscape computations against the loops that they replace, interleaved in one run.

    python benchmarks/pgd_dynamics_speed.py [--repeats 3] [--device cpu|cuda] [--skip-figure]

CPU: one thread, CPU time, float64. Rows: 1,000 projected ascents of 1,000 steps at d = 2, m = 1,000 against a loop over
trajectories with autograd (a sample of them, scaled up: each takes the same time); the Hessian in closed form against
torch.func.hessian at d = 100, m = 1,000; and the nine panels of figure 1. Peak memory is that of the whole process.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import torch
from timing import in_turns, write
from torch import Tensor
from torch.nn import functional as F

from modules.pgd_dynamics.ascent import ascend, uniform_in_ball
from modules.pgd_dynamics.draws import draw
from modules.pgd_dynamics.losses import QUADRATIC
from modules.pgd_dynamics.theory import Objective

TRAJECTORIES, STEPS, EPS, ETA = 1000, 1000, 0.5, 0.01
SAMPLE = 3  # trajectories that the loop really runs


def autograd_loop(landscape: Objective, start: Tensor) -> Tensor:
    """Projected ascent as one writes it by hand, one trajectory after another, for the first SAMPLE of them."""
    W, a, x, y = landscape.net.W[0], landscape.net.a[0], landscape.x[0, 0], landscape.y[0, 0]
    ends = []
    for begun in start[0, :SAMPLE]:
        delta = begun.clone()
        for _ in range(STEPS):
            delta.requires_grad_()
            loss = (y - (a * F.softplus(W @ (x + delta), threshold=40)).sum()) ** 2
            (gradient,) = torch.autograd.grad(loss, delta)
            delta = (delta + ETA * gradient).detach()
            length = delta.norm()
            if length > EPS:
                delta = delta * (EPS / length)
        ends.append(delta)
    return torch.stack(ends)


def compare_ascent(repeats: int, device: str) -> None:
    landscape = draw([0], 1000, 2, 1.0, QUADRATIC, 1.0, device=device)
    start = EPS * uniform_in_ball(TRAJECTORIES, 2, [0]).to(device)
    ways = {
        "loop": lambda: autograd_loop(landscape, start),
        "batched": lambda: ascend(landscape, start, EPS, ETA, STEPS).final[0, :SAMPLE],
    }
    seconds, ends = timed(ways, repeats, device)
    loop = seconds["loop"] * TRAJECTORIES / SAMPLE
    report(
        "1,000 ascents x 1,000 steps, d = 2, m = 1,000", loop, seconds["batched"], ends["loop"] - ends["batched"], 50
    )


def compare_hessian(repeats: int, device: str, points: int = 8) -> None:
    landscape = draw([0], 1000, 100, 1.0, QUADRATIC, 1.0, device=device)
    W, a, x, y = landscape.net.W[0], landscape.net.a[0], landscape.x[0, 0], landscape.y[0, 0]
    deltas = EPS * uniform_in_ball(points, 100, [0]).to(device)

    def value(delta: Tensor) -> Tensor:
        return -((y - (a * F.softplus(W @ (x + delta), threshold=40)).sum()) ** 2)

    ways = {
        "loop": lambda: torch.stack([torch.func.hessian(value)(delta) for delta in deltas[0]]),
        "batched": lambda: landscape.hessian(deltas)[0],
    }
    seconds, found = timed(ways, repeats, device)
    report(
        f"{points} Hessians, d = 100, m = 1,000",
        seconds["loop"],
        seconds["batched"],
        found["loop"] - found["batched"],
        10,
    )


def figure(device: str) -> None:
    """The whole study in a process of its own, start of Python and drawing included."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", "from suite.host.cli import main; main()", "run", "pgd_dynamics.landscape"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        begun = time.perf_counter()
        subprocess.run([*command, "--runs", folder, "--device", device], check=True, capture_output=True)
        cpu, wall = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before, time.perf_counter() - begun
    write(f"| figure 1's study, quick preset | - | {cpu:.2f} s CPU, {wall:.2f} s wall | - | <= 20 s | - |")


def timed(
    ways: dict[str, Callable[[], Tensor]], repeats: int, device: str
) -> tuple[dict[str, float], dict[str, Tensor]]:
    """Median seconds of each way, taken in turns, and what each gave."""
    seconds, results = in_turns(ways, repeats, device)
    return {way: statistics.median(values) for way, values in seconds.items()}, results


def report(name: str, loop: float, batched: float, difference: Tensor, wanted: int) -> None:
    ratio, error = loop / batched, float(difference.abs().max())
    write(f"| {name} | {loop:.3f} s | {batched:.4f} s | {ratio:.1f}x | >= {wanted}x | {error:.1e} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--skip-figure", action="store_true", help="leave out the nine panels, which take longest")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    write(
        f"torch {torch.__version__}, {arguments.device}, 1 thread, float64; the loop's ascents are {SAMPLE}, scaled up"
    )
    write("| what | loop with autograd | batched | ratio | wanted | largest difference |")
    write("|---|---|---|---|---|---|")
    compare_ascent(arguments.repeats, arguments.device)
    compare_hessian(arguments.repeats, arguments.device)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    if not arguments.skip_figure:
        figure(arguments.device)
    write(f"peak memory of the two comparisons: {peak:.2f} GiB")


if __name__ == "__main__":
    main()
