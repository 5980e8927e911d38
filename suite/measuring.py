"""What a study's measuring half is given: the run that it reads its inputs from and writes raw tables through."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    import torch
    from torch import nn

    from suite.data import Dataset
    from suite.models import Architecture, Classifier

T = TypeVar("T")

Part = tuple[str, Callable[[], Mapping[str, Any]]]
"""Name of a part of the work, and what computes its columns."""


class RawTable(Protocol):
    """Rows that grow while a study measures; stored when it ends. None is a gap, NaN a number that is not one."""

    def add(self, **row: Any) -> None:
        """Appends one row."""

    def extend(self, columns: Mapping[str, Any]) -> None:
        """Appends the rows of columns of equal length (lists or 1-d arrays)."""


class Run(Protocol):
    """One execution of a study. Nothing is on disk before the first write."""

    @property
    def device(self) -> "torch.device":
        """Where the models are and the work happens."""

    @property
    def seed(self) -> int:
        """The config's."""

    @property
    def code(self) -> str:
        """Digest of all code that measures: what is cached across runs depends on it."""

    def model(self, ref: str) -> "Classifier":
        """The model that a reference in the config stands for: for its data set, on the device, eval mode."""

    def architecture(self, ref: str) -> "Architecture":
        """The untrained architecture that a reference in the config stands for, built for its data set."""

    def dataset(self, ref: str) -> "Dataset":
        """The data set that a reference in the config stands for."""

    def gradient(self, ref: str) -> Callable[["nn.Module"], "nn.Module"]:
        """The gradient rule that a reference in the config stands for, its arguments bound."""

    def once(self, name: str, compute: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        """Columns that are computed once and stored: the unit of resume.

        Args:
            name: identifies the part in the run; says everything that the part depends on beyond the config.
            compute: gives columns of equal length (lists or 1-d arrays). torch's global generator is seeded
                from (seed, name) for it, so that draws do not depend on which parts were computed before.

        Returns:
            The columns as the disk holds them, whether just computed or stored by an earlier process: numpy
            arrays, or lists where a column holds text or gaps.
        """

    def each(self, parts: Sequence[Part], description: str) -> Iterator[dict[str, Any]]:
        """The columns of parts, each as `once` gives them, in this order; progress is shown.

        They may be computed in any order, and in other processes that run the study as far as here: with `--jobs`,
        where the Study is `parallel`. What a part gives must not depend on other parts.
        """

    def has(self, name: str) -> bool:
        """Whether the part of that name is stored."""

    def track(self, items: Iterable[T], description: str) -> Iterator[T]:
        """Yields the items and shows on stderr how many are done."""

    def checkpoint(self, name: str) -> Path:
        """Where the part of that name keeps its state while it is computed."""

    def training(self, name: str, epochs: int) -> AbstractContextManager[dict[str, Any]]:
        """Within the block: what `suite.training.fit` needs to show progress and to keep its state in the run.

        Args:
            name: says everything that the training depends on beyond the config.
            epochs: at most so many are shown.
        """

    def table(self, name: str) -> RawTable:
        """The raw table of that name; new and empty at its first mention."""

    def save_model(self, name: str, module: "nn.Module") -> Path:
        """Stores a module's parameters and buffers as `models/NAME.safetensors`; returns the path.

        A classifier of the zoo says of which architecture it is, so that `run:RUN/NAME` loads it.
        """

    def record(self, **facts: Any) -> None:
        """Notes facts about how the work was done, such as `engine="jacobian"`; analysing reads them as `facts`."""
