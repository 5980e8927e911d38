"""One I-FGSM trajectory under a gradient rule: the losses it meets, and its gradients beside the true ones."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modules.linbp.batches import even
from suite.attacks import LOSSES, Autograd, Differentiator, Engine, Settings, iterate
from suite.attacks.losses import Cotangent
from suite.gradients.diagnostics import Comparison, compare


@dataclass(frozen=True)
class Trajectory:
    """The K steps of N samples.

    Attributes:
        fooled: (N, K+1), whether the iterate was ever misclassified up to step k.
        adversarials: (N, C, H, W), the K-th iterates.
        loss: (N, K+1), the true model's cross-entropy at iterate k, in nats.
        gradients: at iterates 0..K-1, (K, W) for the W watched samples, in their order.
    """

    fooled: Tensor
    adversarials: Tensor
    loss: Tensor
    gradients: Comparison


def watched_trajectory(
    model: nn.Module,
    engine: Engine,
    images: Tensor,
    labels: Tensor,
    watched: Tensor,
    eps: float,
    settings: Settings,
    *,
    batch_size: int,
) -> Trajectory:
    """Every sample of images (N, C, H, W) takes all K steps, so that losses are those of the K-th iterate.

    Args:
        model: the true model, frozen.
        engine: its gradients under a rule, exact (`judge` None).
        watched: (N,) bool, the samples at whose iterates the true gradient is computed as well.
        settings: `early_stop` must be off.

    Cost: K backward and K+1 forward passes a sample, K more of both for a watched one.
    """
    parts = []
    for batch in torch.arange(len(images), device=images.device).split(even(len(images), batch_size)):
        x, y = images[batch], labels[batch]
        watch = _Watch(model, engine, y, watched[batch], settings.loss)
        parts.append((iterate(watch, watch.predict, x, y, (eps,), settings), watch))
    return Trajectory(
        torch.cat([part.fooled[0] for part, _ in parts]).cummax(1).values,
        torch.cat([part.adversarials[0] for part, _ in parts]),
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
    batches = [watch.gradients for watch in watches if watch.gradients]
    if not batches:
        return Comparison(*(torch.empty(0, 0) for _ in range(3)))

    def joined(name: str) -> Tensor:
        return torch.cat([torch.stack([getattr(step, name) for step in steps]) for steps in batches], 1)

    return Comparison(joined("cosine"), joined("norm_ratio"), joined("sign_agreement"))
