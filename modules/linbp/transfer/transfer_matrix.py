"""Adversarial sets of every surrogate, rule and method; one row for each sample and strength."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from modules.linbp.batches import BATCH, at_once, even
from modules.linbp.transfer.config import TransferConfig
from modules.linbp.transfer_sets import Batch, Models
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
from suite.measuring import Run
from suite.models import Classifier


@dataclass(frozen=True)
class Source:
    """A surrogate under a gradient rule, and how to differentiate it.

    Attributes:
        surrogate: the model's reference.
        name: the model's name in the tables.
        gradient: the rule's name in the tables.
    """

    surrogate: str
    name: str
    gradient: str
    model: Classifier
    engine: Engine

    def __str__(self) -> str:
        return f"{self.gradient} on {self.name}"


class TransferMatrix:
    """Makes adversarial images on surrogates and shows them to every model.

    Attributes:
        names: reference of each model -> its name in the tables, surrogates first; every model is shown every set.
        ids: (N,) test samples that are attacked.
        chosen: how many were tried.

    Raises:
        SuiteError: fewer than two samples are classified correctly by all; a rule or a layer that a surrogate does not
            have; targets that are the labels.
    """

    def __init__(self, config: TransferConfig, run: Run) -> None:
        self.config, self.run = config, run
        dataset = run.dataset(config.dataset)
        self._classes = dataset.num_classes
        if config.target_shift is not None and config.target_shift % self._classes == 0:
            what = f"--target-shift {config.target_shift}: the target of {self._classes} classes is the label itself"
            raise SuiteError(what, f"give 1 to {self._classes - 1}")
        self._eps = tuple(sorted(config.eps))
        chosen = data.sample(dataset.test, config.limit, config.seed)
        self._at_once = at_once(config.batch_size, dataset.test)
        self._models = Models(
            run, config.surrogates, config.victims, dataset.test, chosen, batch_size=4 * self._at_once
        )
        self.names, self.ids, self.chosen = self._models.names, self._models.ids, self._models.chosen
        self._probe = self._batch(self.ids[: max(2, min(len(self.ids), config.batch_size or BATCH))]).images
        for surrogate in config.surrogates:
            self._try(surrogate)

    def source(self, surrogate: str, gradient: str, *, exact: bool = False) -> Source:
        """A surrogate under a gradient rule, ready to be differentiated; `exact` forgoes what --fast rounds."""
        model, rule = self._models.classifiers[surrogate], self.run.gradient(gradient)
        precision = self.config.precision
        if self.config.fast and not exact:
            # The layout is chosen once a run, so that a continued run computes as an undisturbed one.
            name = f"{surrogate} {gradient} layout"
            chosen = self.run.once(
                name, lambda: {"layout": [fast_layout(model, rule, self._probe, precision=precision)]}
            )
            engine = fast_engine(model, rule, self._probe, layout=chosen["layout"][0], precision=precision)
        else:
            engine = exact_engine(model, rule, self._probe)
        return Source(surrogate, self.names[surrogate], gradient, model, engine)

    def rows(self, source: Source, method: str, ids: np.ndarray) -> dict[str, Any]:
        """One row per sample and strength, as columns; behind them those of the attack continued by ILA, if asked for.

        `fooled` and `predictions` are lists over the models, in the order of `names`; `target` is -1 where any other
        class will do; `perturbation` is the largest change of a pixel after rounding.
        """
        whole = self._batch(ids)
        size = even(len(ids), max(1, self._at_once // len(self._eps)))
        batches = [
            self._adversarials(source, method, whole[first : first + size]) for first in range(0, len(ids), size)
        ]
        sets = {name: torch.cat([eight_bit(batch[name]) for batch in batches], 1) for name in batches[0]}
        shown = [self._shown(source, name, whole, adversarials) for name, adversarials in sets.items()]
        return {column: np.concatenate([rows[column] for rows in shown]).tolist() for column in shown[0]}

    def models(self) -> Iterator[dict[str, Any]]:
        """What the names in the tables stand for, one row a model."""
        return self._models.rows()

    def _adversarials(self, source: Source, method: str, batch: Batch) -> dict[str, Tensor]:
        """Sets (E, N, C, H, W) by name, not rounded."""
        config, targeted = self.config, batch.targets is not None
        budget = Budget(self._eps, config.steps, config.step_size, config.decay)
        made = craft(
            source.engine.differentiate, batch.images, batch.labels if batch.targets is None else batch.targets,
            METHODS[method], budget, ids=batch.ids, seed=config.seed, loss=config.loss, targeted=targeted,
        )  # fmt: skip
        if config.ila is None:
            return {method: made}
        layer = MidLayer(source.model, config.ila)
        again = Budget(self._eps, config.ila_steps, config.step_size)
        return {method: made, f"{method}+ila": ila(layer, batch.images, made, again)}

    def _shown(self, source: Source, method: str, batch: Batch, adversarials: Tensor) -> dict[str, np.ndarray]:
        """What every model says of a rounded set (E, N, C, H, W), and how the set was made."""
        said = self._models.shown(batch, adversarials)
        count = len(said["id"])
        return {
            **{column: said[column] for column in ("id", "label", "target")},
            "surrogate": np.full(count, source.name),
            "gradient": np.full(count, source.gradient),
            "method": np.full(count, method),
            "eps": np.repeat(self._eps, len(batch.ids)),
            **{column: said[column] for column in ("fooled", "predictions", "perturbation")},
        }

    def _try(self, surrogate: str) -> None:
        """Refuses before any work what a surrogate does not have: a rule's start, its blocks, ILA's layer."""
        model = self._models.classifiers[surrogate]
        for gradient in self.config.gradients:
            try:
                Autograd(self.run.gradient(gradient)(model))(self._probe[:2], torch.ones_like)
            except SuiteError as error:
                raise SuiteError(f"{gradient} on {self.names[surrogate]}: {error.what}", error.remedy) from error
        if self.config.ila is not None:
            try:
                MidLayer(model, self.config.ila)(self._probe[:2])
            except SuiteError as error:
                raise SuiteError(f"--ila on {self.names[surrogate]}: {error.what}", error.remedy) from error

    def _batch(self, ids: np.ndarray) -> Batch:
        batch, shift = self._models.batch(ids), self.config.target_shift
        return batch if shift is None else replace(batch, targets=(batch.labels + shift) % self._classes)
