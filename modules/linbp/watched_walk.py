"""One I-FGSM walk under a gradient rule, watched: where it gets, and how its gradients stand to the true ones."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from suite.attacks import LOSSES, Autograd, Differentiator, Engine, Settings, iterate
from suite.attacks.losses import Cotangent
from suite.gradients.diagnostics import Comparison, compare


@dataclass(frozen=True)
class Walk:
    """What N samples met on K steps.

    fooled (N, K+1): whether the iterate was ever misclassified up to step k; adversarials (N, ...): the K-th iterates;
    loss (N, K+1): the true model's cross-entropy at iterate k, in nats;
    gradients: at iterates 0..K-1, (K, W) for the W watched samples, in their order.
    """

    fooled: Tensor
    adversarials: Tensor
    loss: Tensor
    gradients: Comparison


def watched_walk(
    model: nn.Module,
    engine: Engine,
    images: Tensor,
    labels: Tensor,
    watched: Tensor,
    eps: float,
    settings: Settings,
    *,
    batch_size: int,
) -> Walk:
    """Every sample of images (N, C, H, W) walks all K steps, so that losses are those of the K-th iterate.

    Args:
        model: the true model, frozen.
        engine: its gradients under a rule, exact (`judge` None).
        watched: (N,) bool, the samples at whose iterates the true gradient is computed as well.
        settings: `early_stop` must be off.

    Cost: K backward and K+1 forward passes a sample, K more of both for a watched one.
    """
    parts = []
    for batch in torch.arange(len(images), device=images.device).split(batch_size):
        x, y = images[batch], labels[batch]
        watch = _Watch(model, engine, y, watched[batch], settings.loss)
        trajectory = iterate(watch, watch.predict, x, y, (eps,), settings)
        parts.append((trajectory, watch))
    return Walk(
        torch.cat([trajectory.fooled[0] for trajectory, _ in parts]).cummax(1).values,
        torch.cat([trajectory.adversarials[0] for trajectory, _ in parts]),
        torch.cat([torch.stack(watch.losses, 1) for _, watch in parts]),
        _side_by_side([watch for _, watch in parts]),
    )


class _Watch:
    """A Differentiator that notes the losses of all rows and compares the gradients of the watched ones."""

    def __init__(self, model: nn.Module, engine: Engine, labels: Tensor, watched: Tensor, loss: str) -> None:
        self.true: Differentiator = Autograd(model)
        self.engine, self.labels, self.watched, self.loss = engine, labels, watched, LOSSES[loss]
        self.losses: list[Tensor] = []
        self.gradients: list[Comparison] = []

    def __call__(self, x: Tensor, cotangent: Cotangent) -> tuple[Tensor, Tensor]:
        logits, gradient = self.engine.differentiate(x, cotangent)
        self._note(logits)
        labels = self.labels[self.watched]
        if len(labels):
            _, true = self.true(x[self.watched], lambda z: self.loss(z, labels))
            self.gradients.append(compare(gradient[self.watched], true))
        return logits, gradient

    def predict(self, x: Tensor) -> Tensor:
        """Logits of the last iterate."""
        logits = self.engine.predict(x)
        self._note(logits)
        return logits

    def _note(self, logits: Tensor) -> None:
        self.losses.append(F.cross_entropy(logits.double(), self.labels, reduction="none"))


def _side_by_side(watches: list[_Watch]) -> Comparison:
    """Comparisons (K, W) of all batches that hold watched samples."""
    found = [watch.gradients for watch in watches if watch.gradients]
    if not found:
        return Comparison(*(torch.empty(0, 0) for _ in range(3)))

    def joined(name: str) -> Tensor:
        return torch.cat([torch.stack([getattr(step, name) for step in steps]) for steps in found], 1)

    return Comparison(joined("cosine"), joined("norm_ratio"), joined("sign_agreement"))
