"""Loss and accuracy of a model on a whole set."""

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from suite.training.batches import as_pixels
from suite.training.mode import in_mode


class Evaluation(NamedTuple):
    """Mean cross-entropy in nats and the share of correct predictions in [0, 1]."""

    loss: float
    accuracy: float


def evaluate(model: nn.Module, images: torch.Tensor, labels: torch.Tensor, batch_size: int = 500) -> Evaluation:
    """Cross-entropy and accuracy in eval mode, without gradients; one forward pass.

    Args:
        model: pixels in [0, 1] to logits, on the device of the images.
        images: (N, C, H, W), uint8 or float pixels in [0, 1].
        labels: (N,) int64.
    """
    loss = torch.zeros((), dtype=torch.float64, device=labels.device)
    correct = torch.zeros((), dtype=torch.int64, device=labels.device)
    with in_mode(model, training=False), torch.no_grad():
        for ids in torch.split(torch.arange(len(labels), device=labels.device), batch_size):
            targets = labels[ids]
            logits = model(as_pixels(images[ids]))
            loss += F.cross_entropy(logits, targets, reduction="sum")
            correct += (logits.argmax(1) == targets).sum()
    return Evaluation(float(loss) / len(labels), float(correct) / len(labels))
