"""Speed of the lazy regime's exact flips and batched training against what they replace, interleaved in one run.

    python benchmarks/lazy_regime_speed.py [--repeats 3] [--device cpu|cuda]

CPU: one thread, CPU time, float32 training and float64 flips. Rows: the smallest flipping step of 2,000 MNIST points on
a trained net (m = 1,000, d = 784, pixels as they are) against the released code's search in steps of 0.001, here for
all points at once; and the grid of `lazy_regime.single_step`'s quick preset against a loop that trains its nets one by
one with autograd and torch's SGD (one run of five, scaled up: each takes as long). MNIST: SUITE_DATA, or
../shared/data.
"""

import argparse
import math
import os
import statistics
from collections.abc import Callable
from pathlib import Path

import torch
from timing import clock, write
from torch import Tensor, nn
from torch.nn import functional as F

from modules.lazy_regime.ball import radius
from modules.lazy_regime.data import Task, two_classes
from modules.lazy_regime.exact_flip import flip_steps
from modules.lazy_regime.line_search import line_search
from modules.lazy_regime.nets import initial, net_seeds
from modules.lazy_regime.single_step.config import SingleStepConfig
from modules.lazy_regime.training import Schedule, orders, train
from suite.data import load

POINTS = 2000


def compare_flips(repeats: int, device: str) -> None:
    task = two_classes(load("mnist"), ("0", "1"), 28, unit_norm=False, test_limit=POINTS, device=device)
    start = initial([0], 1000, task.d, biases=True, device=device)
    nets = train(start, [0], task.x, task.y, [radius(10, 1000)], "outside", Schedule(2))[0].nets
    f, gradient = nets.value_and_gradient(task.test_x)
    towards = -f.sign()[..., None] * gradient
    ways = {
        "search": lambda: line_search(nets, task.test_x, towards),
        "exact": lambda: flip_steps(nets, task.test_x, towards),
    }
    seconds, found = timed(ways, repeats, device)
    ahead = (found["search"] - found["exact"])[found["search"].isfinite()]
    agreement = (
        f"search - exact from {float(ahead.min()):.1e} to {float(ahead.max()):.6f}, mean {found['exact'].mean():.3f}"
    )
    report(
        f"smallest flip of {POINTS:,} points, m = 1,000, d = 784", seconds["search"], seconds["exact"], 50, agreement
    )


def compare_training(repeats: int, device: str) -> None:
    config = SingleStepConfig()
    tasks = {
        size: two_classes(load(config.dataset), config.classes, size, unit_norm=True, device=device)
        for size in config.sizes
    }
    seeds = net_seeds(config.seed, range(config.networks))
    schedule = Schedule(config.epochs, config.learning_rate, config.batch_size)

    def loop() -> Tensor:
        return torch.stack(
            [
                one_by_one(seeds[0], m, c0, task, schedule)
                for task in tasks.values()
                for m in config.widths
                for c0 in config.c0s
            ]
        )

    def batched() -> Tensor:
        steps = []
        for task in tasks.values():
            for m in config.widths:
                start = initial(seeds, m, task.d, device=device)
                radii = [radius(c0, m) for c0 in config.c0s]
                steps += [found.steps[0] for found in train(start, seeds, task.x, task.y, radii, "inside", schedule)]
        return torch.stack(steps)

    seconds, found = timed({"loop": loop, "batched": batched}, repeats, device)
    nets = len(config.sizes) * len(config.widths) * len(config.c0s) * len(seeds)
    difference = int((found["loop"] - found["batched"]).abs().max())
    agreement = f"largest difference of the {len(found['loop'])} stopping steps {difference}"
    report(f"training of {nets} nets on digits", seconds["loop"] * len(seeds), seconds["batched"], 5, agreement)


def one_by_one(seed: int, m: int, c0: float, task: Task, schedule: Schedule) -> Tensor:
    """SGD steps of one net until the next one leaves the ball, as one writes it by hand."""
    start = initial([seed], m, task.d, device=task.x.device)
    layer = nn.Linear(task.d, m, bias=False, device=task.x.device)
    head, begin = start.signs[0] / start.scale, start.weight[0].detach()
    with torch.no_grad():
        layer.weight.copy_(begin)
    optimiser, order = torch.optim.SGD(layer.parameters(), schedule.learning_rate), orders([seed], len(task.x))[0]
    steps = 0
    for _ in range(schedule.epochs):
        for batch in order.to(task.x.device).split(schedule.batch_size):
            optimiser.zero_grad()
            f = torch.relu(layer(task.x[batch])) @ head
            F.softplus(-task.y[batch] * f).mean().backward()
            optimiser.step()
            if (layer.weight.detach() - begin).norm(dim=1).max() > c0 / math.sqrt(m):
                return torch.tensor(steps)
            steps += 1
    return torch.tensor(steps)


def timed(
    ways: dict[str, Callable[[], Tensor]], repeats: int, device: str
) -> tuple[dict[str, float], dict[str, Tensor]]:
    """Median seconds of each way, taken in turns, and what each gave."""
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    results: dict[str, Tensor] = {}
    for _ in range(repeats):
        for way, work in ways.items():
            begin = clock(device)
            results[way] = work()
            seconds[way].append(clock(device) - begin)
    return {way: statistics.median(values) for way, values in seconds.items()}, results


def report(name: str, slow: float, fast: float, wanted: int, agreement: str) -> None:
    write(f"| {name} | {slow:.2f} s | {fast:.3f} s | {slow / fast:.1f}x | >= {wanted}x | {agreement} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    os.environ.setdefault("SUITE_DATA", str(Path(__file__).parents[2] / "shared" / "data"))
    torch.set_num_threads(1)
    write(f"torch {torch.__version__}, {arguments.device}, 1 thread")
    write("| what | search or loop | exact or batched | ratio | wanted | agreement |")
    write("|---|---|---|---|---|---|")
    compare_flips(arguments.repeats, arguments.device)
    compare_training(arguments.repeats, arguments.device)


if __name__ == "__main__":
    main()
