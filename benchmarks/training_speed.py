"""Training steps per second on MNIST against the usual loop: torchvision's DataLoader(ToTensor) and a plain nn.Module.

    python benchmarks/training_speed.py [--samples 12800] [--repeats 5] [--threads 1]

Batch 64, SGD, one epoch over the same samples each time; the usual loop runs in this process (`num_workers=0`) with
plain backpropagation, and reads its loss every step. Ways are timed in turns; the table has medians. Where other work
shares the machine, the ratio of CPU times is the one to read.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import nn
from torch.utils.data import DataLoader, Subset
from torchvision import datasets, transforms

from modules.linbp import linbp
from suite import data, models
from suite.errors import SuiteError
from suite.paths import data_root
from suite.training import fit, resident

BATCH = 64


def usual_loop(model: nn.Module, loader: DataLoader[tuple[torch.Tensor, torch.Tensor]], rate: float) -> float:
    """One epoch as tutorials write it; returns the sum of the losses."""
    optimiser, criterion, total = torch.optim.SGD(model.parameters(), lr=rate), nn.CrossEntropyLoss(), 0.0
    model.train()
    for images, labels in loader:
        optimiser.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        optimiser.step()
        total += loss.item()
    return total


def plain(network: nn.Module) -> nn.Module:
    """The network with torch's own layers, as anybody would write it."""
    for name, layer in network.named_children():
        if isinstance(layer, nn.MaxPool2d):
            setattr(network, name, nn.MaxPool2d(2))
        elif isinstance(layer, nn.Linear):
            own = nn.Linear(layer.in_features, layer.out_features)
            own.load_state_dict(layer.state_dict())
            setattr(network, name, own)
    return network


def ways(name: str, samples: int) -> dict[str, Callable[[], object]]:
    """What is timed, by name; each call trains one epoch."""
    dataset = data.load("mnist")
    architecture = models.architecture(name, dataset)
    recipe = replace(architecture.entry.recipe, epochs=1)
    images, labels = resident(dataset.train)
    images, labels = images[:samples], labels[:samples]
    folder = datasets.MNIST(str(data_root() / "mnist"), train=True, transform=transforms.ToTensor())
    loader = DataLoader(Subset(folder, range(samples)), batch_size=BATCH, shuffle=True)
    usual, ours = plain(architecture.initial(0).network), architecture.initial(0)
    return {
        "the usual loop, BP": lambda: usual_loop(usual, loader, recipe.learning_rate),
        "ours, BP": lambda: fit(ours, images, labels, recipe, seed=0),
        "ours, LinBP": lambda: fit(ours, images, labels, recipe, seed=0, backward_model=linbp(ours)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=12_800)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    steps = -(-arguments.samples // BATCH)
    lines = [
        f"Training on MNIST, batch {BATCH}, {arguments.threads} thread(s), {arguments.repeats} epochs of {steps} steps",
        "| model | way | steps/s | speed | CPU ms/step | speed by CPU time |",
        "|---|---|---|---|---|---|",
    ]
    for name in ("mlp", "lenet5"):
        try:
            timed = ways(name, arguments.samples)
        except SuiteError as error:
            sys.exit(f"error: {error}")
        wall: dict[str, list[float]] = {way: [] for way in timed}
        cpu: dict[str, list[float]] = {way: [] for way in timed}
        for _ in range(arguments.repeats):
            for way, work in timed.items():
                begin, begin_cpu = time.perf_counter(), time.process_time()
                work()
                wall[way].append((time.perf_counter() - begin) / steps)
                cpu[way].append((time.process_time() - begin_cpu) / steps)
        usual, usual_cpu = (statistics.median(times["the usual loop, BP"]) for times in (wall, cpu))
        for way in timed:
            step, step_cpu = statistics.median(wall[way]), statistics.median(cpu[way])
            row = [name, way, f"{1 / step:.0f}", f"{usual / step:.2f}x", f"{1e3 * step_cpu:.2f}"]
            lines.append(f"| {' | '.join([*row, f'{usual_cpu / step_cpu:.2f}x'])} |")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
