"""One model, its starts, and the samples that are attacked from all of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from modules.linbp.batches import at_once
from modules.linbp.names import BP
from modules.linbp.positions.config import PositionsConfig
from modules.linbp.positions.watched_trajectory import watched_trajectory
from modules.linbp.samples import correctly_classified, predict, spread
from modules.linbp.starts import all_starts, applicable, default_start
from suite.attacks import Engine, Settings, eight_bit, exact_engine
from suite.errors import SuiteError
from suite.measuring import Run
from suite.models import Classifier


class Sweep:
    """Attacks the same samples of one model from every start of a gradient rule, and under BP.

    Attributes:
        ids: (N,) samples of the split that the model classifies correctly.
        clean_accuracy: their share of the chosen samples.
        watched: (W,) those of them at whose iterates the true gradient is computed too.
        starts: the chosen starts that the rule accepts.
        rules: start, as `linbp(start=...)` takes it -> the rule from there on; first `none`, BP.
        default: the start that the model zoo chooses, a rectifier call's index, or None.

    Raises:
        SuiteError: a model without rectifiers, a start out of range, fewer than two samples to attack.
    """

    def __init__(self, config: PositionsConfig, run: Run, model: Classifier, victims: Sequence[Classifier]) -> None:
        self.config, self.model, self.victims, self.device = config, model, victims, run.device
        dataset = run.dataset(config.dataset)
        self.split = dataset.train if config.split == "train" else dataset.test
        self._at_once = at_once(config.batch_size, self.split)
        self.ids, self.clean_accuracy = correctly_classified(
            model, self.split, config.limit, config.seed, device=run.device, batch_size=4 * self._at_once
        )
        self.watched = spread(self.ids, config.watched)
        self._probe = self.split.pixels(self.ids[:2], run.device)
        every = all_starts(model, self._probe)
        chosen = _chosen(config.positions, len(every)) or range(0, len(every), config.stride)
        self.rules = applicable(model, run.gradient(config.gradient), self._probe, [str(index) for index in chosen])
        self.starts = [every[int(start)] for start in self.rules if start != BP]
        self.default = default_start(model, self._probe)

    def engine(self, start: str) -> Engine:
        """Gradients of the model under the rule from `start` on."""
        return exact_engine(self.model, self.rules[start], self._probe, self.config.engine)

    def rows(self, start: str, engine: Engine, ids: np.ndarray) -> dict[str, Any]:
        """One row per sample, as columns.

        `fooled` and `loss` are lists by step; `cosine`, `norm_ratio` and `sign_agreement` too, empty for samples that
        are not watched. `transferred` is a list by victim, null where it misclassifies the clean sample.
        """
        config = self.config
        images, labels = self.split.pixels(ids, self.device), self.split.targets(ids, self.device)
        is_watched = np.isin(ids, self.watched)
        trajectory = watched_trajectory(
            self.model, engine, images, labels, torch.from_numpy(is_watched).to(self.device), config.eps,
            Settings(max(config.steps), config.step_size, loss=config.loss, early_stop=False),
            batch_size=self._at_once,
        )  # fmt: skip
        compared = trajectory.gradients
        return {
            "id": ids,
            "label": labels.cpu().numpy(),
            "start": [start] * len(ids),
            "fooled": trajectory.fooled.tolist(),
            "loss": trajectory.loss.tolist(),
            "cosine": _scattered(compared.cosine, is_watched),
            "norm_ratio": _scattered(compared.norm_ratio, is_watched),
            "sign_agreement": _scattered(compared.sign_agreement, is_watched),
            "transferred": self._transferred(images, trajectory.adversarials, labels),
        }

    def _transferred(self, images: Tensor, adversarials: Tensor, labels: Tensor) -> list[list[bool | None]]:
        """For each sample and victim, whether the rounded adversarial image fools it."""
        rounded, size = eight_bit(adversarials), 4 * self._at_once
        by_sample: list[list[bool | None]] = [[] for _ in labels]
        for victim in self.victims:
            fooled, right = predict(victim, rounded, size) != labels, predict(victim, images, size) == labels
            for row, fools, clean in zip(by_sample, fooled.tolist(), right.tolist(), strict=True):
                row.append(fools if clean else None)
        return by_sample


def _chosen(positions: tuple[int, ...] | None, total: int) -> list[int]:
    """Indices as they are counted from the first, in order, each once."""
    for index in positions or ():
        if not -total <= index < total:
            raise SuiteError(
                f"--positions {index} is out of range: the model calls {total} rectifiers",
                f"0 to {total - 1}, or {-total} to -1",
            )
    return sorted({index % total for index in positions or ()})


def _scattered(values: Tensor, watched: np.ndarray) -> list[list[float]]:
    """(K, W) by watched sample -> a list of K for each watched sample, an empty one for the others."""
    lists = iter(values.T.tolist())
    return [next(lists) if here else [] for here in watched]
