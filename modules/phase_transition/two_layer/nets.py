"""Two-layer nets with a fixed second layer (Eq. 3), many as one batch, trained by gradient descent under l2 attack.

Axes: data sets S, strengths E, samples n, hidden nodes h, dimensions d.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import log, pi, sqrt

import torch
from torch import Tensor
from torch.nn import functional as F

from modules.phase_transition.adversarial_risk import unit


@dataclass(frozen=True)
class Activation:
    """phi with phi(0) = 0, its derivative phi', and slope = phi'(0)."""

    value: Callable[[Tensor], Tensor]
    first: Callable[[Tensor], Tensor]
    slope: float


ACTIVATIONS = {
    "softplus": Activation(lambda z: F.softplus(z) - log(2), torch.sigmoid, 0.5),
    "tanh": Activation(torch.tanh, lambda z: 1 - torch.tanh(z).square(), 1.0),
    "gelu": Activation(
        F.gelu, lambda z: torch.special.ndtr(z) + z * torch.exp(-z.square() / 2) / sqrt(2 * pi), 0.5
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Nets:
    """theta (S, E, h, d) and the fixed a (S, 1, h) of f(x) = sum_j a_j phi(x^T theta_j) / sqrt(h)."""

    theta: Tensor
    a: Tensor
    phi: Activation

    @property
    def output(self) -> Tensor:
        """a_j / sqrt(h)."""
        return self.a / sqrt(self.a.shape[-1])

    def effective(self) -> Tensor:
        """beta (S, E, d) of the net's linear part x^T beta: phi'(0) sum_j a_j theta_j / sqrt(h) (App. C.3)."""
        return self.phi.slope * (self.output[..., None, :] @ self.theta).squeeze(-2)

    def value(self, x: Tensor) -> Tensor:
        """f (S, E, n) at x (S, 1 or E, n, d)."""
        f: Tensor = (self.phi.value(x @ self.theta.mT) @ self.output[..., None]).squeeze(-1)
        return f

    def input_gradient(self, x: Tensor) -> Tensor:
        """df/dx (S, E, n, d)."""
        return (self.phi.first(x @ self.theta.mT) * self.output[..., None, :]) @ self.theta

    def loss_gradient(self, x: Tensor, y: Tensor) -> Tensor:
        """Gradient of the mean of (f(x) - y)^2 in theta (S, E, h, d), for y (S, 1, n)."""
        z = x @ self.theta.mT
        residual = (self.phi.value(z) @ self.output[..., None]).squeeze(-1) - y
        signal = 2 / y.shape[-1] * residual[..., None] * self.phi.first(z) * self.output[..., None, :]
        return signal.mT @ x


def attacked(nets: Nets, x: Tensor, y: Tensor, eps: Tensor, steps: int) -> Tensor:
    """Inputs (S, E, n, d) within l2 distance eps (E,) that raise (f - y)^2: FGM in one step, else projected ascent.

    The first step goes to the sphere, along sgn(f - y) df/dx as in the linear model; each further one moves by
    2.5 eps / steps and is projected onto the ball.
    """
    radius = eps[:, None, None]
    sign = (nets.value(x) - y).sign()[..., None]
    delta = radius * sign * unit(nets.input_gradient(x))
    for _ in range(steps - 1):
        sign = (nets.value(x + delta) - y).sign()[..., None]
        delta = delta + 2.5 / steps * radius * sign * unit(nets.input_gradient(x + delta))
        length = torch.linalg.vector_norm(delta, dim=-1, keepdim=True)
        delta = delta * (radius / length.maximum(radius).clamp(min=1e-300))
    return x + delta


def train(nets: Nets, x: Tensor, y: Tensor, eps: Tensor, linear_rate: float, attack_steps: int) -> Iterator[Nets]:
    """The nets at step 0, 1, ... of full gradient descent on x (S, n, d), y (S, n), at the learning rate of Prop. 1."""
    x, y = x[:, None], y[:, None]
    rate = learning_rate(linear_rate, nets.a, nets.phi.slope)[..., None, None]
    while True:
        yield nets
        at = attacked(nets, x, y, eps, attack_steps)
        nets = Nets(nets.theta - rate * nets.loss_gradient(at, y), nets.a, nets.phi)


def learning_rate(linear_rate: float, a: Tensor, slope: float) -> Tensor:
    """Learning rate eta (...) at which a two-layer net's effective coefficient moves as the linear one does (Prop. 1).

    f(x) = sum_j a_j phi(x^T theta_j) / sqrt(h), a (..., h), slope = phi'(0). To first order f(x) = x^T beta with
    beta = slope sum_j a_j theta_j / sqrt(h); a gradient step on theta moves beta by -eta slope^2 |a|^2 / h times the
    linear model's gradient, hence eta = linear_rate h / (|a|^2 slope^2).
    """
    return linear_rate * a.shape[-1] / (a.square().sum(-1) * slope**2)
