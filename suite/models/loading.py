"""From a model reference to a classifier with weights."""

import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from suite.data import Dataset
from suite.errors import SuiteError
from suite.models.build import architecture, untrained
from suite.models.classifier import Classifier
from suite.models.filling import check_finite, fill
from suite.models.from_own_code import from_own_code
from suite.models.from_torchvision import from_torchvision
from suite.models.reference import ModelReference, parse_reference
from suite.models.stored import published_weights
from suite.models.tensor_file import accuracy_of, read_metadata
from suite.models.training import trained_weights
from suite.models.weights import digest, read_weights
from suite.models.zoo import find
from suite.paths import runs_root, usable
from suite.training import Epoch

log = logging.getLogger("suite")

SECONDS_BETWEEN_LINES = 10.0


def load(ref: str, dataset: Dataset, *, device: str | torch.device = "cpu") -> Classifier:
    """The model that a reference names, with weights, in eval mode on the device.

    Args:
        ref: `name` or `name(width=10)` (trained by `train` before, or published in a package), `torchvision:NAME`
            (published weights), `import:package.module:factory` or `PATH.py:factory` (code of the user's), all of which
            take arguments in brackets, and `@FILE` (weights) or `@random(SEED)` behind them; or `run:RUN/NAME` (saved
            by an earlier run).
        dataset: gives the images' shape and the number of classes.

    Raises SuiteError when the reference cannot be read, when weights are absent, damaged, refused, not
    finite or another architecture's, and when classes or images do not match. Weights are never invented:
    only the default model, `digits-cnn`, is trained on the spot, briefly where the data set is large, and
    `mnist-cnn` and `digits-resnet` where it is small. On the digits all three come with their weights.
    """
    reference = parse_reference(ref)
    if reference.kind == "torchvision":
        classifier = from_torchvision(reference, dataset)
    elif reference.kind in ("import", "file"):
        classifier = from_own_code(reference, dataset)
    elif reference.kind == "run":
        classifier = _from_run(ref, reference.source, dataset)
    elif reference.weights is not None:
        classifier = _with_weights(untrained(reference.model, dataset, "meta"), ref, reference.weights)
    elif reference.seed is not None:
        classifier = _random(reference, reference.seed, dataset)
    else:
        classifier = _by_name(ref, dataset)
    return classifier.to(device).eval()


def _random(reference: ModelReference, seed: int, dataset: Dataset) -> Classifier:
    classifier = architecture(reference.model, dataset).initial(seed)
    found = digest(classifier.network.state_dict())
    classifier.info = replace(classifier.info, ref=reference.text, digest=found, source=f"random, of seed {seed}")
    return classifier


def _by_name(ref: str, dataset: Dataset) -> Classifier:
    """With the weights that a recipe made for the data set; where there are none, with published ones that fit."""
    classifier = untrained(ref, dataset, "meta")  # first: what cannot be built is not to be trained either
    path = published_weights(ref, dataset) or trained_weights(ref, dataset, on_epoch=_now_and_then())
    return _with_weights(classifier, ref, path)


def _from_run(ref: str, source: str, dataset: Dataset) -> Classifier:
    run, _, name = source.rpartition("/")
    models = runs_root() / run / "models"
    path = usable(models / f"{name}.safetensors")
    if not path.exists():
        known = ", ".join(sorted(file.stem for file in models.glob("*.safetensors")))
        remedy = f"that run has {known}" if known else "that run has no models, or is not there: see suite runs"
        raise SuiteError(f"{ref}: no model at {path}", remedy)
    found = read_metadata(path).get("model")
    if found is None:
        raise SuiteError(f"{path} does not say of which architecture it is", f"load it as NAME@{path}")
    return _with_weights(_architecture(found, path, dataset), ref, path)


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
    packaged = find(classifier.info.name)[0].packaged
    own_name = packaged.own_name if packaged else str
    fill(classifier.network, {own_name(name): tensor for name, tensor in weights.state.items()}, ref)
    state = classifier.network.state_dict()
    check_finite(state, ref)
    classifier.info = replace(
        classifier.info,
        ref=ref,
        digest=digest(state),
        accuracy=accuracy_of(weights.metadata),
        source=f"{path} (sha256 {hashlib.sha256(path.read_bytes()).hexdigest()})",
    )
    return classifier


def _now_and_then() -> Callable[[Epoch], None]:
    """Logs how a training goes, at most one line in `SECONDS_BETWEEN_LINES`: who loads a model waits for it."""
    said = time.monotonic()

    def log_epoch(epoch: Epoch) -> None:
        nonlocal said
        if time.monotonic() - said >= SECONDS_BETWEEN_LINES:
            log.info("epoch %d: loss %.4g, accuracy %.2f%%", epoch.number + 1, epoch.loss, 100 * epoch.accuracy)
            said = time.monotonic()

    return log_epoch
