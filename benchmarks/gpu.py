"""Attacks and adversarial training on one GPU against their peers, interleaved in one run; prints a Markdown table.

    python benchmarks/gpu.py [--nets resnet50,vgg16,...] [--batch 256] [--repeats 5] [--device cuda]

Attacks: I-FGSM with K = 10 under BP, every step of every image but in the last column, images x steps per second;
random weights, batch norms calibrated. Peers: a plain loop with frozen weights, Foolbox's LinfBasicIterativeAttack.
Training: images per second of one epoch against PGD-10, beside a plain loop whose attack freezes the weights.
Precisions: fp32, TF32 (convolutions and matrix products round their inputs to 10 bits), bf16 (--fast --precision bf16;
autocast in training). Times are the medians of wall-clock times, after a run that is not counted.
"""

import argparse
import statistics
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from attack_speed import STEPS, calibrated, foolbox_loop, ours, plain_loop, seconds_of, write
from torch import Tensor, nn
from torch.nn import functional as F

from suite.attacks import Adversary, Settings, exact_engine, fast_engine, frozen
from suite.attacks.differentiate import constant_weights
from suite.gradients import bp
from suite.training import Recipe, fit

NETS = ("resnet50", "vgg16", "mobilenetv2", "densenet161")
STEP, EPS = 2 / 255, 8 / 255
PRECISIONS = ("fp32", "TF32", "bf16")
HEADER = ("net", "work", "precision", "plain loop", "Foolbox", "ours", "ours --fast", "ours --fast, early stop")


def attacks(model: nn.Module, x: Tensor, y: Tensor, precision: str) -> dict[str, Callable[[], Any]]:
    """The ways to attack a batch; in bf16 ours alone."""
    settings = Settings(STEPS, STEP, early_stop=False)
    fast = fast_engine(model, bp, x, precision="bf16" if precision == "bf16" else "fp32")
    ways = {
        "ours --fast": lambda: ours(fast, settings)(x, y),
        "ours --fast, early stop": lambda: ours(fast, replace(settings, early_stop=True))(x, y),
    }
    if precision == "bf16":
        return ways
    exact = exact_engine(model, bp, x)
    peers = {"plain loop": lambda: plain_loop(model, x, y), "Foolbox": lambda: foolbox_loop(model, x, y)}
    return {**peers, "ours": lambda: ours(exact, settings)(x, y), **ways}


def trainings(model: nn.Module, x: Tensor, y: Tensor, precision: str) -> dict[str, Callable[[], Any]]:
    """Two ways to train on one batch, adversarially."""
    half = precision == "bf16"
    adversary = Adversary(model, EPS, Settings(STEPS, STEP))
    recipe = Recipe(1, len(x), 0.01, momentum=0.9, bfloat16=half)
    optimiser = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)

    def plainly() -> None:
        with constant_weights(model), torch.autocast(x.device.type, torch.bfloat16, enabled=half):
            model.eval()
            at = (x + torch.empty_like(x).uniform_(-EPS, EPS)).clamp(0, 1)
            for _ in range(STEPS):
                at.requires_grad_()
                (gradient,) = torch.autograd.grad(F.cross_entropy(model(at), y), at)
                at = (x + (at.detach() + STEP * gradient.sign() - x).clamp(-EPS, EPS)).clamp(0, 1)
        model.train()
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast(x.device.type, torch.bfloat16, enabled=half):
            loss = F.cross_entropy(model(at), y)
        loss.backward()
        optimiser.step()

    return {"plain loop": plainly, "ours": lambda: fit(model, x, y, recipe, seed=0, adversary=adversary)}


def rates(ways: Mapping[str, Callable[[], Any]], amount: int, repeats: int, device: str) -> dict[str, float]:
    """So much work over the median of its seconds, the ways in turn."""
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for repeat in range(repeats + 1):
        for way, work in ways.items():
            begin = seconds_of(device)
            work()
            if repeat:
                seconds[way].append(seconds_of(device) - begin)
    return {way: amount / statistics.median(times) for way, times in seconds.items()}


def row(name: str, work: str, precision: str, found: Mapping[str, float]) -> str:
    """Rates, and how many times the faster peer's they are."""
    peer = max((found[way] for way in ("plain loop", "Foolbox") if way in found), default=None)
    cells = [
        "-" if way not in found else f"{found[way]:.0f}" + (f" ({found[way] / peer:.2f}x)" if peer else "")
        for way in HEADER[3:]
    ]
    return "| " + " | ".join((name, work, precision, *cells)) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nets", default=",".join(NETS))
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", default="cuda")
    given = parser.parse_args()
    if given.device.startswith("cuda") and not torch.cuda.is_available():
        parser.exit(2, "error: no CUDA device here (run this where there is one)\n")
    card = torch.cuda.get_device_name(given.device) if given.device.startswith("cuda") else given.device
    write(f"{card}, torch {torch.__version__}, batch {given.batch}, K = {STEPS}, {given.repeats} repeats\n")
    write("| " + " | ".join(HEADER) + " |")
    write("|" + "---|" * len(HEADER))
    for name in given.nets.split(","):
        for precision in PRECISIONS:
            torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = precision == "TF32"
            model, x = calibrated(name, given.device), torch.rand(given.batch, 3, 32, 32, device=given.device)
            with torch.no_grad():
                y = model(x).argmax(1)
            with frozen(model):
                found = rates(attacks(model, x, y, precision), given.batch * STEPS, given.repeats, given.device)
            write(row(name, "attack", precision, found))
            found = rates(trainings(model, x, y, precision), given.batch, given.repeats, given.device)
            write(row(name, "training", precision, found))


if __name__ == "__main__":
    main()
