"""Which samples are attacked: those that the model classifies correctly when clean."""

import hashlib
import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from suite import data
from suite.errors import SuiteError
from suite.models import Classifier

BATCH = 64  # images attacked at once unless a study says otherwise, where they are of CIFAR-10's size or larger
VALUES = BATCH * 3 * 32 * 32


def at_once(asked: int | None, split: data.Split) -> int:
    """Images attacked at once: `asked`; else 64, and of images smaller than CIFAR-10's as many as have as many values.

    Of a few small images a step costs its calls, not its sums.
    """
    return asked or max(BATCH, VALUES // int(np.prod(split.images.shape[1:])))


def even(count: int, at_once: int) -> int:
    """Rows of a batch, at most `at_once`, such that `count` rows come in batches of about one size.

    A few rows left over would cost nearly what a whole batch does.
    """
    return math.ceil(count / math.ceil(count / at_once))


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


def spread(ids: np.ndarray, count: int) -> np.ndarray:
    """A few of the ids, evenly over them: in a folder of classes, of different classes."""
    places = np.linspace(0, len(ids) - 1, min(count, len(ids)))
    chosen: np.ndarray = ids[places.astype(int)]
    return chosen


def _fingerprints(images: np.ndarray) -> Iterator[bytes]:
    return (hashlib.sha256(image.tobytes()).digest() for image in images)
