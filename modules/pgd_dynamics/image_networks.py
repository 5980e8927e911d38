"""Networks on real images in the paper's setting: Xavier weights, scaled inputs, losses of perturbations, training.

An input scale s multiplies the pixels that a network sees, and with them the ball: eps = r s mean |x|_2 with the
perturbation ratio r (Deng et al. 2020, Sec. 5.1). A perturbation is in the units of the scaled input. Pixels have no
bounds, neither here nor in the theory.
"""

import math
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from modules.pgd_dynamics.image_ascent import Landscape
from suite.attacks import Adversary, Settings
from suite.data import Split
from suite.errors import SuiteError
from suite.gradients import rectifier_calls
from suite.models import Architecture, Classifier

Activation = Literal["softplus", "relu"]


def initial_network(architecture: Architecture, activation: Activation, seed: int) -> Classifier:
    """The architecture with Xavier weights N(0, 2 / (fan_in + fan_out)) and zero biases, on the CPU.

    Args:
        activation: `softplus` replaces every nn.ReLU by log(1 + e^z), the paper's activation; `relu` replaces none.

    Raises:
        SuiteError: `softplus` for an architecture with rectifiers that are no nn.ReLU modules, or with none at all.
    """
    network = architecture.initial(seed)
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            nn.init.xavier_normal_(module.weight, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    if activation == "softplus":
        _soften(network)
        calls = rectifier_calls(network.eval(), torch.zeros(1, *architecture.dataset.shape))
        if not calls or any(call.function != "softplus" for call in calls):
            raise SuiteError(
                f"the rectifiers of {architecture.ref} cannot be replaced by softplus", "use --activation relu"
            )
    return network


def margin(model: nn.Module, base: Tensor, labels: Tensor) -> Landscape:
    """delta (R, ...) -> log sum_{k != y} e^{z_k} - z_y, (R,), of the logits z at base + delta: > 0 is mostly wrong."""
    rows, classes = torch.arange(len(labels), device=labels.device), labels

    def value(delta: Tensor) -> Tensor:
        logits = model(base + delta)
        others = logits.scatter(1, classes[:, None], -math.inf)
        wrong: Tensor = torch.logsumexp(others, 1) - logits[rows, classes]
        return wrong

    return value


def cross_entropy(model: nn.Module, base: Tensor, labels: Tensor) -> Landscape:
    """delta (R, ...) -> -log p_y = log(1 + e^margin), exact to rounding where p_y is near 1; nats."""
    wrong = margin(model, base, labels)
    return lambda delta: from_margin(wrong(delta))


def from_margin(wrong: Tensor) -> Tensor:
    """-log p_y = log(1 + e^margin), of any shape, in nats."""
    return torch.logaddexp(wrong, torch.zeros_like(wrong))


def mean_norm(split: Split, size: int = 5000) -> float:
    """Mean l2 norm of a split's images in [0, 1] pixels: eps = ratio x scale x this."""
    total = 0.0
    for first in range(0, len(split), size):
        part = np.asarray(split.images[first : first + size], dtype=np.float64) / 255
        total += float(np.linalg.norm(part.reshape(len(part), -1), axis=1).sum())
    return total / len(split)


def pgd_adversary(model: nn.Module, eps: float, steps: int) -> Adversary:
    """PGD on the l2 ball for adversarial training: a uniform start, normalised steps of 2.5 eps / steps, no bounds."""
    settings = Settings(steps=steps, step_size=2.5 * eps / steps, norm="l2", bounds=(-math.inf, math.inf))
    return Adversary(model, eps, settings)


def _soften(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.ReLU):
            setattr(module, name, nn.Softplus())
        else:
            _soften(child)
