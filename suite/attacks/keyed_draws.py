"""Uniform draws keyed by (seed, sample id, step): any of them at any time, for any batch, alike on every device.

Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3, SC 2011) is a bijection of a
128-bit counter under a 64-bit key. Written in integer tensor operations it draws for a whole batch at once, without a
generator a sample and without a word to the host.
"""

import torch
from torch import Tensor

_ROUNDS = 10
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
_MASK = 0xFFFFFFFF

Words = tuple[Tensor, Tensor, Tensor, Tensor]


def uniform(seed: int, ids: Tensor, step: int, count: int, purpose: int = 0) -> Tensor:
    """`count` independent draws from U[0, 1) for every id: (len(ids), count) float32, multiples of 2^-24.

    Args:
        seed: >= 0; its lowest 64 bits are the key.
        ids: (N,) int64 in [0, 2^32), on the device where the draws are wanted.
        step: in [0, 2^32).
        purpose: tells apart draws that meet in the same step.
    """
    blocks = torch.arange(-(-count // 4), device=ids.device)
    step_word, purpose_word = (torch.full_like(blocks, number) for number in (step, purpose))
    words = philox((blocks, step_word, ids[:, None], purpose_word), (seed & _MASK, seed >> 32 & _MASK))
    bits = torch.stack(torch.broadcast_tensors(*words), -1).flatten(1)[:, :count]
    return (bits >> 8).float() * 2.0**-24


def philox(counter: Words, key: tuple[int, int]) -> Words:
    """Four 32-bit words for every counter of four (int64 tensors that broadcast, values in [0, 2^32))."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(_ROUNDS):
        (high0, low0), (high1, low1) = _product(c0, _MULTIPLIERS[0]), _product(c2, _MULTIPLIERS[1])
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = (k0 + _KEY_STEPS[0]) & _MASK, (k1 + _KEY_STEPS[1]) & _MASK
    return c0, c1, c2, c3


def _product(word: Tensor, multiplier: int) -> tuple[Tensor, Tensor]:
    """High and low word of a 32 x 32 bit product; int64 wraps, which leaves all 64 bits in place."""
    product = word * multiplier
    return product >> 32 & _MASK, product & _MASK
