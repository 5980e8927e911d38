"""Gradient descent on the adversarial risk of many data sets at many attack strengths, as one tensor computation."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from modules.phase_transition.data_sets import DataSets


@dataclass(frozen=True)
class State:
    """[theta, 1] (R, E, k + 1), |theta|, mean |r| (R, E); moved: G [theta, 1], G the Gram matrix of [X, -y] over n."""

    augmented: Tensor
    norm: Tensor
    absolute: Tensor
    moved: Tensor

    @property
    def theta(self) -> Tensor:
        """(R, E, k)."""
        return self.augmented[..., :-1]

    @property
    def squared(self) -> Tensor:
        """Mean r^2 (R, E)."""
        return (self.augmented * self.moved).sum(-1)

    def risk(self, eps: Tensor) -> Tensor:
        """Adversarial training loss (R, E) at strengths eps (E,)."""
        return self.squared + 2 * eps * self.norm * self.absolute + (eps * self.norm) ** 2


def descend(data: DataSets, eps: Tensor, rate: float, start: Tensor | None = None) -> Iterator[State]:
    """theta^(0) = 0, or start (R, E, k), then theta^(1), ... at strengths eps (E,), 0 for clean, at one learning rate.

    With Xa = [X, -y] and theta_a = [theta, 1] the residuals are Xa theta_a, and with s = sgn(r) both X^T s and |r|_1 =
    theta_a^T Xa^T s come from one product; X^T r and |r|^2 need the Gram matrix alone. Only r and s have n entries.
    """
    samples = torch.cat([data.X.mT, -data.y[..., None, :]], -2)
    n = samples.shape[-1]
    gram = samples @ samples.mT / n
    theta = samples.new_zeros(len(samples), len(eps), samples.shape[-2])
    theta[..., -1] = 1
    if start is not None:
        theta[..., :-1] = start
    strength = eps[:, None]
    steps = torch.full_like(theta[0, 0], -2 * rate)
    steps[-1] = 0  # the last coordinate is the constant 1
    while True:
        signs = (theta @ samples).sign_() @ samples.mT / n
        moved = theta @ gram
        norm = torch.linalg.vector_norm(theta[..., :-1], dim=-1, keepdim=True)
        absolute = (theta * signs).sum(-1, keepdim=True)
        yield State(theta, norm[..., 0], absolute[..., 0], moved)
        shrinking = strength**2 + (strength * absolute / norm).where(norm > 0, 0)
        gradient = torch.addcmul(torch.addcmul(moved, strength * norm, signs), shrinking, theta)
        theta = torch.addcmul(theta, steps, gradient)


def clean_end(data: DataSets, rate: float, steps: int) -> tuple[Tensor, Tensor]:
    """theta^(steps) (R, k) of the clean path and its training loss (R,), without the path.

    In the eigenbasis of G = X^T X / n each coordinate of X^T y / n is taken times (1 - (1 - 2 rate g)^steps) / g.
    """
    n = data.X.shape[-2]
    values, vectors = torch.linalg.eigh(data.X.mT @ data.X / n)
    target = (data.y[..., None, :] @ data.X).squeeze(-2) / n
    done = torch.where(
        values > 1e-12, (1 - (1 - 2 * rate * values) ** steps) / values.clamp(min=1e-12), 2 * rate * steps
    )
    theta = (vectors @ (done * (target[..., None, :] @ vectors).squeeze(-2))[..., None]).squeeze(-1)
    residual = (data.X @ theta[..., None]).squeeze(-1) - data.y
    return theta, residual.square().mean(-1)
