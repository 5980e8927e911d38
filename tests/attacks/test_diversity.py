"""Random resize and pad: equal to torch's own operations, drawn as described, and differentiated through."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from suite.attacks import diversity
from suite.attacks.diversity import Resampling
from suite.attacks.keyed_draws import uniform


def by_torch(image: Tensor, resized: int, top: int, left: int) -> Tensor:
    """Resize, pad and resize back one (C, S, S) image with torch's interpolation."""
    side = image.shape[-1]
    padded = round(1.25 * side)
    grown = F.interpolate(image[None], (resized, resized), mode="nearest")
    grown = F.pad(grown, (left, padded - resized - left, top, padded - resized - top))
    return F.interpolate(grown, (side, side), mode="nearest")[0]


def drawn(side: int, ids: Tensor, step: int, seed: int) -> list[tuple[bool, int, int, int]]:
    """(transformed, size, top, left) of each sample, by the description: uniform over 32..40 and over the places."""
    found = []
    for chance, size, top, left in uniform(seed, ids, step, 4, diversity.PURPOSE).double().tolist():
        padded = round(1.25 * side)
        resized = side + math.floor(size * (padded - side + 1))
        room = padded - resized + 1
        found.append((chance < 0.5, resized, math.floor(top * room), math.floor(left * room)))
    return found


@pytest.mark.parametrize("side", [8, 28, 32])
def test_equal_to_the_operations_it_stands_for(side: int) -> None:
    ids = torch.arange(200)
    images = torch.rand(200, 2, side, side, generator=torch.Generator().manual_seed(0))
    resampling = diversity.draw(images, ids, 3, seed=1)
    cases = drawn(side, ids, 3, 1)
    assert len({size for applied, size, _, _ in cases if applied}) == round(1.25 * side) - side + 1  # every size
    expected = torch.stack(
        [by_torch(image, *case[1:]) if case[0] else image for image, case in zip(images, cases, strict=True)]
    )
    assert torch.equal(resampling.apply(images), expected)
    assert torch.equal(resampling.apply(images.expand(3, *images.shape))[2], expected)  # several paths at once
    assert 0.5 - 5 * 0.5 / math.sqrt(200) < sum(case[0] for case in cases) / 200 < 0.5 + 5 * 0.5 / math.sqrt(200)


def test_the_gradient_flows_back_through_it() -> None:
    """pull_back is what autograd does with torch's own operations, sums included."""
    ids, side = torch.arange(12), 8
    images = torch.rand(12, 3, side, side, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    cotangent = torch.randn(images.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    x = images.clone().requires_grad_()
    cases = drawn(side, ids, 0, 0)
    assert 2 < sum(case[0] for case in cases) < 10
    seen = torch.stack([by_torch(image, *case[1:]) if case[0] else image for image, case in zip(x, cases, strict=True)])
    (expected,) = torch.autograd.grad(seen, x, cotangent)
    pulled = diversity.draw(images, ids, 0, seed=0).pull_back(cotangent)
    torch.testing.assert_close(pulled, expected, rtol=0, atol=1e-14)
    assert not torch.equal(pulled, cotangent)


def test_never_and_always() -> None:
    images, ids = torch.rand(50, 1, 8, 8), torch.arange(50)
    assert torch.equal(diversity.draw(images, ids, 0, 0, probability=0.0).apply(images), images)
    always = diversity.draw(images, ids, 0, 0, probability=1.0).apply(images)
    assert bool((always != images).flatten(1).any(1).all())


def test_images_need_not_be_square() -> None:
    images = torch.rand(3, 1, 6, 10)
    resampling = diversity.draw(images, torch.arange(3), 0, 0, probability=1.0)
    assert isinstance(resampling, Resampling) and resampling.apply(images).shape == images.shape
