"""Random networks, inputs and directions, keyed by seed."""

from collections.abc import Sequence

import torch
from torch import Tensor

from modules.pgd_dynamics.losses import Loss
from modules.pgd_dynamics.theory import Objective
from modules.pgd_dynamics.two_layer import Activation, keyed_generator, xavier


def network_seeds(seed: int, networks: Sequence[int]) -> list[int]:
    """The seeds of a study's networks: those of another study seed share none."""
    return [1_000_000 * seed + network for network in networks]


def draw(
    seeds: Sequence[int], m: int, d: int, scale: float, loss: Loss, y: float,
    activation: Activation | None = None, device: torch.device | str = "cpu",
) -> Objective:  # fmt: skip
    """Xavier networks with one input each, of length `scale` and uniform direction; draws are keyed by seed."""
    inputs = torch.stack([directions(seed, "input", 1, d) for seed in seeds])
    label = torch.tensor([[y]], dtype=torch.float64, device=device)
    return Objective(xavier(seeds, m, d, activation, device=device), loss, scale * inputs.to(device), label)


def directions(seed: int, purpose: str, n: int, d: int) -> Tensor:
    """n uniform unit vectors (n, d)."""
    drawn = torch.randn(n, d, generator=keyed_generator(seed, purpose), dtype=torch.float64)
    unit: Tensor = drawn / torch.linalg.vector_norm(drawn, dim=-1, keepdim=True)
    return unit
