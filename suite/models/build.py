"""From a zoo reference to a classifier that nobody has trained."""

from dataclasses import dataclass

import torch

from suite.data import Dataset
from suite.errors import SuiteError
from suite.models.classifier import Classifier, ModelInfo
from suite.models.entry import Entry
from suite.models.zoo import find


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


@dataclass(frozen=True)
class Architecture:
    """A zoo architecture for one data set, to be trained: what an architecture reference stands for.

    Args:
        ref: as typed, `name` or `name(argument=value)`.
        name: its canonical spelling.
        entry: what the zoo knows of it, its recipe among that.
        dataset: whose images and classes it is built for.
    """

    ref: str
    name: str
    entry: Entry
    dataset: Dataset

    def initial(self, seed: int, device: str | torch.device = "cpu") -> Classifier:
        """The classifier with initial weights drawn from the seed, the same on every device.

        Leaves torch's random numbers as they were. Raises SuiteError for a negative seed.
        """
        if seed < 0:
            raise SuiteError(f"the seed is {seed}", "give an integer >= 0")
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            return untrained(self.ref, self.dataset, "cpu").to(device)


def architecture(ref: str, dataset: Dataset) -> Architecture:
    """What an architecture reference stands for. Raises SuiteError where it names none or the images do not fit."""
    entry, model = find(ref)
    untrained(ref, dataset, "meta")
    return Architecture(ref, str(model), entry, dataset)
