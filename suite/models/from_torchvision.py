"""torchvision's models, with published weights, those of a file, or random ones."""

from pathlib import Path
from typing import Any

import torch

from suite.data import Dataset
from suite.errors import SuiteError, did_you_mean, one_line
from suite.models.classifier import Classifier
from suite.models.foreign import checked, describe_source, give_weights, with_digest
from suite.models.own_code import seeded
from suite.models.reference import ModelReference


def from_torchvision(reference: ModelReference, dataset: Dataset) -> Classifier:
    """`torchvision:NAME`: with its default weights, which torchvision downloads, with those of a file, or random ones.

    `weights=NAME` chooses among the published ones, `weights=none` takes none; other arguments are torchvision's, and
    `num_classes` is the data set's where nothing is published with it.
    Pixels are normalised as for the published weights.
    """
    from torchvision import models

    ref, name, arguments = reference.text, reference.source, dict(reference.arguments)
    known = models.list_models(module=models)
    if name not in known:
        raise SuiteError(f"torchvision has no classifier {name!r}", did_you_mean(name, known))
    kinds = models.get_model_weights(name)
    said = reference.weights is not None or reference.seed is not None
    weights = _published(name, kinds, arguments.pop("weights", "none" if said else "DEFAULT"))
    if weights is not None and said:
        raise SuiteError(f"{ref!r} names two kinds of weights", "leave out weights=, or what stands behind @")
    if weights is None:
        arguments.setdefault("num_classes", dataset.num_classes)
    try:
        with seeded(reference.seed or 0):
            network = models.get_model(name, weights=weights, progress=False, **arguments)
    except (OSError, RuntimeError) as error:  # no network, no disk, a damaged download
        if weights is None:
            raise SuiteError(f"{ref!r} cannot be built: {one_line(error)}") from error
        raise SuiteError(
            f"torchvision's weights for {name} are not here and cannot be fetched from {weights.url}",
            f"put the file into {Path(torch.hub.get_dir()) / 'checkpoints'}",
        ) from error
    except Exception as error:  # arguments that it does not take
        raise SuiteError(f"{ref!r} cannot be built: {one_line(error)}") from error
    shown = kinds.DEFAULT.transforms()
    info = describe_source(ref, dataset, source=f"torchvision {weights}")
    classifier = Classifier(network, info, mean=shown.mean, std=shown.std)
    if weights is None:
        give_weights(classifier, reference, f"{ref!r} has no weights")
    return checked(with_digest(classifier), dataset)


def _published(name: str, kinds: Any, chosen: object) -> Any:
    """The published weights of that name; None for `none`."""
    if str(chosen).lower() == "none":
        return None
    if chosen not in kinds.__members__:
        known = ["none", *kinds.__members__]
        raise SuiteError(f"torchvision has no weights {chosen!r} for {name}", did_you_mean(str(chosen), known))
    return kinds[str(chosen)]
