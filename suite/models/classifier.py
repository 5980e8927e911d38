"""A classifier on pixels: a network with its input normalisation inside, and what is known of its weights."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class ModelInfo:
    """Where a model comes from.

    Args:
        ref: the reference as typed.
        name: the architecture's canonical spelling, e.g. `wrn34(width=1)`.
        dataset: name of the data set it classifies.
        digest: sha256 over the weights' names, shapes and values, whatever file they came from.
        accuracy: on the data set's test split, in [0, 1]; None where nobody measured it.
        source: where the weights were read, in words.
    """

    ref: str
    name: str
    dataset: str
    digest: str
    accuracy: float | None
    source: str


class Classifier(nn.Module):
    """Takes pixels (B, C, H, W) in [0, 1] and returns logits (B, num_classes): network((x - mean) / std).

    Args:
        network: takes normalised pixels; its parameter names are the well-known ones.
        info: where the weights come from.
        mean, std: per channel, in units of [0, 1] pixels. Where they are 0 and 1 nothing is computed.
        linbp_start: where LinBP starts: a module path in `network`, or the index of a rectifier call.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(
        self,
        network: nn.Module,
        info: ModelInfo,
        *,
        mean: Sequence[float] = (0.0,),
        std: Sequence[float] = (1.0,),
        linbp_start: str | int | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.info = info
        self.linbp_start = linbp_start
        self.normalises = any(mean) or any(value != 1 for value in std)
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1), persistent=False)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.network((pixels - self.mean) / self.std if self.normalises else pixels)
        return logits
