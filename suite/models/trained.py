"""Weights that the zoo's recipes made: where they are kept, how they are made, what there is."""

import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch

from suite.data import Dataset
from suite.errors import SuiteError, WorkFailed, did_you_mean
from suite.models.build import architecture, find
from suite.models.classifier import Classifier
from suite.models.weights import digest, read_metadata, write_weights
from suite.paths import cache_root
from suite.refs import Call
from suite.training import Epoch, Recipe, evaluate, fit, remove_checkpoint, resident


@dataclass(frozen=True)
class Trained:
    """Weights in the cache: canonical reference, data set, test accuracy in [0, 1], and the file."""

    model: str
    dataset: str
    accuracy: float
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

    Interrupted, the same call continues after the last finished epoch, to the same weights.

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
    metadata = {
        "model": info.name,
        "dataset": info.dataset,
        "dataset_digest": dataset.digest,
        "accuracy": repr(accuracy),
        "digest": info.digest,
        "recipe": json.dumps(asdict(recipe)),
        "seed": str(seed),
    }
    write_weights(path, state, metadata)
    remove_checkpoint(checkpoint)
    classifier.info = info
    return classifier.eval()


def trained() -> Iterator[Trained]:
    """Every model in the cache, in order of model and data set."""
    paths = (cache_root() / "models").glob("*/*.safetensors")
    found = [(path, read_metadata(path)) for path in paths]
    for path, facts in sorted(found, key=lambda pair: (pair[1]["model"], pair[1]["dataset"])):
        yield Trained(facts["model"], facts["dataset"], float(facts["accuracy"]), path)


def _changed(recipe: Recipe, overrides: Mapping[str, Any]) -> Recipe:
    known = [field.name for field in fields(recipe)]
    for name in overrides:
        if name not in known:
            raise SuiteError(f"unknown recipe setting {name!r}", did_you_mean(name, known))
    return replace(recipe, **overrides)
