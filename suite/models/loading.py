"""From a model reference to a classifier with weights."""

import hashlib
import logging
from dataclasses import replace
from pathlib import Path

import torch

from suite.data import Dataset
from suite.errors import SuiteError
from suite.models.build import find, untrained
from suite.models.classifier import Classifier
from suite.models.foreign import from_import, from_torchvision
from suite.models.trained import train, training_command, weights_path
from suite.models.weights import check_finite, digest, fill, read_metadata, read_weights
from suite.paths import runs_root
from suite.training import Epoch

log = logging.getLogger("suite")


def load(ref: str, dataset: Dataset, *, device: str | torch.device = "cpu") -> Classifier:
    """The model that a reference names, with weights, in eval mode on the device.

    Args:
        ref: `name` or `name(width=10)` (trained by `train` before), `name@PATH` (weights from a file),
            `run:RUN/NAME` (saved by an earlier run), `torchvision:NAME`, or `import:package.module:factory`.
        dataset: gives the images' shape and the number of classes.

    Raises SuiteError when the reference cannot be read, when weights are absent, damaged, refused, not
    finite or another architecture's, and when classes or images do not match. Weights are never invented:
    only the default model, `digits-cnn`, is trained on the spot, briefly where the data set is large, and
    `mnist-cnn` where it is small.
    """
    if ref.startswith("torchvision:"):
        classifier = from_torchvision(ref, dataset)
    elif ref.startswith("import:"):
        classifier = from_import(ref, dataset)
    elif ref.startswith("run:"):
        classifier = _from_run(ref, dataset)
    elif "@" in ref:
        name, _, path = ref.partition("@")
        classifier = _with_weights(untrained(name, dataset, "meta"), ref, Path(path))
    else:
        classifier = _from_cache(ref, dataset)
    return classifier.to(device).eval()


def _from_cache(ref: str, dataset: Dataset) -> Classifier:
    entry, model = find(ref)
    classifier = untrained(ref, dataset, "meta")  # first: what cannot be built is not to be trained either
    path = weights_path(model, dataset)
    if not path.exists():
        epochs = entry.epochs_at_once(len(dataset.train))
        if not epochs:
            raise SuiteError(f"{model} is not trained on {dataset.name}", training_command(model, dataset))
        log.info("training %s on %s, once, for %d epochs", model, dataset.name, epochs)
        train(ref, dataset, on_epoch=_log_epoch, epochs=epochs)
    return _with_weights(classifier, ref, path)


def _from_run(ref: str, dataset: Dataset) -> Classifier:
    run, _, name = ref.removeprefix("run:").rpartition("/")
    if not run or not name:
        raise SuiteError(f"cannot read {ref!r}", "write run:RUN/NAME")
    models = runs_root() / run / "models"
    path = models / f"{name}.safetensors"
    if not path.exists():
        known = ", ".join(sorted(file.stem for file in models.glob("*.safetensors")))
        remedy = f"that run has {known}" if known else "that run has no models, or is not there: see suite runs"
        raise SuiteError(f"{ref}: no model at {path}", remedy)
    architecture = read_metadata(path).get("model")
    if architecture is None:
        raise SuiteError(f"{path} does not say of which architecture it is", f"load it as NAME@{path}")
    return _with_weights(_architecture(architecture, path, dataset), ref, path)


def _architecture(name: str, path: Path, dataset: Dataset) -> Classifier:
    """The zoo's architecture that a file names. What a file says runs no code: it names none but the zoo's."""
    try:
        return untrained(name, dataset, "meta")
    except SuiteError as error:
        what = f"{path} says that it is of {name[:80]!r}, which is no architecture of the zoo"
        raise SuiteError(what, f"load it as NAME@{path}") from error


def _with_weights(classifier: Classifier, ref: str, path: Path) -> Classifier:
    """The classifier with the weights of a file. Only files of our own training know their accuracy."""
    weights = read_weights(path)
    fill(classifier.network, weights.state, ref)
    state = classifier.network.state_dict()
    check_finite(state, ref)
    accuracy = weights.metadata.get("accuracy")
    classifier.info = replace(
        classifier.info,
        ref=ref,
        digest=digest(state),
        accuracy=float(accuracy) if accuracy else None,
        source=f"{path} (sha256 {hashlib.sha256(path.read_bytes()).hexdigest()})",
    )
    return classifier


def _log_epoch(epoch: Epoch) -> None:
    log.info("epoch %d: loss %.4g, accuracy %.2f%%", epoch.number + 1, epoch.loss, 100 * epoch.accuracy)
