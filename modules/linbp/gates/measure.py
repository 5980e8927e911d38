"""`linbp.gates` measured: sets of every arm shown to every model, and angles between gradients of arm and victim."""

import logging
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor

from modules.linbp.gates.arms import places, rules
from modules.linbp.gates.config import GatesConfig
from modules.linbp.samples import beyond
from modules.linbp.transfer_sets import Models
from suite.attacks import (
    METHODS,
    Autograd,
    Budget,
    Engine,
    craft,
    eight_bit,
    exact_engine,
    fast_engine,
    fast_layout,
    frozen,
)
from suite.attacks.losses import against
from suite.errors import SuiteError
from suite.measuring import Run

log = logging.getLogger("suite")

LOSS = "stable_ce"  # cross-entropy's direction: where a net is sure, that of `ce` itself is lost to float32's rounding
PROBE = 32  # images on which engines are built, and a memory layout is timed


def measure(config: GatesConfig, run: Run) -> None:
    """Attacks from every surrogate under every arm, method and eps, shown to all models (ours).

    Attacked are the samples that all models classify correctly, none leaves early, and an arm's batches are those of
    all others: arms differ in their gradients alone. Raw tables: `samples`, a row for each sample, surrogate, arm,
    method and eps, with lists over the models; `gradients`, a row for each clean sample, surrogate and arm;
    `positions`, where the arms are in each surrogate; `models`.
    """
    with frozen(*(run.model(ref) for ref in (*config.surrogates, *config.victims))):
        gates = Gates(config, run)
        batches = np.array_split(gates.models.ids, max(1, len(gates.models.ids) // config.batch_size))
        parts = [(f"gradients {ids[0]}", partial(gates.cosines, ids)) for ids in batches]
        sets = product(config.surrogates, config.eps, gates.engines[config.surrogates[0]], config.methods)
        parts += [
            (f"{surrogate} {eps} {arm} {method} {ids[0]}", partial(gates.attacked, surrogate, arm, method, eps, ids))
            for surrogate, eps, arm, method in sets
            for ids in batches
        ]
        for place, columns in enumerate(run.each(parts, "gates")):
            run.table("gradients" if place < len(batches) else "samples").extend(columns)
    for table, rows in (("models", gates.models.rows()), ("positions", gates.positions)):
        for row in rows:
            run.table(table).add(**row)
    engines = {
        gates.models.names[surrogate]: {arm: dict(engine.facts) for arm, engine in engines.items()}
        for surrogate, engines in gates.engines.items()
    }
    run.record(attacked=len(gates.models.ids), chosen=gates.models.chosen, engines=engines)


class Gates:
    """The models, and an engine for each surrogate and arm.

    Attributes:
        engines: reference of a surrogate -> arm -> how to differentiate under it.
        positions: rows: where the arms are in each surrogate.
    """

    def __init__(self, config: GatesConfig, run: Run) -> None:
        self.config, self._run = config, run
        split = run.dataset(config.dataset).test
        chosen = beyond(split, config.skip, config.limit, config.seed)
        self.models = Models(run, config.surrogates, config.victims, split, chosen, 4 * config.batch_size)
        self._probe = self.models.batch(self.models.ids[:PROBE]).images
        self.positions: list[dict[str, Any]] = []
        self.engines = {surrogate: self._engines(surrogate) for surrogate in config.surrogates}

    def attacked(self, surrogate: str, arm: str, method: str, eps: float, ids: np.ndarray) -> dict[str, Any]:
        """One row per sample, as columns; `fooled` and `predictions` are lists over the models."""
        batch, config = self.models.batch(ids), self.config
        made = craft(
            self.engines[surrogate][arm].differentiate, batch.images, batch.labels, METHODS[method],
            Budget((eps,), config.steps, config.step_size), ids=batch.ids, seed=config.seed, loss=LOSS,
        )  # fmt: skip
        said = self.models.shown(batch, eight_bit(made))
        columns = {name: said[name].tolist() for name in ("id", "label", "fooled", "predictions", "perturbation")}
        made_with = {"surrogate": self.models.names[surrogate], "arm": arm, "method": method, "eps": eps}
        return columns | {name: [value] * len(ids) for name, value in made_with.items()}

    def cosines(self, ids: np.ndarray) -> dict[str, Any]:
        """One row per clean sample, surrogate and arm, as columns.

        `cosines` is a list over the models: between the surrogate's gradient under the arm and the model's own, both of
        the loss that is attacked; NaN where either is zero. `length` is the arm's over that of the surrogate's own.
        """
        batch = self.models.batch(ids)
        ascended = against(LOSS, batch.labels, check=False)
        own = {ref: Autograd(model)(batch.images, ascended)[1] for ref, model in self.models.classifiers.items()}
        found: dict[str, list[Any]] = {"id": [], "surrogate": [], "arm": [], "length": [], "cosines": []}
        for surrogate, engines in self.engines.items():
            for arm, engine in engines.items():
                _, gradient = engine.differentiate(batch.images, ascended)
                found["id"] += ids.tolist()
                found["surrogate"] += [self.models.names[surrogate]] * len(ids)
                found["arm"] += [arm] * len(ids)
                found["length"] += (_lengths(gradient) / _lengths(own[surrogate])).tolist()
                found["cosines"] += torch.stack([_cosines(gradient, other) for other in own.values()], 1).tolist()
        return found

    def _engines(self, surrogate: str) -> dict[str, Engine]:
        """Of each arm, all in the memory layout that suits backpropagation."""
        config, model, name = self.config, self.models.classifiers[surrogate], self.models.names[surrogate]
        try:
            at = places(model, self._probe)
            chosen = rules(config.gates, config.positions, at, config.seed)
            for rule in chosen.values():
                Autograd(rule(model))(self._probe[:2], torch.ones_like)
        except SuiteError as error:
            raise SuiteError(f"{name}: {error.what}", error.remedy) from error
        wanted = [at[position] for position in config.positions]
        self.positions += [{"surrogate": name, **vars(place)} for place in wanted]
        log.info("%s: %s", name, ", ".join(f"{place.position} {place.start} to {place.stop - 1}" for place in wanted))
        if not config.fast:
            return {arm: exact_engine(model, rule, self._probe) for arm, rule in chosen.items()}
        fastest = self._run.once(
            f"{surrogate} layout", lambda: {"layout": [fast_layout(model, chosen["bp"], self._probe)]}
        )["layout"][0]
        return {arm: fast_engine(model, rule, self._probe, layout=fastest) for arm, rule in chosen.items()}


def _lengths(gradient: Tensor) -> Tensor:
    norms: Tensor = torch.linalg.vector_norm(gradient.flatten(1), dim=1, dtype=torch.float64)
    return norms


def _cosines(one: Tensor, other: Tensor) -> Tensor:
    """(B,) of the angles between gradients (B, ...); NaN where one is zero."""
    products = (one.double() * other.double()).flatten(1).sum(1)
    return products / (_lengths(one) * _lengths(other))
