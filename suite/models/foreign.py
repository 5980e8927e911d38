"""What models that are not the zoo's have in common: how they get weights, a digest, and a first look."""

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256

import torch
from torch import nn

from suite.data import Dataset
from suite.errors import SuiteError, WorkFailed, one_line
from suite.models.classifier import Classifier, ModelInfo
from suite.models.filling import check_finite, fill
from suite.models.own_code import users_code
from suite.models.reference import ModelReference
from suite.models.weights import digest, read_weights
from suite.training.mode import in_mode


class OwnClassifier(Classifier):
    """A classifier whose network is code of the user's: it does not end the program, and Ctrl-C does."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        if torch.compiler.is_compiling():
            return super().forward(pixels)
        try:
            with users_code(f"a forward pass of {self.info.ref}", only_exits=True):
                return super().forward(pixels)
        except SuiteError as error:
            raise WorkFailed(error.what, error.remedy) from error


def from_module(network: nn.Module, ref: str, dataset: Dataset, digest: str) -> Classifier:
    """A network that sees pixels in [0, 1], under the name of a reference.

    LinBP starts at the network's own attribute `linbp_start`, where it has one.
    """
    classifier = own_classifier(network, ref, dataset)
    classifier.info = replace(classifier.info, digest=digest)
    return checked(classifier, dataset)


def own_classifier(network: nn.Module, ref: str, dataset: Dataset) -> Classifier:
    """The classifier around a network of the user's, without a digest as yet."""
    return OwnClassifier(network, describe_source(ref, dataset, ref), linbp_start=getattr(network, "linbp_start", None))


def give_weights(classifier: Classifier, reference: ModelReference, lacking: str) -> None:
    """The weights behind `@`: of a file, or those that were drawn when the model was made."""
    if reference.weights is not None:
        fill(classifier.network, read_weights(reference.weights).state, reference.text)
        classifier.info = replace(classifier.info, source=str(reference.weights))
    elif reference.seed is None:
        raise SuiteError(lacking, f"add them, {reference.text}@FILE, or say {reference.text}@random(0)")
    else:
        classifier.info = replace(classifier.info, source=f"random, of seed {reference.seed}")


def with_digest(classifier: Classifier, code: str = "") -> Classifier:
    """The classifier with the digest of its weights, and of the code if that is told."""
    found = digest(tensors(classifier.network))
    if code:
        found = sha256(f"{found}\n{code}".encode()).hexdigest()
    classifier.info = replace(classifier.info, digest=found)
    return classifier


def checked(classifier: Classifier, dataset: Dataset) -> Classifier:
    """The classifier, once its weights are finite and one image gives one logit per class."""
    ref = classifier.info.ref
    check_finite(classifier.network.state_dict(), ref)
    with in_mode(classifier, training=False), torch.no_grad():
        try:
            logits = classifier(torch.zeros(1, *dataset.shape))
        except WorkFailed as error:
            raise SuiteError(error.what, error.remedy) from error
        except Exception as error:
            shape = " x ".join(map(str, dataset.shape))
            what = f"{ref} cannot take the {shape} images of {dataset.name}: {one_line(error)}"
            raise SuiteError(what, _what_to_change(classifier, dataset.shape[0])) from error
    if not isinstance(logits, torch.Tensor):
        raise SuiteError(f"{ref} gives a {type(logits).__name__}", "it must return one tensor of logits, (B, classes)")
    if logits.shape != (1, dataset.num_classes):
        raise SuiteError(
            f"{ref} gives logits of shape {tuple(logits.shape)} for one image, {dataset.name} has "
            f"{dataset.num_classes} classes",
            "choose a model and a data set that belong together; of arrays, give (images, labels, number of classes)",
        )
    if logits.is_meta or not logits.is_floating_point():
        kind = "no values, on the meta device" if logits.is_meta else f"logits of {logits.dtype}"
        raise SuiteError(f"{ref} gives {kind}", "it must return floating-point logits")
    return classifier


def tensors(network: nn.Module) -> Mapping[str, torch.Tensor]:
    """Parameters and buffers, without other state that a module may keep."""
    return {name: value for name, value in network.state_dict().items() if torch.is_tensor(value)}


def describe_source(ref: str, dataset: Dataset, source: str) -> ModelInfo:
    """What is known of a model before its digest is."""
    return ModelInfo(ref, ref, dataset.name, "", None, source)


def _what_to_change(classifier: Classifier, channels: int) -> str:
    """Why a network may not take images of so many channels, where that can be told; else ""."""
    other = [each for each in classifier.parameters() if each.dtype != torch.float32]
    if other:
        return f"pixels are float32, and its weights {other[0].dtype}: return model.float()"
    first = next((each for each in classifier.modules() if isinstance(each, nn.Conv2d)), None)
    if first is None or first.in_channels == channels:
        return ""
    kind = {1: "L", 3: "RGB"}.get(first.in_channels)
    how = f": convert them, with Pillow Image.open(f).convert({kind!r}).save(f)" if kind else ""
    return f"its first convolution takes {first.in_channels} channels, the images have {channels}{how}"
