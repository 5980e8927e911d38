"""One model, its starts and the samples that all of them attack: the work behind `linbp.positions`."""

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from modules.linbp.attack_tables import step_text
from modules.linbp.samples import correctly_classified, predict, spread
from modules.linbp.starts import BP, all_starts, applicable, default_start
from modules.linbp.watched_walk import watched_walk
from suite.attacks import Engine, Settings, eight_bit, exact_engine
from suite.errors import SuiteError
from suite.models import Classifier

if TYPE_CHECKING:
    from modules.linbp.positions import PositionsConfig
    from suite.host.run import Run


class Scene:
    """What every start shares.

    Attributes:
        ids: (N,) samples of the split that the model classifies correctly; clean_accuracy: their share.
        starts: the starts that are swept: those chosen at which the rule can be applied.
        rules: start, as `linbp(start=...)` takes it -> the rule from there on; first `none`, BP.
        paths: the same starts -> the module in which that rectifier is called.
        default: the start that the model zoo chooses, a rectifier call's index, or None.

    Raises:
        SuiteError: a model without rectifiers, a start out of range, fewer than two samples to attack.
    """

    def __init__(self, config: "PositionsConfig", run: "Run", model: Classifier, victims: list[Classifier]) -> None:
        self.config, self.model, self.victims, self.device = config, model, victims, run.device
        dataset = run.dataset(config.dataset)
        self.split = dataset.train if config.split == "train" else dataset.test
        self.ids, self.clean_accuracy = correctly_classified(
            model, self.split, config.limit, config.seed, device=run.device, batch_size=4 * config.batch_size
        )
        self.probe = self.split.pixels(self.ids[:2], run.device)
        known = all_starts(model, self.probe)
        chosen = _chosen(config.positions, len(known)) or range(0, len(known), config.stride)
        names = [str(index) for index in chosen]
        self.rules = applicable(model, run.gradient(config.gradient), self.probe, names)
        self.starts = [known[int(name)] for name in self.rules if name != BP]
        self.default = default_start(model, self.probe)
        self.paths = {BP: "", **{str(start.index): start.path for start in self.starts}}
        self.settings = Settings(max(config.steps), config.step_size, loss=config.loss, early_stop=False)
        self.watched = spread(self.ids, config.watched)

    def engine(self, start: str) -> Engine:
        """Gradients of the model under the rule from `start` on."""
        return exact_engine(self.model, self.rules[start], self.probe, self.config.engine)

    def rows(self, start: str, engine: Engine, ids: np.ndarray) -> dict[str, Any]:
        """One row per sample, as columns; lists are by step, empty for gradients of samples that are not watched.

        `fooled_by_step` and `transferred` are texts of a 0 or 1 for each step, and for each victim (- where it is
        wrong about the clean sample).
        """
        images, labels = self.split.pixels(ids, self.device), self.split.targets(ids, self.device)
        is_watched = np.isin(ids, self.watched)
        walk = watched_walk(
            self.model, engine, images, labels, torch.from_numpy(is_watched).to(self.device),
            self.config.eps, self.settings, batch_size=self.config.batch_size,
        )  # fmt: skip
        compared = walk.gradients
        return {
            "id": ids,
            "label": labels.cpu().numpy(),
            "start": [start] * len(ids),
            "fooled_by_step": step_text(walk.fooled.cpu().numpy()),
            "loss": walk.loss.tolist(),
            "cosine": _scattered(compared.cosine, is_watched),
            "norm_ratio": _scattered(compared.norm_ratio, is_watched),
            "sign_agreement": _scattered(compared.sign_agreement, is_watched),
            "transferred": self._transferred(images, walk.adversarials, labels),
        }

    def _transferred(self, images: Tensor, adversarials: Tensor, labels: Tensor) -> list[str]:
        rounded = eight_bit(adversarials)
        size = 4 * self.config.batch_size
        columns = []
        for victim in self.victims:
            fooled, known = (predict(victim, x, size) != labels for x in (rounded, images))
            columns.append(np.where(known.cpu().numpy(), "-", np.where(fooled.cpu().numpy(), "1", "0")))
        return ["".join(marks) for marks in zip(*columns, strict=True)] if columns else [""] * len(labels)


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
