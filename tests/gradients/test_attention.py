"""Where a model attends, however it is written."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from suite.gradients.attention import attention_calls


class Attending(nn.Module):
    """x (B, T, D) -> x + attention(q, k, v) with a head of D channels."""

    def __init__(self, attend: Callable[[Tensor, Tensor, Tensor], Tensor], width: int = 6) -> None:
        super().__init__()
        self.attend, self.q, self.k, self.v = attend, *(nn.Linear(width, width) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.attend(self.q(x), self.k(x), self.v(x))


def softmax_matmul(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return F.softmax(q @ k.mT / q.shape[-1] ** 0.5, dim=-1) @ v


def dropped(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    attention = (q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5).softmax(-1)
    return torch.bmm(F.dropout(attention, 0.1, training=False).to(v.dtype), v)


def einsum(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    attention = torch.softmax(torch.einsum("btd,bsd->bts", q, k) / q.shape[-1] ** 0.5, -1)
    return torch.einsum("bts,bsd->btd", attention, v)


BY_HAND = {"softmax and matmul": softmax_matmul, "with dropout, by bmm": dropped, "einsum": einsum}


class MultiHead(nn.Module):
    def __init__(self, weights: bool) -> None:
        super().__init__()
        self.attention, self.weights = nn.MultiheadAttention(6, 2, batch_first=True), weights

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.attention(x, x, x, need_weights=self.weights)[0]
        return x + found


@pytest.mark.parametrize("name", BY_HAND)
def test_by_hand(name: str) -> None:
    assert len(attention_calls(nn.Sequential(Attending(BY_HAND[name])), torch.rand(2, 5, 6))) == 1


def test_fused_and_within_torchs_module() -> None:
    x = torch.rand(2, 5, 6)
    fused = nn.Sequential(Attending(F.scaled_dot_product_attention))
    assert attention_calls(fused, x) == (("0", "scaled_dot_product_attention"),)
    assert attention_calls(MultiHead(False), x) == (("attention", "scaled_dot_product_attention"),)
    assert attention_calls(MultiHead(True), x) == (("attention", "bmm"),)


def test_a_softmax_that_weighs_nothing_is_none() -> None:
    assert attention_calls(nn.Sequential(nn.Linear(6, 3), nn.Softmax(-1)), torch.rand(2, 6)) == ()
