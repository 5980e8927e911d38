"""Speed of the phase-transition studies against the loops that they replace, interleaved in one run.

    python benchmarks/phase_transition_speed.py [--repeats 3] [--only linear|training]

Linear regression: T = 100 steps of gradient descent at all strengths, 0 among them. Peers loop over data sets,
strengths and steps, with the closed-form gradient in NumPy, and with autograd (on LOOP of the data sets, scaled up:
each takes the same time); ours is the study's batched computation on all of them. Same data in, not drawn anew; CPU
time of one thread, float64. Last column: the largest difference in a distance from the clean path, over the largest.
"""

import argparse
import statistics
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import islice

import numpy as np
import torch
from timing import in_turns, write
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from modules.phase_transition import theory
from modules.phase_transition.data_sets import DataSets, draw, in_row_space
from modules.phase_transition.descent import descend
from modules.phase_transition.linear.config import LinearConfig
from modules.phase_transition.linear.measure import chunks
from modules.phase_transition.sizes import parse_size
from suite import models
from suite.attacks import Adversary, Settings
from suite.data import Dataset, Split
from suite.models import fast_layers
from suite.training import Recipe, as_pixels, fit, resident

LOOP = 4  # data sets that the loop really trains on
CPU = torch.device("cpu")
EPS, STEP, STEPS = 8 / 255, 2 / 255, 10  # of adversarial training
TRAINED = (  # net, shape of an image, batch, batches
    ("mnist-cnn", (1, 28, 28), 128, 4),
    ("resnet20", (3, 32, 32), 64, 2),
    ("preactresnet18", (3, 32, 32), 16, 1),
)


def loop(X: np.ndarray, y: np.ndarray, eps: np.ndarray, rate: float, steps: int) -> np.ndarray:
    """(data sets, strengths, steps + 1): distance from the clean path, one after another."""
    n = X.shape[1]
    far = np.empty((len(X), len(eps), steps + 1))
    for r in range(len(X)):
        for e, strength in enumerate(eps):
            theta, path = np.zeros(X.shape[2]), [np.zeros(X.shape[2])]
            for _ in range(steps):
                residual = X[r] @ theta - y[r]
                norm = np.sqrt(theta @ theta)
                unit = theta / norm if norm else theta
                pulled = residual + strength * norm * np.sign(residual)
                shrinking = strength**2 * theta + strength * np.abs(residual).mean() * unit
                theta = theta - 2 * rate * (X[r].T @ pulled / n + shrinking)
                path.append(theta)
            if e == 0:
                clean = np.array(path)
            far[r, e] = np.linalg.norm(np.array(path) - clean, axis=1)
    return far


def autograd_loop(X: torch.Tensor, y: torch.Tensor, eps: torch.Tensor, rate: float, steps: int) -> np.ndarray:
    """The same with the gradient of the closed-form risk by autograd, which has none at 0: the first step is clean."""
    far = np.empty((len(X), len(eps), steps + 1))
    for r in range(len(X)):
        for e, strength in enumerate(eps):
            theta, path = torch.zeros(X.shape[2], dtype=X.dtype), [np.zeros(X.shape[2])]
            for step in range(steps):
                theta.requires_grad_()
                attacked = (X[r] @ theta - y[r]).abs()
                if step:
                    attacked = attacked + strength * theta.norm()
                (gradient,) = torch.autograd.grad(attacked.square().mean(), theta)
                theta = theta.detach() - rate * gradient
                path.append(theta.numpy())
            if e == 0:
                clean = np.array(path)
            far[r, e] = np.linalg.norm(np.array(path) - clean, axis=1)
    return far


def batched(data: DataSets, eps: torch.Tensor, rate: float, steps: int, d: int) -> np.ndarray:
    """The same for all data sets, as `phase_transition.linear` computes it: chunk by chunk."""
    R, n = data.y.shape
    parts = []
    for chunk in chunks(R, n, d, len(eps), CPU):
        rows = slice(chunk.start, chunk.stop)
        here = DataSets(data.X[rows], data.y[rows], data.theta0[rows], data.hidden[rows], data.noise2[rows])
        thetas = (state.theta for state in islice(descend(in_row_space(here), eps, rate), steps + 1))
        parts.append(torch.stack([torch.linalg.vector_norm(t - t[:, :1], dim=-1) for t in thetas], -1))
    return torch.cat(parts).numpy()


def compare_linear(repeats: int) -> None:
    """A row for each size of Fig. 2 and 3 at the study's own strengths, and one for all together."""
    write(f"linear study: loops on {LOOP} data sets, scaled up; wanted: >= 20x a loop over repeats")
    write("| what | NumPy loop | autograd loop | ours | over NumPy | over autograd | differ |")
    write("|---|---|---|---|---|---|---|")
    c, total = LinearConfig(), np.zeros(3)
    for sizes, strengths in ((c.sizes, c.eps), (c.test_sizes, c.test_eps)):
        for size in sizes:
            d, n = parse_size(size)
            data = draw("paths", range(c.repeats), n, d, c.sigma, c.theta0_norm, c.seed, CPU)
            eps = theory.eps_star_order(n, d) * torch.tensor([0.0, *strengths], dtype=torch.float64)
            rate = c.step / theory.curvature(n, d)
            X, y = data.X[:LOOP], data.y[:LOOP]
            ways: dict[str, Callable[[], np.ndarray]] = {
                "numpy": partial(loop, X.numpy(), y.numpy(), eps.numpy(), rate, c.steps),
                "autograd": partial(autograd_loop, X, y, eps, rate, c.steps),
                "ours": partial(batched, data, eps, rate, c.steps, d),
            }
            seconds, found = timed(ways, repeats)
            times = np.array(list(seconds.values())) * (c.repeats / LOOP, c.repeats / LOOP, 1)
            total += times
            apart = [np.abs(found[way] - found["ours"][:LOOP]).max() for way in ("numpy", "autograd")]
            differ = max(apart) / found["numpy"].max()
            linear_row(f"d = {d}, n = {n}, {c.repeats} data sets, {len(eps)} strengths", times, f"{differ:.0e}")
    linear_row("all of these", total, "-")


def linear_row(name: str, times: np.ndarray, differ: str) -> None:
    by_numpy, by_autograd, ours = times
    write(
        f"| {name} | {by_numpy:.2f} s | {by_autograd:.2f} s | {ours:.3f} s | {by_numpy / ours:.1f}x | "
        f"{by_autograd / ours:.1f}x | {differ} |"
    )


def pgd(net: nn.Module, X: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The perturbation, as written in many a repository."""
    delta = torch.empty_like(X).uniform_(-EPS, EPS)
    delta.data = torch.min(torch.max(delta.data, -X), 1 - X)
    delta.requires_grad = True
    for _ in range(STEPS):
        nn.functional.cross_entropy(net(X + delta), y).backward()
        gradient = delta.grad.detach()
        delta.data = torch.clamp(delta.data + STEP * gradient.sign(), -EPS, EPS)
        delta.data = torch.min(torch.max(delta.data, -X), 1 - X)
        delta.grad.zero_()
    return delta.detach()


def plain_training(net: nn.Module, loader: DataLoader[tuple[torch.Tensor, ...]], *, frozen: bool) -> float:
    """One epoch; returns the sum of the losses. `frozen`: the attack does not compute gradients of the weights."""
    optimiser, total = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9, weight_decay=5e-4), 0.0
    net.train()
    for X, y in loader:
        net.requires_grad_(not frozen)
        delta = pgd(net, X, y)
        net.requires_grad_(True)
        loss = nn.functional.cross_entropy(net((X + delta).clamp(0, 1)), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        total += loss.item() * len(y)
    return total


def with_torchs_layers(net: nn.Module) -> nn.Module:
    """The suite's fast layers are subclasses of torch's: let them be those."""
    for layer in net.modules():
        if type(layer).__module__ == fast_layers.__name__:
            layer.__class__ = type(layer).__bases__[0]
    return net


def compare_training(repeats: int) -> None:
    """A row per net: images per second, and how many times as fast as a loop that freezes the weights in its attack."""
    write(f"adversarial training, PGD-{STEPS}: images per second of CPU time; last four columns: over the frozen loop")
    over_frozen = "ours | channels_last | bf16 | attack in eval mode"
    write(f"| net | batch | plain loop | frozen loop | ours | over plain | {over_frozen} |")
    write("|---|---|---|---|---|---|---|---|---|---|")
    for name, shape, batch, batches in TRAINED:
        draw, count = np.random.default_rng(0), batch * batches
        split = Split(draw.integers(0, 256, (count, *shape), dtype=np.uint8), draw.integers(0, 10, count))
        architecture = models.architecture(name, Dataset("noise", tuple("0123456789"), split, split, ""))
        peers = [with_torchs_layers(architecture.initial(0)) for _ in range(2)]
        images, labels = resident(split)
        loader = DataLoader(TensorDataset(as_pixels(images), labels), batch, shuffle=True)
        recipe, settings = Recipe(1, batch, 0.1, momentum=0.9, weight_decay=5e-4), Settings(STEPS, STEP)
        ways: dict[str, Callable[[], object]] = {
            "plain": partial(plain_training, peers[0], loader, frozen=False),
            "frozen": partial(plain_training, peers[1], loader, frozen=True),
        }
        for way, (how, mode) in {
            "train": (recipe, "train"),
            "channels_last": (replace(recipe, channels_last=True), "train"),
            "bf16": (replace(recipe, channels_last=True, bfloat16=True), "train"),
            "eval": (recipe, "eval"),
        }.items():
            net = architecture.initial(0)
            adversary = Adversary(net, EPS, settings, mode=mode)
            ways[way] = partial(fit, net, images, labels, how, seed=0, adversary=adversary)
        seconds, _ = in_turns(ways, repeats)
        middle = {way: statistics.median(times) for way, times in seconds.items()}
        speeds = [f"{count / middle[way]:.1f}" for way in ("plain", "frozen", "train")]
        over = f"{middle['plain'] / middle['train']:.2f}x"
        ratios = [f"{middle['frozen'] / middle[way]:.2f}x" for way in ("train", "channels_last", "bf16", "eval")]
        write(f"| {' | '.join([name, str(batch), *speeds, over, *ratios])} |")


def timed(ways: dict[str, Callable[[], np.ndarray]], repeats: int) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Median CPU seconds of each way, taken in turns, and what each gave."""
    seconds, results = in_turns(ways, repeats)
    return {way: statistics.median(values) for way, values in seconds.items()}, results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=("linear", "training"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    write(f"numpy {np.__version__}, torch {torch.__version__}, 1 thread, CPU time, float64")
    if arguments.only != "training":
        compare_linear(arguments.repeats)
    if arguments.only != "linear":
        compare_training(arguments.repeats)


if __name__ == "__main__":
    main()
