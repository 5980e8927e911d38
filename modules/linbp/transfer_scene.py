"""Surrogates, victims, and the samples that all of them classify correctly: the work behind `linbp.transfer`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from modules.linbp.attack_tables import step_text
from modules.linbp.samples import correct, predict
from modules.linbp.transfer_tables import short_names
from suite import data
from suite.attacks import (
    METHODS,
    Autograd,
    Budget,
    Engine,
    MidLayer,
    craft,
    eight_bit,
    exact_engine,
    fast_engine,
    fast_layout,
    ila,
)
from suite.errors import SuiteError
from suite.models import Classifier

if TYPE_CHECKING:
    from modules.linbp.transfer import TransferConfig
    from suite.host.run import Run


@dataclass(frozen=True)
class Source:
    """A surrogate under a gradient rule, by their names in the tables, and how to differentiate it."""

    surrogate: str
    gradient: str
    model: Classifier
    engine: Engine

    def __str__(self) -> str:
        return f"{self.gradient} on {self.surrogate}"


@dataclass(frozen=True)
class Batch:
    """Samples under attack: pixels (N, C, H, W), ids, labels and classes to reach (N,), all on the device."""

    images: Tensor
    ids: Tensor
    labels: Tensor
    targets: Tensor | None

    def __getitem__(self, rows: slice) -> "Batch":
        targets = None if self.targets is None else self.targets[rows]
        return Batch(self.images[rows], self.ids[rows], self.labels[rows], targets)


class Scene:
    """Everything that adversarial images are made from and shown to.

    Attributes:
        names: reference of each model -> its name in the tables, surrogates first; every model is shown every set.
        ids: (N,) test samples that are attacked.
        chosen: how many were tried.
        facts: per surrogate and gradient rule, which engine differentiated.

    Raises:
        SuiteError: fewer than two samples are classified correctly by all; a rule or a layer that a surrogate does not
            have; targets that are the labels.
    """

    def __init__(self, config: "TransferConfig", run: "Run") -> None:
        self.config, self.run = config, run
        references = tuple(dict.fromkeys((*config.surrogates, *config.victims)))
        self.names = short_names(references)
        self.classifiers = {ref: run.model(ref) for ref in references}
        dataset = run.dataset(config.dataset)
        self.split, self.classes = dataset.test, dataset.num_classes
        if config.target_shift is not None and config.target_shift % self.classes == 0:
            what = f"--target-shift {config.target_shift}: the target of {self.classes} classes is the label itself"
            raise SuiteError(what, f"give 1 to {self.classes - 1}")
        self.eps = tuple(sorted(config.eps))
        chosen = data.sample(self.split, config.limit, config.seed)
        self.chosen = len(chosen)
        self.ids, self.accuracies = self._correctly_classified(chosen)
        self.probe = self._batch(self.ids[: max(2, min(len(self.ids), config.batch_size))]).images
        self.facts: dict[str, dict[str, Any]] = {}
        for surrogate in config.surrogates:
            self._try(surrogate)

    def source(self, surrogate: str, gradient: str) -> Source:
        """A surrogate under a gradient rule, ready to be differentiated."""
        model, rule = self.classifiers[surrogate], self.run.gradient(gradient)
        if self.config.fast:  # the layout is chosen once a run, so that a continued run computes as an undisturbed one
            name = f"{surrogate} {gradient} layout"
            chosen = self.run.once(name, lambda: {"layout": [fast_layout(model, rule, self.probe)]})
            engine = fast_engine(model, rule, self.probe, layout=chosen["layout"][0])
        else:
            engine = exact_engine(model, rule, self.probe)
        self.facts.setdefault(self.names[surrogate], {})[gradient] = dict(engine.facts)
        return Source(self.names[surrogate], gradient, model, engine)

    def rows(self, source: Source, method: str, ids: np.ndarray) -> dict[str, Any]:
        """One row per sample and strength, as columns; behind them those of the attack continued by ILA, if asked for.

        `fooled_by` holds a 0 or 1 and `predictions` a class for each model, in the order of `names`; `target` is -1
        where any other class will do; `perturbation` is the largest change of a pixel after rounding.
        """
        whole = self._batch(ids)
        size = max(1, self.config.batch_size // len(self.eps))
        sets: dict[str, list[Tensor]] = {}
        for first in range(0, len(ids), size):
            for name, made in self._adversarials(source, method, whole[first : first + size]).items():
                sets.setdefault(name, []).append(eight_bit(made))
        columns = [self._shown(source, name, whole, torch.cat(parts, 1)) for name, parts in sets.items()]
        return {name: np.concatenate([part[name] for part in columns]).tolist() for name in columns[0]}

    def models(self) -> Iterator[dict[str, Any]]:
        """What the names in the tables stand for, one row a model."""
        for ref, name in self.names.items():
            roles = {"surrogate": self.config.surrogates, "victim": self.config.victims}
            yield {
                "name": name,
                "model": ref,
                "role": " and ".join(role for role, refs in roles.items() if ref in refs),
                "clean_accuracy": self.accuracies[ref],
                "n": self.chosen,
            }

    def _adversarials(self, source: Source, method: str, batch: Batch) -> dict[str, Tensor]:
        """Sets (E, N, C, H, W) by name, not rounded."""
        config, targeted = self.config, batch.targets is not None
        budget = Budget(self.eps, config.steps, config.step_size, config.decay)
        made = craft(
            source.engine.differentiate, batch.images, batch.labels if batch.targets is None else batch.targets,
            METHODS[method], budget, ids=batch.ids, seed=config.seed, loss=config.loss, targeted=targeted,
        )  # fmt: skip
        if config.ila is None:
            return {method: made}
        layer = MidLayer(source.model, config.ila)
        again = Budget(self.eps, config.ila_steps, config.step_size)
        return {method: made, f"{method}+ila": ila(layer, batch.images, made, again)}

    def _shown(self, source: Source, method: str, batch: Batch, adversarials: Tensor) -> dict[str, np.ndarray]:
        """What every model says of a rounded set (E, N, C, H, W)."""
        flat = adversarials.flatten(0, 1)
        predictions = torch.stack(
            [predict(model, flat, 4 * self.config.batch_size) for model in self.classifiers.values()], 1
        )
        labels = batch.labels.repeat(len(self.eps))
        targets = None if batch.targets is None else batch.targets.repeat(len(self.eps))
        fooled = predictions != labels[:, None] if targets is None else predictions == targets[:, None]
        changes = (adversarials - batch.images).abs().flatten(2).amax(2).flatten()
        said = predictions.cpu().numpy()
        return {
            "id": batch.ids.repeat(len(self.eps)).cpu().numpy(),
            "label": labels.cpu().numpy(),
            "target": np.full(len(said), -1) if targets is None else targets.cpu().numpy(),
            "surrogate": np.full(len(said), source.surrogate),
            "gradient": np.full(len(said), source.gradient),
            "method": np.full(len(said), method),
            "eps": np.repeat(self.eps, len(batch.ids)),
            "fooled_by": np.array(step_text(fooled.cpu().numpy())),
            "predictions": np.array([" ".join(map(str, row)) for row in said.tolist()]),
            "perturbation": changes.double().cpu().numpy(),
        }

    def _correctly_classified(self, chosen: np.ndarray) -> tuple[np.ndarray, dict[str, float]]:
        """Those of the chosen samples that every model classifies correctly, and each model's accuracy on all."""
        size, device = 4 * self.config.batch_size, self.run.device
        right = {
            ref: correct(model, self.split, chosen, device=device, batch_size=size)
            for ref, model in self.classifiers.items()
        }
        by_all = np.logical_and.reduce(list(right.values()))
        if by_all.sum() < 2:
            names = ", ".join(self.names.values())
            raise SuiteError(
                f"{by_all.sum()} of {len(chosen)} clean samples are classified correctly by all of {names}",
                "take models that fit the data set, or raise --limit",
            )
        return chosen[by_all], {ref: float(mine.mean()) for ref, mine in right.items()}

    def _try(self, surrogate: str) -> None:
        """Refuses before any work what a surrogate does not have: a rule's start, its blocks, ILA's layer."""
        model = self.classifiers[surrogate]
        for gradient in self.config.gradients:
            try:
                Autograd(self.run.gradient(gradient)(model))(self.probe[:2], torch.ones_like)
            except SuiteError as error:
                raise SuiteError(f"{gradient} on {self.names[surrogate]}: {error.what}", error.remedy) from error
        if self.config.ila is not None:
            try:
                MidLayer(model, self.config.ila)(self.probe[:2])
            except SuiteError as error:
                raise SuiteError(f"--ila on {self.names[surrogate]}: {error.what}", error.remedy) from error

    def _batch(self, ids: np.ndarray) -> Batch:
        device = self.run.device
        labels = self.split.targets(ids, device)
        shift = self.config.target_shift
        targets = None if shift is None else (labels + shift) % self.classes
        return Batch(self.split.pixels(ids, device), torch.from_numpy(ids).to(device), labels, targets)
