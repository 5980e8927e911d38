"""From a zoo reference to a classifier that has no weights yet."""

import torch

from suite.data import Dataset
from suite.errors import SuiteError, did_you_mean
from suite.models.classifier import Classifier, ModelInfo
from suite.models.entry import Entry
from suite.models.zoo import ZOO
from suite.refs import Call, parse_call


def find(ref: str) -> tuple[Entry, Call]:
    """The entry that `name` or `name(argument=value)` means, and the reference's canonical spelling.

    Raises SuiteError for an unknown name or argument, with the nearest ones.
    """
    call = parse_call(ref)
    if call.name not in ZOO:
        raise SuiteError(f"unknown model {call.name!r}", did_you_mean(call.name, [*ZOO]))
    return ZOO[call.name], ZOO[call.name].canonical(call.arguments)


def untrained(ref: str, dataset: Dataset, device: str | torch.device) -> Classifier:
    """The architecture for the data set's images and classes, its parameters made on the device.

    On "meta" they have no values: nothing is computed, and torch's random numbers stay as they were.
    """
    entry, model = find(ref)
    with torch.device(device):
        network = entry.network(model.arguments, dataset)
    mean, std = entry.normalisation(dataset.shape[0])
    info = ModelInfo(ref, str(model), dataset.name, digest="", accuracy=None, source="untrained")
    return Classifier(network, info, mean=mean, std=std, linbp_start=entry.linbp_start)
