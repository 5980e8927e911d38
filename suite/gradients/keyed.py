"""Random numbers that belong to a sample: a function of its values and a seed, whatever stands beside it in a batch.

A counter-based generator (the finaliser of SplitMix64, Steele, Lea and Flood, OOPSLA 2014) in 64-bit integers that
wrap around, so that all devices draw the same.
"""

import torch
from torch import Tensor

_INCREMENT = 0x9E3779B97F4A7C15 - 2**64
_FIRST = 0xBF58476D1CE4E5B9 - 2**64
_SECOND = 0x94D049BB133111EB - 2**64


def keys(x: Tensor, seed: int) -> Tensor:
    """(B,) int64: a digest of each sample of x (B, ...) in its own precision; equal samples have equal keys."""
    bits = x.detach().flatten(1).to(torch.float64).contiguous().view(torch.int64)
    bits = bits + (bits == torch.iinfo(torch.int64).min) * torch.iinfo(torch.int64).min  # -0.0 is 0.0
    places = torch.arange(1, bits.shape[1] + 1, device=x.device)
    return mixed(mixed(bits + mixed(places)).sum(1) + mixed(torch.tensor(seed, device=x.device)))


def uniform(keys: Tensor, count: int, stream: int) -> Tensor:
    """(B, count) float64 numbers in [0, 1), independent between keys (B,) and streams >= 0."""
    own = mixed(keys + mixed(torch.tensor(stream + 1, device=keys.device)))
    numbers = mixed(own.unsqueeze(1) + torch.arange(1, count + 1, device=keys.device) * _INCREMENT)
    return _shifted(numbers, 11).to(torch.float64) * 2.0**-53


def mixed(numbers: Tensor) -> Tensor:
    """Integers (int64) scattered over all 64 bits, one to one."""
    numbers = numbers + _INCREMENT
    numbers = (numbers ^ _shifted(numbers, 30)) * _FIRST
    numbers = (numbers ^ _shifted(numbers, 27)) * _SECOND
    return numbers ^ _shifted(numbers, 31)


def _shifted(numbers: Tensor, places: int) -> Tensor:
    """Right, with zeros coming in: torch's own shift repeats the sign."""
    shifted: Tensor = (numbers >> places) & (2 ** (64 - places) - 1)
    return shifted
