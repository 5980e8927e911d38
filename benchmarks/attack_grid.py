"""The grid of Table 1 (2 rules x K in {5, 10} x eps in {0.05, 0.1}) in one go, against one Foolbox call per cell.

    python benchmarks/attack_grid.py [--images 64] [--repeats 3] [--weights FILE.th --dataset REF]

One thread, fp32, a CIFAR ResNet-56 with published weights; both sides attack the same correctly classified images and
must fool the same ones.
"""

import argparse
import statistics
import sys
import time

import foolbox
import torch
from torch import Tensor

from modules.linbp import linbp
from suite import data, models
from suite.attacks import Settings, exact_engine, fast_engine, foolbox_model, frozen, iterate
from suite.errors import SuiteError

STEP, STRENGTHS, READINGS, BATCH = 2 / 255, (0.05, 0.1), (5, 10), 32


def one_call_per_cell(model: torch.nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """(rule, eps, K, N): which images fool the model."""
    rules = [model, linbp(model)]
    cells = torch.zeros(len(rules), len(STRENGTHS), len(READINGS), len(images), dtype=torch.bool)
    for r, attacked in enumerate(rules):
        with foolbox_model(attacked) as target:
            for e, eps in enumerate(STRENGTHS):
                for k, steps in enumerate(READINGS):
                    attack = foolbox.attacks.LinfBasicIterativeAttack(abs_stepsize=STEP, steps=steps)
                    for batch in torch.arange(len(images)).split(BATCH):
                        result = attack(target, images[batch], labels[batch], epsilons=eps)
                        cells[r, e, k, batch] = result[2]
    return cells


def all_cells_at_once(
    model: torch.nn.Module, images: Tensor, labels: Tensor, *, early_stop: bool = False, fast: bool = False
) -> Tensor:
    """The same by our own loop: one trajectory per rule."""
    settings = Settings(max(READINGS), STEP, early_stop=early_stop)
    cells = []
    with frozen(model):
        for rule in (lambda m: m, linbp):
            engine = (fast_engine if fast else exact_engine)(model, rule, images[:BATCH])
            fooled = [
                iterate(
                    engine.differentiate, engine.predict, images[batch], labels[batch], STRENGTHS, settings,
                    judge=engine.judge, readings=READINGS,
                ).fooled[:, :, list(READINGS)]
                for batch in torch.arange(len(images)).split(BATCH)
            ]  # fmt: skip
            cells.append(torch.cat(fooled, 1).movedim(2, 1))
    return torch.stack(cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--weights", default="../shared/models/cifar10/resnet56-4bfd9763.th")
    parser.add_argument("--dataset", default="folder:../shared/data/cifar10-jpeg.zip")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    try:
        dataset = data.load(arguments.dataset)
        model = models.load(f"resnet56@{arguments.weights}", dataset)
    except SuiteError as error:
        sys.exit(f"error: {error}; the grid needs --weights and --dataset")
    ids = data.sample(dataset.test, 2 * arguments.images, 0)
    images, labels = dataset.test.pixels(ids), dataset.test.targets(ids)
    with torch.no_grad():
        correct = model(images).argmax(1) == labels
    images, labels = images[correct][: arguments.images], labels[correct][: arguments.images]
    ways = {
        "Foolbox, one call per cell": lambda: one_call_per_cell(model, images, labels),
        "ours": lambda: all_cells_at_once(model, images, labels),
        "ours, early stop": lambda: all_cells_at_once(model, images, labels, early_stop=True),
        "ours --fast, early stop": lambda: all_cells_at_once(model, images, labels, early_stop=True, fast=True),
    }
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    cells = {}
    for _ in range(arguments.repeats):
        for way, work in ways.items():
            begin = time.perf_counter()
            cells[way] = work()
            seconds[way].append(time.perf_counter() - begin)
    reference = "Foolbox, one call per cell"
    lines = [
        f"Table 1's grid, resnet56, {len(images)} images, 1 thread",
        "| way | seconds | speed | same successes |",
        "|---|---|---|---|",
    ]
    for way, times in seconds.items():
        ratio = statistics.median(seconds[reference]) / statistics.median(times)
        same = float((cells[way] == cells[reference]).double().mean())
        lines.append(f"| {way} | {statistics.median(times):.2f} | {ratio:.2f}x | {same:.4f} |")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
