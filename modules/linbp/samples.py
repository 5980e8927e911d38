"""Which samples are attacked: those that the model classifies correctly when clean."""

import hashlib
from collections.abc import Iterator

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
    right = correct(model, split, chosen, device=device, batch_size=batch_size)
    if right.sum() < 2:
        raise SuiteError(
            f"{model.info.ref} classifies {right.sum()} of {len(chosen)} clean samples correctly",
            "attack a model that fits the data set, or raise --limit",
        )
    return chosen[right], float(right.mean())


def beyond(split: data.Split, skip: int, limit: int, seed: int) -> np.ndarray:
    """Sorted ids of a class-balanced choice of `limit` samples, without the `skip` ones that a smaller choice has.

    Choices nest (suite.data.sample): none of these is among those that any study chose with a limit of at most `skip`
    and the same seed. Raises SuiteError where fewer than two are left.
    """
    before = data.sample(split, skip, seed) if skip else np.zeros(0, np.int64)
    left: np.ndarray = np.setdiff1d(data.sample(split, skip + limit, seed), before)
    if len(left) < 2:
        raise SuiteError(f"--skip {skip} leaves {len(left)} of {len(split)} test samples", "skip fewer")
    return left


def calibration_samples(dataset: data.Dataset, count: int, seed: int) -> data.Split:
    """A class-balanced choice of at most `count` training samples, without any whose image is in the test split.

    Raises SuiteError where none is left.
    """
    evaluated = set(_fingerprints(dataset.test.images))
    ids = data.sample(dataset.train, count, seed)
    images = dataset.train.images[ids]
    unseen = [fingerprint not in evaluated for fingerprint in _fingerprints(images)]
    if not any(unseen):
        raise SuiteError(
            f"every one of {len(ids)} training samples of {dataset.name} is in its test split too",
            "nothing is calibrated on the samples that are evaluated: give the place",
        )
    return data.Split(images[unseen], dataset.train.labels[ids][unseen])


def correct(
    model: nn.Module, split: data.Split, ids: np.ndarray, *, device: torch.device, batch_size: int
) -> np.ndarray:
    """(N,) booleans: whether the model classifies each of the (N,) ids correctly."""
    right = [
        predict(model, split.pixels(some, device), batch_size) == split.targets(some, device)
        for some in (ids[first : first + batch_size] for first in range(0, len(ids), batch_size))
    ]
    correctly: np.ndarray = torch.cat(right).cpu().numpy()
    return correctly


CHECKED = 128  # samples that the exact attack meets, too, where bfloat16 or a compiler rounds otherwise


def spread(ids: np.ndarray, count: int) -> np.ndarray:
    """A few of the ids, evenly over them: in a folder of classes, of different classes."""
    places = np.linspace(0, len(ids) - 1, min(count, len(ids)))
    chosen: np.ndarray = ids[places.astype(int)]
    return chosen


def _fingerprints(images: np.ndarray) -> Iterator[bytes]:
    return (hashlib.sha256(image.tobytes()).digest() for image in images)
