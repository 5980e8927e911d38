"""l2-PGD on many lazy nets side by side, each with its own eps (Wang et al. 2022, Sec. 5.2; Madry et al. 2018).

From delta = 0, T steps of length 2.5 eps / T along the loss's normalised gradient, each projected onto the l2 ball of
radius eps. The loss falls with y f, so its gradient is -y grad f times a positive number, which normalising cancels:
the attack follows -y grad f itself, and where the loss is flat in float32 it still has a direction.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from modules.lazy_regime.nets import LazyNets
from suite.attacks import frozen
from suite.gradients import GradientRule, Rectified, linear, rules_of

REACH = 2.5  # the steps' lengths add up to this many eps (Madry et al. 2018)
MEMORY = 2**21  # numbers in the largest tensor, nets x points x neurons, that is held at once

Field = Callable[[Tensor], Tensor]
"""Points (S, N, d) -> the direction in which each of S nets grows there, of any length: (S, N, d) or (S, 1, d)."""


@dataclass(frozen=True)
class Attack:
    """Settings of the attack.

    steps: T. clip: x + delta stays in [0, 1], as in the released code; the theory knows no such limit.
    """

    steps: int = 100
    clip: bool = False


def gradient_field(nets: LazyNets, rule: GradientRule) -> Field:
    """Where a gradient rule sends f uphill, for the weights that the nets have at this moment.

    Closed forms for backpropagation and for a linear backward pass (LinBP), whose direction is the same at all points;
    autograd for any other rule.

    Raises:
        SuiteError: the rule cannot be applied to the nets.
    """
    model = rule(nets)
    rules = rules_of(model)
    if model is nets:
        return _backpropagation(nets)
    if len(rules) == 1 and isinstance(rules[0], Rectified) and rules[0].substitute is linear:
        with torch.no_grad():  # a start that is not there shows at the first forward pass only
            model(nets.weight[0, :1])
        direction = nets.linear_direction()
        return lambda points: direction

    def differentiate(points: Tensor) -> Tensor:
        points = points.detach().requires_grad_()
        with torch.enable_grad(), frozen(nets):
            (gradient,) = torch.autograd.grad(model(points).sum(), points)
        return gradient

    return differentiate


@torch.no_grad()
def correct(nets: LazyNets, x: Tensor, y: Tensor) -> Tensor:
    """How many of the points (N, d) or (S, N, d) with labels (N,) each net gets right, (S,) int64."""
    S, m, d = nets.shape
    x = x.expand(S, -1, d)
    counts = [(nets(x[:, here]) * y[here] > 0).sum(1) for here in parts(len(y), S * max(m, d))]
    return torch.stack(counts).sum(0)


def parts(points: int, numbers: int) -> list[slice]:
    """The points in parts that keep within MEMORY where one of them takes that many numbers."""
    length = max(1, MEMORY // numbers)
    return [slice(first, first + length) for first in range(0, points, length)]


@torch.no_grad()
def l2_pgd(field: Field, x: Tensor, y: Tensor, eps: Tensor, attack: Attack, width: int) -> Tensor:
    """Adversarial points (S, N, d): the last iterates.

    Args:
        x: (N, d), the same points for all nets, or (S, N, d).
        y: labels (N,) or (S, N), +-1.
        eps: radius of the ball, > 0: (S,) for each net, or (S, N) for each point of it.
        width: neurons of a net; with it the points go in parts that keep within MEMORY.
    """
    S, (N, d) = len(eps), x.shape[-2:]
    x, y, radii = x.expand(S, N, d), y.expand(S, N), eps.view(S, -1, 1).expand(S, N, 1)
    crafted = torch.empty_like(x, memory_format=torch.contiguous_format)
    for here in parts(N, S * max(width, d)):
        crafted[:, here] = _trajectory(field, x[:, here], y[:, here, None], radii[:, here], attack)
    return crafted


def _trajectory(field: Field, x: Tensor, y: Tensor, eps: Tensor, attack: Attack) -> Tensor:
    delta, stride = torch.zeros_like(x, memory_format=torch.contiguous_format), -REACH / attack.steps * eps * y
    smallest = torch.finfo(x.dtype).tiny  # a gradient of zero makes no step
    for _ in range(attack.steps):
        uphill = field(x + delta)
        delta += uphill * (stride / _norms(uphill).clamp_(min=smallest))
        if attack.clip:
            torch.minimum(torch.maximum(delta, -x, out=delta), 1 - x, out=delta)
        delta *= eps / torch.maximum(_norms(delta), eps)
    return x + delta


def _norms(vectors: Tensor) -> Tensor:
    norms: Tensor = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
    return norms


def _backpropagation(nets: LazyNets) -> Field:
    """sqrt m grad f = sum_s 1[w_s . x + b_s > 0] a_s w_s: two matrix products, and one comparison in place."""
    signed = (nets.signs[..., None] * nets.weight).detach()

    def field(points: Tensor) -> Tensor:
        return nets.inner(points).gt_(0) @ signed

    return field
