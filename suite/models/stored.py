"""Weights that the zoo's recipes made: where they lie, whether they are whole. Known without torch."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from suite.data import Dataset
from suite.errors import SuiteError
from suite.models.tensor_file import accuracy_of, digest_of_file, is_sealed, read_metadata
from suite.models.zoo import find
from suite.paths import cache_root
from suite.refs import Call

EMBEDDED = Path(__file__).parent / "embedded"
"""Weights that come with the package, in folders as the cache has them: the first commands then train nothing."""


@dataclass(frozen=True)
class Trained:
    """Weights in the cache or in the package: canonical reference, data set, test accuracy in [0, 1], and the file.

    A file that is damaged tells neither data set nor accuracy, which are None.
    """

    model: str
    dataset: str | None
    accuracy: float | None
    path: Path


def weights_path(model: Call, dataset: Dataset) -> Path:
    """Where training puts the weights of a canonical call, by the content of the data set."""
    return cache_root() / "models" / _name(model, dataset)


def kept_weights(path: Path, epoch: int) -> Path:
    """Where training puts the weights after an epoch, from 1, beside those of the last one at `path`."""
    return path.with_suffix(".epochs") / f"{epoch}.safetensors"


def found_weights(model: Call, dataset: Dataset) -> Path:
    """Where its weights are read: in the cache, or in the package where only that has them."""
    path, embedded = weights_path(model, dataset), EMBEDDED / _name(model, dataset)
    return embedded if embedded.exists() and not path.exists() else path


def published_weights(ref: str, dataset: Dataset) -> Path | None:
    """The file of published weights that a zoo model has for a data set, where there are none that a recipe made.

    Raises SuiteError where a package that brings them is not installed.
    """
    entry, model = find(ref)
    return None if found_weights(model, dataset).exists() else entry.published_weights(dataset)


def trained() -> Iterator[Trained]:
    """Every model with weights, in order of model and data set. Tensors are not read: a damaged header is told."""
    roots = (EMBEDDED, cache_root() / "models")
    paths = {path.relative_to(root): path for root in roots for path in root.glob("*/*.safetensors")}
    found = map(_described, paths.values())
    return iter(sorted(found, key=lambda weights: (weights.model, weights.dataset or "", weights.path)))


def whole_digest(path: Path) -> str | None:
    """The digest of weights of ours that are there, and as they were written; else None."""
    if not path.is_file():
        return None
    try:
        facts = read_metadata(path)
    except SuiteError:
        return None
    found = facts.get("digest")
    return found if is_sealed(facts) and found == digest_of_file(path) else None


def epochs_lacking(ref: str, dataset: Dataset) -> int:
    """For how many epochs a zoo model is trained at once, as its weights are asked for and are not whole.

    Raises SuiteError, with the command that trains it, where that would take long.
    """
    entry, model = find(ref)
    if not len(dataset.train):
        what = f"{dataset.name} has no training images, and there are no weights of {model} for it"
        raise SuiteError(what, f"give weights: {shlex.quote(f'{model}@FILE')}")
    epochs = entry.epochs_at_once(len(dataset.train))
    if not epochs:
        path = weights_path(model, dataset)
        what = f"{path} is damaged" if path.exists() else f"{model} is not trained on {dataset.name}"
        raise SuiteError(what, f"suite models train {shlex.quote(str(model))} --dataset {shlex.quote(dataset.name)}")
    return epochs


def _name(model: Call, dataset: Dataset) -> str:
    return f"{dataset.digest[:12]}/{model}.safetensors"


def _described(path: Path) -> Trained:
    try:
        facts = read_metadata(path)
        if is_sealed(facts) and (accuracy := accuracy_of(facts)) is not None:
            return Trained(facts["model"], facts["dataset"], accuracy, path)
    except SuiteError:
        pass  # told as damaged
    return Trained(path.stem, None, None, path)
