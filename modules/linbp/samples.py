"""Which samples are attacked: those that the model classifies correctly when clean."""

import numpy as np
import torch
from torch import Tensor, nn

from suite import data
from suite.errors import SuiteError
from suite.models import Classifier


@torch.no_grad()
def predict(model: nn.Module, images: Tensor, batch_size: int) -> Tensor:
    """Classes (N,) of (N, C, H, W) images."""
    return torch.cat([model(batch).argmax(1) for batch in images.split(batch_size)])


def correctly_classified(
    model: Classifier, split: data.Split, limit: int | None, seed: int, *, device: torch.device, batch_size: int
) -> tuple[np.ndarray, float]:
    """Ids of the samples that the model classifies correctly, of a class-balanced choice, and their share of it.

    Raises SuiteError where they are fewer than two.
    """
    chosen = data.sample(split, limit, seed)
    correct = np.zeros(len(chosen), dtype=bool)
    for first in range(0, len(chosen), batch_size):
        ids = chosen[first : first + batch_size]
        classes = predict(model, split.pixels(ids, device), batch_size)
        correct[first : first + batch_size] = (classes == split.targets(ids, device)).cpu().numpy()
    if correct.sum() < 2:
        raise SuiteError(
            f"{model.info.ref} classifies {correct.sum()} of {len(chosen)} clean samples correctly",
            "attack a model that fits the data set, or raise --limit",
        )
    return chosen[correct], float(correct.mean())


def spread(ids: np.ndarray, count: int) -> np.ndarray:
    """A few of the ids, evenly over them: in a folder of classes, of different classes."""
    places = np.linspace(0, len(ids) - 1, min(count, len(ids)))
    chosen: np.ndarray = ids[places.astype(int)]
    return chosen
