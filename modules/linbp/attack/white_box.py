"""A model under attack: which samples, under which gradient rules, and one row for each sample and strength."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from math import inf
from typing import Any

import numpy as np
import torch
from torch import Tensor

from modules.linbp.attack.config import AttackConfig
from modules.linbp.attack.outcomes import Outcome, ensemble_attack, iterated_attack, perturbation_norms
from modules.linbp.batches import BATCH, at_once
from modules.linbp.samples import correctly_classified
from suite.attacks import (
    MEMBERS,
    Efforts,
    Engine,
    GradientHealth,
    GradientRule,
    OutputProbe,
    Settings,
    Trial,
    UnboundedProbe,
    ball_noise,
    differentiator,
    exact_engine,
    fast_engine,
    fast_layout,
    gradient_health,
    probe_outputs,
    probe_unbounded,
)
from suite.attacks.losses import against
from suite.data import Split
from suite.errors import SuiteError, one_line
from suite.measuring import Run
from suite.models import Classifier
from suite.refs import parse_call

P = {"linf": inf, "l2": 2.0, "l1": 1.0}
UNBOUNDED = 32  # images on which an attack without a bound is tried


@dataclass(frozen=True)
class Attacker:
    """The configured attack under one gradient rule.

    Attributes:
        gradient: name of the rule in the tables.
        attack: what is done to images (N, C, H, W) with their labels (N,) and ids (N,).
        facts: how gradients are computed.
    """

    gradient: str
    attack: Callable[[Tensor, Tensor, np.ndarray], Outcome]
    facts: Mapping[str, Any]


class WhiteBox:
    """Attacks one model, under several gradient rules, on the samples of a split that it classifies correctly.

    Attributes:
        ids: (N,) samples of the split that are attacked.
        clean_accuracy: share of the chosen samples that the model classifies correctly.
        steps: numbers of steps of the outcomes' readings, in order; a single None for attacks without steps.
        readings: those of them that the study reports, ascending.
        rules: gradient rules by name; `add` adds more.

    Raises:
        SuiteError: fewer than two samples are classified correctly; an attack or a start that does not exist.
    """

    def __init__(
        self, config: AttackConfig, run: Run, model: Classifier, split: Split, rules: Mapping[str, GradientRule]
    ) -> None:
        self.config, self.run, self.model, self.split = config, run, model, split
        self.steps: tuple[int | None, ...]
        self.readings: tuple[int | None, ...]
        self._call = parse_call(config.attack)
        if config.own_attack:
            self.steps, self.readings = tuple(range(max(config.steps) + 1)), tuple(sorted(config.steps))
            self._norm = P[config.norm]
        elif config.ensemble:
            self.steps = self.readings = (None,)
            self._norm, self._efforts = P[config.norm], Efforts.of(self._call)
        else:
            from modules.linbp.attack.by_foolbox import numbers_of_steps, order_of_norm

            self.steps = self.readings = numbers_of_steps(self._call, config.steps)
            self._norm = order_of_norm(self._call, self.steps[0])  # one that cannot be made is refused before any work
        self._unit: float | Tensor = model.std[0] if config.input_space == "normalised" else 1.0
        self._at_once = at_once(config.batch_size, split)
        self.ids, self.clean_accuracy = correctly_classified(
            model, split, config.limit, config.seed, device=run.device, batch_size=4 * self._at_once
        )
        self._probe = self._images(self.ids[: max(2, min(len(self.ids), config.batch_size or BATCH))])
        self.rules: dict[str, GradientRule] = {}
        for gradient, rule in rules.items():
            self.add(gradient, rule)

    def add(self, gradient: str, rule: GradientRule) -> None:
        """Adds a gradient rule; refuses before any work a start, an engine or an attack that does not work here."""
        self.rules[gradient] = rule
        attacked = rule(self.model)
        with torch.no_grad():
            attacked(self._probe[:1])
        if self.config.engine == "jacobian":
            try:
                differentiator(attacked, self._probe[:2], "jacobian")
            except SuiteError as error:
                raise SuiteError(f"--engine jacobian with {gradient}: {error.what}", "use --engine auto") from error
        if self.config.ensemble:
            self._outcome(self._ensemble(gradient, Efforts(1, 1, 1)), self.ids[:1])
        elif not self.config.own_attack:
            try:
                self._outcome(self.attacker(gradient), self.ids[:1])
            except Exception as error:  # Foolbox's attacks fail in many ways
                raise SuiteError(f"--attack {self._call} does not run here: {one_line(error)}") from error

    def attacker(self, gradient: str, *, exact: bool = False) -> Attacker:
        """The configured attack under a gradient rule that was added; `exact` forgoes what --fast rounds."""
        config, rule = self.config, self.rules[gradient]
        if config.ensemble:
            return self._ensemble(gradient, self._efforts)
        if not config.own_attack:
            from modules.linbp.attack.by_foolbox import foolbox_attack

            attacked = rule(self.model)
            return Attacker(gradient, lambda images, labels, ids: foolbox_attack(
                self.model, attacked, self._call, images, labels, config.eps,
                ids=ids, step_size=config.step_size, readings=self.readings, seed=config.seed,
            ), {"engine": "foolbox"})  # fmt: skip
        settings = Settings(
            max(config.steps), config.step_size, config.step_norm, config.loss, self._unit, early_stop=config.early_stop
        )
        engine = self._engine(gradient, exact=exact)
        return Attacker(gradient, lambda images, labels, ids: iterated_attack(
            engine, images, labels, config.eps, settings,
            readings=config.steps, noise=self._noise(ids), batch_size=self._at_once,
        ), dict(engine.facts))  # fmt: skip

    def health(self, gradient: str) -> GradientHealth:
        """Whether a rule's gradient of the loss that is climbed can be followed at the first images."""
        labels = self.split.targets(self.ids[: len(self._probe)], self.run.device)
        loss = against(self.config.loss, labels, check=True)
        return gradient_health(self.rules[gradient](self.model), self._probe, loss)

    def outputs(self) -> OutputProbe:
        """What is odd about the model's outputs at the first images."""
        return probe_outputs(self.model, self._probe)

    def unbounded(self, gradient: str) -> UnboundedProbe:
        """What an attack without a bound does to the first images under a rule."""
        images = self._probe[:UNBOUNDED]
        labels = self.split.targets(self.ids[: len(images)], self.run.device)
        attacked = self.rules[gradient](self.model)
        return probe_unbounded(attacked, self.model, images, labels, norm=self.config.step_norm, loss=self.config.loss)

    def rows(self, attacker: Attacker, ids: np.ndarray) -> dict[str, Any]:
        """One row for each strength and sample, as columns; `first_fooled_step` is -1 for never."""
        images, labels, outcome = self._outcome(attacker, ids)
        norms = perturbation_norms(outcome.adversarials, images, self._norm, self._unit)
        count, strengths = len(ids), len(self.config.eps)
        fooled = outcome.fooled.flatten(0, 1).cpu().numpy()
        numbers = np.array([-1 if step is None else step for step in self.steps])
        by = None if outcome.fooled_by is None else outcome.fooled_by.flatten().tolist()
        members = {} if by is None else {"fooled_by": [None if place < 0 else MEMBERS[place] for place in by]}
        return {
            "id": np.tile(ids, strengths),
            "label": labels.repeat(strengths).cpu().numpy(),
            "clean_prediction": labels.repeat(strengths).cpu().numpy(),
            "gradient": [attacker.gradient] * (count * strengths),
            "eps": np.repeat(self.config.eps, count),
            "first_fooled_step": np.where(fooled.any(1), numbers[fooled.argmax(1)], -1),
            "fooled": fooled.tolist(),
            "prediction": outcome.prediction.flatten().cpu().numpy(),
            "perturbation": norms.flatten().double().cpu().numpy(),
            **members,
        }

    def pictures(self, attacker: Attacker, ids: np.ndarray) -> dict[str, Any]:
        """Clean and adversarial images under the largest eps, pixels flattened, as columns."""
        images, labels, outcome = self._outcome(attacker, ids)
        strongest = self.config.eps.index(max(self.config.eps))
        return {
            "id": ids,
            "label": labels.cpu().numpy(),
            "gradient": [attacker.gradient] * len(ids),
            "eps": [self.config.eps[strongest]] * len(ids),
            "prediction": outcome.prediction[strongest].cpu().numpy(),
            "shape": ["x".join(map(str, images.shape[1:]))] * len(ids),
            "clean": [row.tolist() for row in images.flatten(1).cpu()],
            "adversarial": [row.tolist() for row in outcome.adversarials[strongest].flatten(1).cpu()],
        }

    def _ensemble(self, gradient: str, efforts: Efforts) -> Attacker:
        """AutoAttack under a gradient rule, by as much as it may try."""
        config, engine = self.config, self._engine(gradient)
        follows = {"the rule leads": ", ".join(MEMBERS[:-1]), "no gradient leads": MEMBERS[-1]}
        return Attacker(gradient, lambda images, labels, ids: ensemble_attack(
            engine, images, labels, config.eps,
            ids=torch.from_numpy(ids).to(images.device), seed=config.seed, norm=config.norm,
            efforts=efforts, batch_size=self._at_once,
        ), {**engine.facts, **follows})  # fmt: skip

    def _outcome(self, attacker: Attacker, ids: np.ndarray) -> tuple[Tensor, Tensor, Outcome]:
        """Clean images, labels, and what the attack did to them."""
        images, labels = self._images(ids), self.split.targets(ids, self.run.device)
        return images, labels, attacker.attack(images, labels, ids)

    def _engine(self, gradient: str, *, exact: bool = False) -> Engine:
        """What is chosen by timing is chosen once a run, so that a continued run computes as an undisturbed one."""
        rule, kind, precision = self.rules[gradient], self.config.engine, self.config.precision
        if exact or not self.config.fast:
            return exact_engine(self.model, rule, self._probe, kind)
        chosen = self.run.once(
            f"{gradient} layout", lambda: {"layout": [fast_layout(self.model, rule, self._probe, kind, precision)]}
        )

        def kept(trial: Callable[[], Trial]) -> Trial:
            columns = self.run.once(
                f"{gradient} compiled", lambda: {name: [value] for name, value in asdict(trial()).items()}
            )
            return Trial(**{name: float(values[0]) for name, values in columns.items()})

        return fast_engine(
            self.model, rule, self._probe, kind,
            layout=chosen["layout"][0], precision=precision, trial=kept if self.config.compile else None,
        )  # fmt: skip

    def _images(self, ids: np.ndarray) -> Tensor:
        return self.split.pixels(ids, self.run.device)

    def _noise(self, ids: np.ndarray) -> Tensor | None:
        if self._call.name != "pgd":
            return None
        shape = tuple(self.split.images.shape[1:])
        return ball_noise(ids.tolist(), shape, seed=self.config.seed, norm=self.config.step_norm)
