"""Cotangents against autograd of the losses as written, and the direction of cross-entropy where float32 cancels."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from suite.attacks.losses import LOSSES, cross_entropy, nll_of_logits, stable_cross_entropy


def drawn(n: int = 32, classes: int = 7, scale: float = 4.0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = scale * torch.randn(n, classes, dtype=torch.float64, generator=generator)
    return logits, torch.randint(classes, (n,), generator=generator)


def written(name: str, logits: Tensor, labels: Tensor) -> Tensor:
    """The losses, summed over the batch, as their definitions say."""
    true = logits.gather(1, labels[:, None]).squeeze(1)
    if name == "ce":
        return (logits.logsumexp(1) - true).sum()
    if name == "nll_logits":
        return -true.sum()
    wrong = logits.masked_fill(F.one_hot(labels, logits.shape[1]).bool(), -torch.inf)
    return (wrong.logsumexp(1) - true).sum()


def sure(top: float) -> tuple[Tensor, Tensor]:
    """Float32 logits of a model that gives its class 0 a lead of `top`; 1 - p_y is about 9 exp(-top)."""
    logits = torch.randn(64, 10, generator=torch.Generator().manual_seed(1))
    logits[:, 0] = top
    return logits, torch.zeros(64, dtype=torch.int64)


def cosine(ours: Tensor, exact: Tensor) -> float:
    return float(F.cosine_similarity(ours.double(), exact, dim=1).min())


@pytest.mark.parametrize("name", LOSSES)
def test_is_the_gradient_of_the_written_loss(name: str) -> None:
    logits, labels = drawn()
    logits.requires_grad_()
    (expected,) = torch.autograd.grad(written(name, logits, labels), logits)
    ours = LOSSES[name](logits.detach(), labels)
    torch.testing.assert_close(ours, expected, rtol=1e-12, atol=1e-14)


def test_stable_is_cross_entropy_divided_by_one_minus_p() -> None:
    logits, labels = drawn()
    p_wrong = 1 - logits.softmax(1).gather(1, labels[:, None])
    expected = p_wrong * stable_cross_entropy(logits, labels)
    torch.testing.assert_close(cross_entropy(logits, labels), expected, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("top", [14.0, 17.0, 40.0])
def test_stable_keeps_the_direction_where_the_model_is_sure(top: float) -> None:
    logits, labels = sure(top)
    exact = (
        stable_cross_entropy(logits.double(), labels) if top > 30 else cross_entropy(logits.double(), labels)
    )  # float64 itself cancels beyond p_y = 1 - 2e-16
    assert cosine(stable_cross_entropy(logits, labels), exact) > 0.9999


def test_plain_cross_entropy_loses_the_direction_there() -> None:
    """The reason for `stable_ce`: at p_y = 1 - 4e-7 the float32 entry at y carries a rounding error of its own size."""
    logits, labels = sure(17.0)
    exact = cross_entropy(logits.double(), labels)
    assert cosine(cross_entropy(logits, labels), exact) < 0.99 < cosine(stable_cross_entropy(logits, labels), exact)


@pytest.mark.parametrize("size", [1e2, 1e4, 1e30])
@pytest.mark.parametrize("name", LOSSES)
def test_finite_for_any_finite_logits(name: str, size: float) -> None:
    logits = torch.tensor([[size, -size, 0.0], [-size, size, -size], [-size, -size, -size]])
    for label in range(3):
        cotangent = LOSSES[name](logits, torch.full((3,), label))
        assert cotangent.isfinite().all()
        assert cotangent.abs().max() <= 1


def test_the_true_class_has_no_part_in_the_stable_softmax() -> None:
    """However sure the model is, only the wrong classes share the weight, and among two classes it is exact."""
    logits = torch.tensor([[500.0, 1.0, 1.0], [-500.0, 2.0, 2.0]])
    assert torch.equal(stable_cross_entropy(logits, torch.tensor([0, 0])), torch.tensor([[-1.0, 0.5, 0.5]] * 2))
    assert torch.equal(stable_cross_entropy(torch.zeros(1, 2), torch.tensor([1])), torch.tensor([[1.0, -1.0]]))


def test_nll_of_logits_reads_no_logit() -> None:
    logits, labels = drawn()
    assert torch.equal(nll_of_logits(logits, labels), nll_of_logits(-logits, labels))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("name", LOSSES)
def test_keeps_the_dtype_of_the_logits(name: str, dtype: torch.dtype) -> None:
    logits, labels = drawn()
    assert LOSSES[name](logits.to(dtype), labels).dtype == dtype
