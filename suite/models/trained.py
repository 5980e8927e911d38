"""Weights that the zoo's recipes made: where they are kept, how they are made, what there is."""

import json
import logging
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch

from suite.data import Dataset
from suite.errors import SuiteError, WorkFailed, did_you_mean
from suite.locks import made_once
from suite.models.build import architecture, find
from suite.models.classifier import Classifier
from suite.models.weights import accuracy_of, digest, read_metadata, read_weights, seal, write_weights
from suite.paths import cache_root
from suite.refs import Call
from suite.training import Epoch, Recipe, evaluate, fit, remove_checkpoint, resident

log = logging.getLogger("suite")


@dataclass(frozen=True)
class Trained:
    """Weights in the cache: canonical reference, data set, test accuracy in [0, 1], and the file.

    A file that is damaged tells neither data set nor accuracy, which are None.
    """

    model: str
    dataset: str | None
    accuracy: float | None
    path: Path


def weights_path(model: Call, dataset: Dataset) -> Path:
    """Where the trained weights of a canonical call lie, by the content of the data set."""
    return cache_root() / "models" / dataset.digest[:12] / f"{model}.safetensors"


def training_command(model: Call, dataset: Dataset) -> str:
    """The shell command that trains the model on the data set."""
    return f"suite models train {shlex.quote(str(model))} --dataset {shlex.quote(dataset.name)}"


def train(
    ref: str,
    dataset: Dataset,
    *,
    device: str | torch.device = "cpu",
    seed: int = 0,
    on_epoch: Callable[[Epoch], None] | None = None,
    **overrides: Any,
) -> Classifier:
    """Trains a zoo model with its recipe and stores it in the cache, where `load(ref, dataset)` finds it.

    Interrupted, the same call continues after the last finished epoch, to the same weights. Processes that train the
    same model on the same data set wait for each other.

    Args:
        ref: `name` or `name(argument=value)`.
        seed: of the initial weights and of every draw of the training.
        overrides: settings that replace the recipe's, e.g. `epochs=3`.

    Returns the classifier in eval mode on the device. Raises SuiteError for an unknown name, argument or
    setting, and WorkFailed when training diverges; then nothing is stored.
    """
    entry, model = find(ref)
    recipe = _changed(entry.recipe, overrides)
    classifier = architecture(ref, dataset).initial(seed, device)
    path = weights_path(model, dataset)
    with made_once(path, f"the weights of {model} on {dataset.name}"):
        return _train(classifier, recipe, dataset, path, seed, on_epoch)


def trained_weights(ref: str, dataset: Dataset, on_epoch: Callable[[Epoch], None] | None = None) -> Path:
    """Where the weights lie that a zoo reference without a file means: whole, and trained at once where they may be.

    Raises SuiteError where they are missing or damaged and training them would take long.
    """
    entry, model = find(ref)
    path = weights_path(model, dataset)
    if _is_whole(path):
        return path
    epochs = entry.epochs_at_once(len(dataset.train))
    if not epochs:
        what = f"{path} is damaged" if path.exists() else f"{model} is not trained on {dataset.name}"
        raise SuiteError(what, training_command(model, dataset))
    classifier = architecture(ref, dataset).initial(seed=0)
    with made_once(path, f"the weights of {model} on {dataset.name}"):
        if not _is_whole(path):
            if path.exists():
                log.warning("%s is damaged: %s is trained again", path, model)
            log.info("training %s on %s, once, for %d epochs", model, dataset.name, epochs)
            _train(classifier, replace(entry.recipe, epochs=epochs), dataset, path, 0, on_epoch)
    return path


def _train(
    classifier: Classifier,
    recipe: Recipe,
    dataset: Dataset,
    path: Path,
    seed: int,
    on_epoch: Callable[[Epoch], None] | None,
) -> Classifier:
    """Trains and stores; the caller holds the lock, which keeps the checkpoint from a second process."""
    model, device = classifier.info.name, classifier.mean.device
    checkpoint = path.with_suffix(".checkpoint")
    images, labels = resident(dataset.train, device)
    history = fit(classifier, images, labels, recipe, seed=seed, on_epoch=on_epoch, checkpoint=checkpoint)
    if history.diverged:
        remove_checkpoint(checkpoint)
        raise WorkFailed(
            f"training {model} on {dataset.name} diverged in epoch {len(history.epochs)}",
            f"try a learning rate below {recipe.learning_rate}",
        )
    accuracy = evaluate(classifier, *resident(dataset.test, device)).accuracy
    state = classifier.network.state_dict()
    info = replace(classifier.info, digest=digest(state), accuracy=accuracy, source=str(path))
    facts = {
        "model": info.name,
        "dataset": info.dataset,
        "dataset_digest": dataset.digest,
        "accuracy": repr(accuracy),
        "digest": info.digest,
        "recipe": json.dumps(asdict(recipe)),
        "seed": str(seed),
    }
    write_weights(path, state, facts | {"seal": seal(facts)})
    remove_checkpoint(checkpoint)
    classifier.info = info
    return classifier.eval()


def trained() -> Iterator[Trained]:
    """Every model in the cache, in order of model and data set. Tensors are not read: a damaged header is told."""
    found = [_described(path) for path in (cache_root() / "models").glob("*/*.safetensors")]
    return iter(sorted(found, key=lambda weights: (weights.model, weights.dataset or "", weights.path)))


def _described(path: Path) -> Trained:
    try:
        facts = read_metadata(path)
        if _is_sealed(facts) and (accuracy := accuracy_of(facts)) is not None:
            return Trained(facts["model"], facts["dataset"], accuracy, path)
    except SuiteError:
        pass  # told as damaged
    return Trained(path.stem, None, None, path)


def _is_whole(path: Path) -> bool:
    """Whether weights of ours are there, and as they were written."""
    if not path.is_file():
        return False
    try:
        weights = read_weights(path)
    except SuiteError:
        return False
    return _is_sealed(weights.metadata) and weights.metadata.get("digest") == digest(weights.state)


def _is_sealed(facts: Mapping[str, str]) -> bool:
    """Whether metadata are as they were written; weights from before there were seals still serve."""
    sealed = seal(facts)
    return facts.get("seal", sealed) == sealed


def _changed(recipe: Recipe, overrides: Mapping[str, Any]) -> Recipe:
    known = [field.name for field in fields(recipe)]
    for name in overrides:
        if name not in known:
            raise SuiteError(f"unknown recipe setting {name!r}", did_you_mean(name, known))
    return replace(recipe, **overrides)
