"""Models that are not the zoo's: torchvision's with their published weights, and the user's own."""

import importlib
import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

from suite.data import Dataset
from suite.errors import SuiteError, did_you_mean, one_line
from suite.models.classifier import Classifier, ModelInfo
from suite.models.weights import check_finite, digest
from suite.training.mode import in_mode


def from_torchvision(ref: str, dataset: Dataset) -> Classifier:
    """`torchvision:NAME`: the architecture with its default weights, which torchvision downloads."""
    from torchvision import models

    name = ref.removeprefix("torchvision:")
    known = models.list_models(module=models)
    if name not in known:
        raise SuiteError(f"torchvision has no classifier {name!r}", did_you_mean(name, known))
    weights = models.get_model_weights(name).DEFAULT
    try:
        network = models.get_model(name, weights=weights, progress=False)
    except (OSError, RuntimeError) as error:  # no network, no disk, a damaged download
        raise SuiteError(
            f"torchvision's weights for {name} are not here and cannot be fetched from {weights.url}",
            f"put the file into {Path(torch.hub.get_dir()) / 'checkpoints'}",
        ) from error
    shown = weights.transforms()
    info = ModelInfo(ref, ref, dataset.name, digest(network.state_dict()), None, f"torchvision {weights}")
    return _checked(Classifier(network, info, mean=shown.mean, std=shown.std), dataset)


def from_import(ref: str, dataset: Dataset) -> Classifier:
    """`import:pkg.mod:factory`: the user's model, which sees pixels in [0, 1].

    The factory is called with `num_classes` where it takes it. LinBP starts at the model's own attribute
    `linbp_start`, where it has one. Modules are looked for in the working directory too.
    """
    module_name, _, attribute = ref.removeprefix("import:").partition(":")
    if not module_name or not attribute:
        raise SuiteError(f"cannot read {ref!r}", "write import:package.module:factory")
    with _working_directory_first():
        try:
            module = importlib.import_module(module_name)
        except Exception as error:  # the user's code may fail in any way
            raise SuiteError(f"cannot import {module_name} of {ref!r}: {one_line(error)}") from error
        if not hasattr(module, attribute):
            raise SuiteError(f"{module_name} has no {attribute!r}", did_you_mean(attribute, dir(module)))
        factory = getattr(module, attribute)
        try:
            takes_classes = "num_classes" in inspect.signature(factory).parameters
            network = factory(num_classes=dataset.num_classes) if takes_classes else factory()
        except Exception as error:
            raise SuiteError(f"calling {attribute} of {ref!r} failed: {one_line(error)}") from error
    if not isinstance(network, nn.Module):
        raise SuiteError(f"{ref!r} returned a {type(network).__name__}", "it must return a torch.nn.Module")
    return from_module(network, ref, dataset, digest(network.state_dict()))


def from_module(network: nn.Module, ref: str, dataset: Dataset, digest: str) -> Classifier:
    """A network that sees pixels in [0, 1], under the name of a reference.

    LinBP starts at the network's own attribute `linbp_start`, where it has one.
    """
    info = ModelInfo(ref, ref, dataset.name, digest, None, ref)
    start = getattr(network, "linbp_start", None)
    return _checked(Classifier(network, info, linbp_start=start), dataset)


def _checked(classifier: Classifier, dataset: Dataset) -> Classifier:
    """The classifier, once its weights are finite and one image gives one logit per class."""
    ref = classifier.info.ref
    check_finite(classifier.network.state_dict(), ref)
    with in_mode(classifier, training=False), torch.no_grad():
        try:
            logits = classifier(torch.zeros(1, *dataset.shape))
        except Exception as error:
            shape = " x ".join(map(str, dataset.shape))
            raise SuiteError(f"{ref} cannot take the {shape} images of {dataset.name}: {one_line(error)}") from error
    if logits.shape != (1, dataset.num_classes):
        raise SuiteError(
            f"{ref} gives logits of shape {tuple(logits.shape)} for one image, {dataset.name} has "
            f"{dataset.num_classes} classes",
            "choose a model and a data set that belong together; of arrays, give (images, labels, number of classes)",
        )
    return classifier


@contextmanager
def _working_directory_first() -> Iterator[None]:
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        yield
    finally:
        sys.path.remove(here)
