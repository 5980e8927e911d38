"""How the input gradient under a rule stands to the true one: its angle, its length, its signs; sample by sample.

For any model and rule, at any inputs or along the path of an attack:

    compare_rule(model, partial(linbp, start="layer3"), images, labels, LOSSES["ce"]).cosine      # (N,)
    compare_along(model, rule, iterates, labels, LOSSES["ce"]).norm_ratio                         # (steps, N)

A model in train mode mixes the samples of a batch by its batch norms: use eval mode.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from suite.gradients.rule import GradientRule

Loss = Callable[[Tensor, Tensor], Tensor]
"""Logits (B, C), labels (B,) -> d loss / d logits (B, C), the loss summed over samples (suite.attacks.LOSSES)."""


@dataclass(frozen=True)
class Comparison:
    """A rule's gradients g against the true ones h, as float64 of shape (N,), or (steps, N) along a path.

    cosine: <g, h> / (|g| |h|) in [-1, 1]. norm_ratio: |g| / |h| >= 0, l2 norms over the sample.
    sign_agreement: share in [0, 1] of the entries whose signs are equal, a zero being equal to a zero only.

    Where h is zero none of them is defined, and where g alone is zero only the norm ratio (0) is: NaN stands there.
    """

    cosine: Tensor
    norm_ratio: Tensor
    sign_agreement: Tensor

    @property
    def undefined(self) -> Tensor:
        """Samples (bool, of the same shape) without an angle: a gradient is zero, or is not finite."""
        return self.cosine.isnan()


def compare(gradient: Tensor, true: Tensor) -> Comparison:
    """Compares gradients (N, ...) with the true ones of the same samples, in float64 and safe from underflow."""
    (direction, length), (true_direction, true_length) = _polar(gradient), _polar(true)
    defined = (length > 0) & (true_length > 0)
    cosine = (direction * true_direction).sum(1).clamp(-1, 1)
    agreement = (gradient.sign() == true.sign()).flatten(1).double().mean(1)
    nan = torch.full_like(cosine, torch.nan)
    return Comparison(
        torch.where(defined, cosine, nan),
        torch.where(true_length > 0, length / torch.where(true_length > 0, true_length, 1), nan),
        torch.where(defined & cosine.isfinite(), agreement, nan),
    )


def compare_rule(
    model: nn.Module, rule: GradientRule, x: Tensor, labels: Tensor, loss: Loss, *, batch_size: int = 64
) -> Comparison:
    """Compares the input gradients of `rule(model)` with those of `model` at x (N, ...), labels (N,).

    Exact: both gradients are autograd's, for the same cotangents. Cost: two forward and two backward passes.
    """
    changed, parts = rule(model), []
    for batch in torch.arange(len(x), device=x.device).split(batch_size):
        pair = (input_gradient(net, x[batch], labels[batch], loss) for net in (changed, model))
        parts.append(compare(*pair))
    return _joined(torch.cat, parts)


def compare_along(
    model: nn.Module,
    rule: GradientRule,
    iterates: Iterable[Tensor],
    labels: Tensor,
    loss: Loss,
    *,
    batch_size: int = 64,
) -> Comparison:
    """The same at every iterate (N, ...) of an attack's path on the samples of labels (N,): (number of iterates, N)."""
    return _joined(torch.stack, [compare_rule(model, rule, x, labels, loss, batch_size=batch_size) for x in iterates])


def input_gradient(model: nn.Module, x: Tensor, labels: Tensor, loss: Loss) -> Tensor:
    """d loss / d x (B, ...) of one batch by autograd; no gradient of a weight is computed or stored."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        logits = model(x)
        (gradient,) = torch.autograd.grad(logits, x, loss(logits.detach(), labels))
    return gradient


def _polar(gradient: Tensor) -> tuple[Tensor, Tensor]:
    """Directions (N, d), zero for a zero gradient, and lengths (N,); scaled first, since squares of 1e-200 vanish."""
    flat = gradient.flatten(1).double()
    largest = flat.abs().amax(1, keepdim=True)
    scaled = flat / torch.where(largest > 0, largest, 1)
    norm = scaled.norm(dim=1, keepdim=True)
    return scaled / norm.clamp(min=1), (largest * norm).squeeze(1)


def _joined(join: Callable[[list[Tensor]], Tensor], parts: list[Comparison]) -> Comparison:
    return Comparison(
        join([part.cosine for part in parts]),
        join([part.norm_ratio for part in parts]),
        join([part.sign_agreement for part in parts]),
    )
