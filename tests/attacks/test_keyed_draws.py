"""Keyed draws: the published answers of Philox, uniform by their moments, and keyed by (seed, id, step) alone."""

import math

import pytest
import torch

from suite.attacks.keyed_draws import philox, uniform

# Known answers that come with Random123: counter, key, words.
KNOWN = (
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((2**32 - 1,) * 4, (2**32 - 1,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
)


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
def test_published_answers(counter: tuple[int, ...], key: tuple[int, int], words: tuple[int, ...]) -> None:
    c0, c1, c2, c3 = (torch.tensor([number]) for number in counter)
    assert tuple(int(word) for word in philox((c0, c1, c2, c3), key)) == words


def test_independent_of_batch_order_and_count() -> None:
    ids = torch.tensor([7, 3, 1000, 0, 2**32 - 1])
    together = uniform(5, ids, 2, 30)
    assert together.shape == (5, 30) and together.dtype == torch.float32
    assert torch.equal(together, torch.cat([uniform(5, ids[i : i + 1], 2, 30) for i in range(5)]))
    assert torch.equal(together, uniform(5, ids.flip(0), 2, 30).flip(0))
    assert torch.equal(together[:, :7], uniform(5, ids, 2, 7))


def test_other_seeds_ids_steps_and_purposes_are_other_draws() -> None:
    ids = torch.arange(3)
    draws = torch.cat(
        [uniform(seed, ids, step, 8, purpose) for seed in (0, 1, 2**32) for step in (0, 1) for purpose in (0, 1)]
    )
    assert len(draws.unique(dim=0)) == 36
    # No draw of one key is found at another place under another key either.
    assert len(draws.unique()) > 36 * 8 - 4  # 288 of 2^24 values: one pair in 400 runs of other constants


def test_moments_and_neighbours() -> None:
    """Mean 1/2, variance 1/12, and no correlation between steps, ids and places; 5 standard errors each."""
    ids = torch.arange(100)
    draws = torch.stack([uniform(3, ids, step, 100) for step in range(20)]).double() - 0.5
    n = draws.numel()
    assert abs(float(draws.mean())) < 5 * math.sqrt(1 / 12 / n)
    assert abs(float(draws.square().mean()) - 1 / 12) < 5 * math.sqrt(1 / 180 / n)
    for axis in range(3):
        product = (draws * draws.roll(1, axis)).mean()
        assert abs(float(product)) < 5 / 12 / math.sqrt(n)
    assert float(draws.min()) >= -0.5 and float(draws.max()) < 0.5


def test_leaves_the_global_generator_alone() -> None:
    state = torch.get_rng_state()
    uniform(0, torch.arange(4), 0, 16)
    assert torch.equal(torch.get_rng_state(), state)
