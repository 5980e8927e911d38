"""How the zoo's recipes make weights."""

import json
import logging
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import torch

from suite.data import Dataset
from suite.errors import SuiteError, WorkFailed, did_you_mean
from suite.files import of_temporary
from suite.locks import made_once
from suite.models.build import architecture
from suite.models.classifier import Classifier, ModelInfo
from suite.models.stored import epochs_lacking, found_weights, kept_weights, weights_path, whole_digest
from suite.models.tensor_file import read_metadata, seal
from suite.models.weights import digest, write_weights
from suite.models.zoo import find
from suite.training import Epoch, Recipe, evaluate, fit, remove_checkpoint, resident

log = logging.getLogger("suite")


def train(
    ref: str,
    dataset: Dataset,
    *,
    device: str | torch.device = "cpu",
    seed: int = 0,
    on_epoch: Callable[[Epoch], None] | None = None,
    keep: Collection[int] = (),
    **overrides: Any,
) -> Classifier:
    """Trains a zoo model with its recipe and stores it in the cache, where `load(ref, dataset)` finds it.

    Interrupted, the same call continues after the last finished epoch, to the same weights. Processes that train the
    same model on the same data set wait for each other.

    Args:
        ref: `name` or `name(argument=value)`.
        seed: of the initial weights and of every draw of the training.
        keep: epochs, from 1, after which the weights are stored as well, at `kept_weights`; what another training of
            the model kept there is removed.
        overrides: settings that replace the recipe's, e.g. `epochs=3`.

    Returns the classifier in eval mode on the device. Raises SuiteError for an unknown name, argument or
    setting and for epochs to keep that are not trained, and WorkFailed when training diverges; then nothing more is
    stored.
    """
    entry, model = find(ref)
    recipe = _changed(entry.recipe, overrides)
    if strangers := [epoch for epoch in keep if not 1 <= epoch <= recipe.epochs]:
        what = f"weights after epoch {strangers[0]} of {recipe.epochs} cannot be kept"
        raise SuiteError(what, f"give epochs from 1 to {recipe.epochs}")
    classifier = architecture(ref, dataset).initial(seed, device)
    path = weights_path(model, dataset)
    with made_once(path, f"the weights of {model} on {dataset.name}"):
        return _train(classifier, recipe, dataset, path, seed, on_epoch, keep)


def trained_weights(ref: str, dataset: Dataset, on_epoch: Callable[[Epoch], None] | None = None) -> Path:
    """Where the weights lie that a zoo reference without a file means: whole, and trained at once where they may be.

    Raises SuiteError where they are missing or damaged and training them would take long.
    """
    entry, model = find(ref)
    found = found_weights(model, dataset)
    if whole_digest(found) is not None:
        return found
    path = weights_path(model, dataset)
    epochs = epochs_lacking(ref, dataset)
    classifier = architecture(ref, dataset).initial(seed=0)
    with made_once(path, f"the weights of {model} on {dataset.name}"):
        if whole_digest(path) is None:
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
    keep: Collection[int] = (),
) -> Classifier:
    """Trains and stores; the caller holds the lock, which keeps the checkpoint from a second process."""
    model, device = classifier.info.name, classifier.mean.device
    checkpoint = path.with_suffix(".checkpoint")
    images, labels = resident(dataset.train, device)

    identity = {"recipe": json.dumps(asdict(recipe)), "seed": str(seed)}
    _forget_others(kept_weights(path, 1).parent, identity)

    def keep_weights(epoch: Epoch) -> None:
        number = epoch.number + 1
        if number in keep and math.isfinite(epoch.loss):
            _store(classifier, dataset, kept_weights(path, number), identity | {"epoch": str(number)})

    history = fit(
        classifier, images, labels, recipe,
        seed=seed, before_checkpoint=keep_weights, on_epoch=on_epoch, checkpoint=checkpoint,
    )  # fmt: skip
    if history.diverged:
        remove_checkpoint(checkpoint)
        raise WorkFailed(
            f"training {model} on {dataset.name} diverged in epoch {len(history.epochs)}",
            f"try a learning rate below {recipe.learning_rate}",
        )
    classifier.info = _store(classifier, dataset, path, identity)
    remove_checkpoint(checkpoint)
    return classifier.eval()


def _forget_others(folder: Path, identity: Mapping[str, str]) -> None:
    """Removes weights of earlier epochs that another training has kept there, and what a kill left half-made."""
    for file in () if folder.is_symlink() else folder.glob("*"):
        if of_temporary(file.name) or (file.suffix == ".safetensors" and not _is_of(file, identity)):
            file.unlink(missing_ok=True)


def _is_of(file: Path, identity: Mapping[str, str]) -> bool:
    try:
        return identity.items() <= read_metadata(file).items()
    except SuiteError:
        return False


def _store(classifier: Classifier, dataset: Dataset, path: Path, identity: Mapping[str, str]) -> ModelInfo:
    """Writes the weights as they are now, with their test accuracy; what is known of the model then."""
    accuracy = evaluate(classifier, *resident(dataset.test, classifier.mean.device)).accuracy
    state = classifier.network.state_dict()
    info = replace(classifier.info, digest=digest(state), accuracy=accuracy, source=str(path))
    facts = {
        "model": info.name,
        "dataset": info.dataset,
        "dataset_digest": dataset.digest,
        "accuracy": repr(accuracy),
        "digest": info.digest,
        **identity,
    }
    write_weights(path, state, facts | {"seal": seal(facts)})
    return info


def _changed(recipe: Recipe, overrides: Mapping[str, Any]) -> Recipe:
    known = [field.name for field in fields(recipe)]
    for name in overrides:
        if name not in known:
            raise SuiteError(f"unknown recipe setting {name!r}", did_you_mean(name, known))
    return replace(recipe, **overrides)
