"""Surrogates and victims together: which samples they all classify correctly, and what they say of adversarial ones."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from modules.linbp.names import short_names
from modules.linbp.samples import correct, predict
from suite.data import Split
from suite.errors import SuiteError
from suite.measuring import Run
from suite.models import Classifier


@dataclass(frozen=True)
class Batch:
    """Samples under attack: pixels (N, C, H, W), ids, labels and classes to reach (N,), all on the device."""

    images: Tensor
    ids: Tensor
    labels: Tensor
    targets: Tensor | None = None

    def __getitem__(self, rows: slice) -> "Batch":
        targets = None if self.targets is None else self.targets[rows]
        return Batch(self.images[rows], self.ids[rows], self.labels[rows], targets)


class Models:
    """Surrogates and victims; every model is shown every adversarial set, a surrogate its own sets, too.

    Attributes:
        names: reference of each model -> its name in the tables, surrogates first.
        classifiers: reference -> the model.
        ids: (N,) samples that all models classify correctly: those that are attacked.
        chosen: of how many.

    Raises:
        SuiteError: fewer than two samples are classified correctly by all.
    """

    def __init__(
        self, run: Run, surrogates: Sequence[str], victims: Sequence[str], split: Split, chosen: np.ndarray,
        batch_size: int,
    ) -> None:  # fmt: skip
        """`chosen`: (N,) ids of the split, to be tried; `batch_size`: rows that a model classifies at once."""
        self._roles = {"surrogate": surrogates, "victim": victims}
        references = tuple(dict.fromkeys((*surrogates, *victims)))
        self.names = short_names(references)
        self.classifiers: dict[str, Classifier] = {ref: run.model(ref) for ref in references}
        self._split, self._device, self._batch_size = split, run.device, batch_size
        self.chosen = len(chosen)
        self.ids, self._accuracies = self._correctly_classified(chosen)

    def batch(self, ids: np.ndarray) -> Batch:
        """Samples by their ids, without targets."""
        labels = self._split.targets(ids, self._device)
        return Batch(self._split.pixels(ids, self._device), torch.from_numpy(ids).to(self._device), labels)

    def shown(self, batch: Batch, adversarials: Tensor) -> dict[str, np.ndarray]:
        """What every model says of a rounded set (E, N, C, H, W) under E strengths, as columns of E N rows.

        `fooled` and `predictions` are (E N, models), in the order of `names`; `perturbation` is the largest change.
        """
        strengths = len(adversarials)
        flat = adversarials.flatten(0, 1)
        predictions = torch.stack([predict(model, flat, self._batch_size) for model in self.classifiers.values()], 1)
        labels = batch.labels.repeat(strengths)
        targets = None if batch.targets is None else batch.targets.repeat(strengths)
        fooled = predictions != labels[:, None] if targets is None else predictions == targets[:, None]
        changes = (adversarials - batch.images).abs().flatten(2).amax(2).flatten()
        return {
            "id": batch.ids.repeat(strengths).cpu().numpy(),
            "label": labels.cpu().numpy(),
            "target": np.full(len(labels), -1) if targets is None else targets.cpu().numpy(),
            "fooled": fooled.cpu().numpy(),
            "predictions": predictions.cpu().numpy(),
            "perturbation": changes.double().cpu().numpy(),
        }

    def rows(self) -> Iterator[dict[str, Any]]:
        """What the names in the tables stand for, one row a model."""
        for ref, name in self.names.items():
            yield {
                "name": name,
                "model": ref,
                "role": " and ".join(role for role, refs in self._roles.items() if ref in refs),
                "clean_accuracy": self._accuracies[ref],
                "n": self.chosen,
            }

    def _correctly_classified(self, chosen: np.ndarray) -> tuple[np.ndarray, dict[str, float]]:
        """Those of the chosen samples that every model classifies correctly, and each model's accuracy on all."""
        right = {
            ref: correct(model, self._split, chosen, device=self._device, batch_size=self._batch_size)
            for ref, model in self.classifiers.items()
        }
        by_all = np.logical_and.reduce(list(right.values()))
        if by_all.sum() < 2:
            names = ", ".join(self.names.values())
            raise SuiteError(
                f"{by_all.sum()} of {len(chosen)} clean samples are classified correctly by all of {names}",
                "take models that fit the data set, or raise --limit",
            )
        return chosen[by_all], {ref: float(correctly.mean()) for ref, correctly in right.items()}
