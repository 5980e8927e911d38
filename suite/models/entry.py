"""What the zoo knows of an architecture."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.data import Dataset
from suite.errors import SuiteError, did_you_mean, one_line
from suite.models.packaged import Packaged
from suite.refs import Argument, Call
from suite.training import Recipe

if TYPE_CHECKING:
    from torch import nn

MOST_PARAMETERS = 2_000_000_000
"""Of a network of the zoo: 8 GB of weights."""


@dataclass(frozen=True)
class Entry:
    """One architecture of the zoo.

    Args:
        name: as typed in a reference.
        summary: one line.
        paper: where the architecture comes from.
        build: (in_channels, image_size, num_classes, **arguments) -> network on normalised pixels; every
            argument is a positive integer with a default.
        linbp_start: where LinBP starts: a module path in the network, or the index of a rectifier call,
            of the last ones if negative.
        linbp_source: who chose that position: the code of Li et al. 2022, or we by analogy.
        recipe: how `suite models train` trains it.
        mean, std: normalisation per channel, in units of [0, 1] pixels; used where the channel count matches.
        smallest: least height and width of its images.
        trains_itself: missing weights are trained at once where the recipe shows the network at most this many images.
        trains_briefly: ... and for fewer epochs, but one at least, where it would be more. Only the default model
            does, so that any data set can be tried without another command.
        training_start: where LinBP starts in training, if that is elsewhere than `linbp_start`.
        packaged: published weights, which a package brings.
    """

    name: str
    summary: str
    paper: str
    build: Callable[..., "nn.Module"]
    linbp_start: str | int
    linbp_source: str
    recipe: Recipe
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    smallest: int = 1
    trains_itself: int = 0
    trains_briefly: bool = False
    training_start: str | int | None = None
    packaged: Packaged | None = None

    def canonical(self, arguments: Mapping[str, Argument]) -> Call:
        """The call without defaults spelled out. Raises SuiteError on unknown or bad arguments."""
        defaults = self._defaults()
        for key, value in arguments.items():
            if key not in defaults:
                raise SuiteError(f"unknown argument {key!r} of model {self.name}", did_you_mean(key, [*defaults]))
            if type(value) is not int or value < 1:
                raise SuiteError(f"{key}={value} of model {self.name}", "give a positive integer")
        return Call(self.name, {key: value for key, value in arguments.items() if value != defaults[key]})

    def is_small(self, arguments: Mapping[str, Argument]) -> bool:
        """Whether the network is no larger than without arguments, and so small enough to be built."""
        defaults = self._defaults()
        return all(value <= defaults[key] for key, value in arguments.items())

    def _defaults(self) -> dict[str, Any]:
        parameters = inspect.signature(self.build).parameters.items()
        return {key: each.default for key, each in parameters if each.default is not each.empty}

    def network(self, arguments: Mapping[str, Argument], dataset: Dataset) -> "nn.Module":
        """A fresh network for the data set. Raises SuiteError where its images do not fit, or it is too large."""
        self.check_images(dataset)
        channels, side, _ = dataset.shape
        if arguments:
            self._check_size(channels, side, dataset.num_classes, arguments)
        return self.build(channels, side, dataset.num_classes, **arguments)

    def check_images(self, dataset: Dataset) -> None:
        """Raises SuiteError where the network cannot take the data set's images."""
        _, height, width = dataset.shape
        if height != width or height < self.smallest:
            raise SuiteError(
                f"{self.name} cannot take the {height} x {width} images of {dataset.name}",
                f"it needs square images of at least {self.smallest} x {self.smallest}",
            )

    def _check_size(self, channels: int, side: int, classes: int, arguments: Mapping[str, Argument]) -> None:
        """Refuses a network with too many parameters, counted where they take no memory."""
        import torch

        called = Call(self.name, arguments)
        try:
            with torch.device("meta"):
                parameters = sum(each.numel() for each in self.build(channels, side, classes, **arguments).parameters())
        except (RuntimeError, OverflowError, TypeError) as error:  # sizes beyond 64 bits
            raise SuiteError(f"{called} cannot be built: {one_line(error)}", "give smaller arguments") from error
        if parameters > MOST_PARAMETERS:
            raise SuiteError(f"{called} has {parameters:.3g} parameters", f"at most {MOST_PARAMETERS:.3g} are allowed")

    def published_weights(self, dataset: Dataset) -> Path | None:
        """The file of those, where they tell as many classes apart as the data set has; None where there are none.

        Raises SuiteError where a package that brings them is not installed.
        """
        fit = self.packaged is not None and self.packaged.classes == dataset.num_classes
        return self.packaged.path() if self.packaged is not None and fit else None

    def epochs_at_once(self, images: int) -> int:
        """For how many epochs missing weights are trained without being asked, on so many images; 0: not at all."""
        affordable = self.trains_itself // images
        if affordable >= self.recipe.epochs:
            return self.recipe.epochs
        return max(1, affordable) if self.trains_briefly else 0

    def normalisation(self, channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and std for so many channels; 0 and 1 where the entry's are for another number."""
        return (self.mean, self.std) if len(self.mean) == channels else ((0.0,) * channels, (1.0,) * channels)
