"""How much a net's gradient can change within a ball around x: the supremum in the proof outline (Wang et al., Sec. 4).

    D(R) = sup over ||delta|| <= R of ||grad f(x) - grad f(x + delta)||

The gradient is constant between the neurons' hyperplanes, so that D has no gradient to follow. The ascent follows that
of a smoothed one: hard gates in the difference itself, a logistic density of the distances to the hyperplanes in its
derivative. What it finds is a change at a point of the ball, so a lower bound of D; so is what random and straight
steps find.
"""

import torch
from torch import Tensor

from modules.lazy_regime.nets import LazyNets

WIDTHS = (1.0, 0.5, 0.2, 0.08)  # of the density in units of the radius: coarse to fine
STEP = 1.0  # of the radius, with the widest density; in proportion to it after


@torch.no_grad()
def change(nets: LazyNets, x: Tensor, delta: Tensor) -> Tensor:
    """grad f(x + delta) - grad f(x) (S, N, d) at points and perturbations (S, N, d)."""
    return nets.value_and_gradient(x + delta)[1] - nets.value_and_gradient(x)[1]


def sampled(nets: LazyNets, x: Tensor, radius: Tensor, draws: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Mean and largest length of the change over `draws` uniform directions at the radius (S, N) from x."""
    changes = torch.stack([_length(change(nets, x, _random(x, radius, generator))) for _ in range(draws)])
    return changes.mean(0), changes.amax(0)


def on_the_way(nets: LazyNets, x: Tensor, direction: Tensor, radius: Tensor, places: int = 32) -> Tensor:
    """The largest change (S, N) at places of a straight step, radius (S, N) long, along unit vectors (S, N, d)."""
    shares = [(place + 1) / places for place in range(places)]
    changes = [_length(change(nets, x, share * radius[..., None] * direction)) for share in shares]
    return torch.stack(changes).amax(0)


@torch.no_grad()
def ascended(nets: LazyNets, x: Tensor, start: Tensor, radius: Tensor, steps: int) -> Tensor:
    """The largest change (S, N) that projected ascent from perturbations (S, N, d) of any length finds in the ball."""
    delta = _onto(start, radius)
    before = nets.value_and_gradient(x)[1]
    head = (nets.signs / nets.scale)[:, None]
    best = torch.zeros_like(radius)
    for step in range(steps):
        width = WIDTHS[step * len(WIDTHS) // steps]
        inner = nets.inner(x + delta)
        changed = ((inner > 0) * head) @ nets.weight - before
        best = torch.maximum(best, _length(changed))
        density = inner.div_(width * radius[..., None]).sigmoid_()
        pull = density.mul_(1 - density).mul_(changed @ nets.weight.mT).mul_(head)
        uphill = _onto(pull @ nets.weight, STEP * width / WIDTHS[0] * radius)
        delta = _within(delta + uphill, radius)
    return torch.maximum(best, _length(change(nets, x, delta)))


def supremum(
    nets: LazyNets, x: Tensor, direction: Tensor, radius: Tensor, steps: int, restarts: int, generator: torch.Generator
) -> Tensor:
    """The largest change (S, N) found from the step's own direction (S, N, d) and from `restarts` random ones."""
    starts = [direction] + [_random(x, radius, generator) for _ in range(restarts)]
    return torch.stack([ascended(nets, x, start, radius, steps) for start in starts]).amax(0)


def _random(x: Tensor, radius: Tensor, generator: torch.Generator) -> Tensor:
    """Uniform perturbations (S, N, d) of length radius (S, N), drawn on the CPU: alike on every device."""
    drawn = torch.randn(*radius.shape, x.shape[-1], generator=generator)
    return _onto(drawn.to(x.device, x.dtype), radius)


def _onto(vectors: Tensor, lengths: Tensor) -> Tensor:
    """The vectors (S, N, d) scaled to these lengths (S, N); 0 stays 0."""
    return vectors * (lengths / _length(vectors).clamp(min=torch.finfo(vectors.dtype).tiny))[..., None]


def _within(vectors: Tensor, radius: Tensor) -> Tensor:
    """The nearest vectors in the balls."""
    return torch.where((_length(vectors) > radius)[..., None], _onto(vectors, radius), vectors)


def _length(vectors: Tensor) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(vectors, dim=-1)
    return length
