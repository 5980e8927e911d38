"""White-box attacks on one model under several gradient rules."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
import torch
from foolbox.attacks.base import AttackWithDistance
from torch import Tensor, nn

from modules.linbp.attack.config import AttackConfig
from modules.linbp.samples import correctly_classified, predict
from suite import data
from suite.attacks import (
    Engine,
    GradientRule,
    Settings,
    ball_noise,
    differentiator,
    exact_engine,
    fast_engine,
    fast_layout,
    foolbox_model,
    has_steps,
    iterate,
    make_attack,
    random_starts,
)
from suite.errors import SuiteError, one_line
from suite.measuring import Run
from suite.models import Classifier
from suite.refs import Call, parse_call

FOOLBOX_BATCH = 64  # not --batch-size, on which the draws of Foolbox's attacks would depend


@dataclass(frozen=True)
class Outcome:
    """What an attack did to N samples under E strengths.

    fooled (E, N, S): by reading; prediction (E, N), adversarials (E, N, ...): at the last one. Readings are the
    steps 0..K of our own iterated attack, or the numbers of steps that a Foolbox attack was run with.
    """

    fooled: Tensor
    prediction: Tensor
    adversarials: Tensor


def fused_attack(
    engine: Engine, images: Tensor, labels: Tensor, epsilons: tuple[float, ...], settings: Settings,
    *, readings: tuple[int, ...], noise: Tensor | None, batch_size: int,
) -> Outcome:  # fmt: skip
    """I-FGSM, or PGD from unit-ball `noise` (N, ...): every strength and step from one trajectory.

    `epsilons` in any order; the outcome keeps it. `readings` are the steps that the study reports.
    """
    order = sorted(range(len(epsilons)), key=lambda index: epsilons[index])
    ascending = tuple(epsilons[index] for index in order)
    parts = []
    for batch in torch.arange(len(images), device=images.device).split(batch_size):
        start = None if noise is None else random_starts(images[batch], noise[batch], ascending, settings)
        part = iterate(
            engine.differentiate, engine.predict, images[batch], labels[batch], ascending, settings,
            start=start, judge=engine.judge, readings=readings,
        )  # fmt: skip
        parts.append(part)
    back = [order.index(index) for index in range(len(epsilons))]
    return Outcome(
        torch.cat([part.fooled for part in parts], 1)[back],
        torch.cat([part.prediction for part in parts], 1)[back],
        torch.cat([part.adversarials for part in parts], 1)[back],
    )


def foolbox_attack(
    model: nn.Module, attacked: nn.Module, call: Call, images: Tensor, labels: Tensor, epsilons: tuple[float, ...],
    *, ids: np.ndarray, step_size: float, readings: tuple[int | None, ...], seed: int,
) -> Outcome:  # fmt: skip
    """Any Foolbox attack on `attacked` (the model under a gradient rule), judged by the true `model`.

    One call per reading, the number of steps given to attacks that take one (`None` leaves it to the attack). Foolbox
    draws from the global generators, so batches have a fixed size and each is seeded by (seed, its first id): every
    gradient rule meets the same draws.
    """
    fooled = []
    with foolbox_model(attacked) as target:
        for steps in readings:
            defaults: dict[str, Any] = {"abs_stepsize": step_size} | ({} if steps is None else {"steps": steps})
            attack = make_attack(call, **defaults)
            parts = []
            for batch in torch.arange(len(images), device=images.device).split(FOOLBOX_BATCH):
                _seed_global_generators(seed, int(ids[int(batch[0])]))
                clipped = attack(target, images[batch], labels[batch], epsilons=list(epsilons))[1]
                parts.append(torch.stack(clipped).detach())
            adversarials = torch.cat(parts, 1)
            predictions = torch.stack([predict(model, x, FOOLBOX_BATCH) for x in adversarials])
            fooled.append(predictions.ne(labels))
    return Outcome(torch.stack(fooled, -1), predictions, adversarials)


def _seed_global_generators(seed: int, identity: int) -> None:
    draws = np.random.SeedSequence((seed, identity)).generate_state(3, np.uint32)
    torch.manual_seed(int(draws[0]))
    np.random.seed(int(draws[1]))  # noqa: NPY002  (Foolbox's own generator)
    random.seed(int(draws[2]))


def perturbation_norms(adversarials: Tensor, images: Tensor, p: float, unit: float | Tensor) -> Tensor:
    """(E, N): lp norm of each perturbation, in the units of epsilon; p in {0, 1, 2, inf}, 0 counts pixels."""
    norms: Tensor = torch.linalg.vector_norm(((adversarials - images) / unit).flatten(2), p, dim=2)
    return norms


Attacker = Callable[[Tensor, Tensor, np.ndarray], Outcome]
"""Attacks images (N, C, H, W) of labels (N,) and ids (N,)."""


class WhiteBox:
    """A model, the samples of a split that it classifies correctly, and an attacker for every gradient rule.

    Attributes:
        ids: (N,) samples of the split that are attacked.
        clean_accuracy: share of the chosen samples that are.
        steps: number of steps -> its place among the outcomes' readings; None for attacks without steps.
        readings: those of them that the table reports.
        p: of the lp norm that the attack measures perturbations in.
        rules: gradient rules by name; more may be added.
        facts: per gradient rule, which engine differentiated.

    Raises:
        SuiteError: fewer than two samples are classified correctly; an attack or a start that does not exist.
    """

    def __init__(
        self, config: AttackConfig, run: Run, model: Classifier, split: data.Split,
        rules: Mapping[str, GradientRule],
    ) -> None:  # fmt: skip
        self.config, self.run, self.model, self.split = config, run, model, split
        self.call = parse_call(config.attack)
        self.steps: dict[int | None, int]
        self.readings: dict[int | None, int]
        if config.own_attack:
            self.steps = {step: step for step in range(max(config.steps) + 1)}
            self.readings = {step: step for step in sorted(config.steps)}
            self.p = inf if config.norm == "linf" else 2.0
        else:
            numbers = sorted(config.steps) if has_steps(self.call) else [None]
            attack = make_attack(self.call, steps=numbers[0])  # one that cannot be made is refused before any work
            self.p = float(attack.distance.p) if isinstance(attack, AttackWithDistance) else inf
            self.steps = self.readings = {number: place for place, number in enumerate(numbers)}
        self.unit: float | Tensor = model.std[0] if config.input_space == "normalised" else 1.0
        self.facts: dict[str, Any] = {}
        self.ids, self.clean_accuracy = correctly_classified(
            model, self.split, config.limit, config.seed, device=run.device, batch_size=4 * config.batch_size
        )
        self.probe = self._images(self.ids[: max(2, min(len(self.ids), config.batch_size))])
        self.rules: dict[str, GradientRule] = {}
        for gradient, rule in rules.items():
            self.add(gradient, rule)

    def add(self, gradient: str, rule: GradientRule) -> None:
        """One more gradient rule. Refuses what cannot work before any work is done under it."""
        self.rules[gradient] = rule
        self._try(gradient)

    def attacker(self, gradient: str) -> Attacker:
        """The configured attack under one gradient rule."""
        config, rule = self.config, self.rules[gradient]
        if not config.own_attack:
            self.facts[gradient] = {"engine": "foolbox"}
            attacked = rule(self.model)
            return lambda images, labels, ids: foolbox_attack(
                self.model, attacked, self.call, images, labels, config.eps,
                ids=ids, step_size=config.step_size, readings=tuple(self.readings), seed=config.seed,
            )  # fmt: skip
        settings = Settings(
            max(config.steps), config.step_size, config.norm, config.loss, self.unit, early_stop=config.early_stop
        )
        engine = self._fast_engine(gradient) if config.fast else self._exact_engine(rule)
        self.facts[gradient] = dict(engine.facts)
        return lambda images, labels, ids: fused_attack(
            engine, images, labels, config.eps, settings,
            readings=config.steps, noise=self._noise(ids), batch_size=config.batch_size,
        )  # fmt: skip

    def _try(self, gradient: str) -> None:
        """Refuses before any work what cannot work: a start, a forced engine, an attack that does not run here."""
        attacked = self.rules[gradient](self.model)
        with torch.no_grad():
            attacked(self.probe[:1])
        if self.config.engine == "jacobian":
            try:
                differentiator(attacked, self.probe[:2], "jacobian")
            except SuiteError as error:
                raise SuiteError(f"--engine jacobian with {gradient}: {error.what}", "use --engine auto") from error
        if not self.config.own_attack:
            try:
                self.attacker(gradient)(self.probe[:1], self.split.targets(self.ids[:1], self.run.device), self.ids[:1])
            except Exception as error:  # Foolbox's attacks fail in many ways
                raise SuiteError(f"--attack {self.call} does not run here: {one_line(error)}") from error

    def _exact_engine(self, rule: GradientRule) -> Engine:
        return exact_engine(self.model, rule, self.probe, self.config.engine)

    def _fast_engine(self, gradient: str) -> Engine:
        """The memory layout is chosen once a run, so that a continued run computes as an undisturbed one."""
        rule, kind = self.rules[gradient], self.config.engine
        chosen = self.run.once(
            f"{gradient} layout", lambda: {"layout": [fast_layout(self.model, rule, self.probe, kind)]}
        )
        return fast_engine(self.model, rule, self.probe, kind, layout=chosen["layout"][0])

    def rows(self, gradient: str, attacker: Attacker, ids: np.ndarray) -> dict[str, Any]:
        """One row per sample and strength, as columns; `first_fooled_step` is -1 for never."""
        images, labels = self._images(ids), self.split.targets(ids, self.run.device)
        outcome = attacker(images, labels, ids)
        norms = perturbation_norms(outcome.adversarials, images, self.p, self.unit)
        count, strengths = len(ids), len(self.config.eps)
        fooled = outcome.fooled.flatten(0, 1).cpu().numpy()
        return {
            "id": np.tile(ids, strengths),
            "label": labels.repeat(strengths).cpu().numpy(),
            "clean_prediction": labels.repeat(strengths).cpu().numpy(),
            "gradient": [gradient] * (count * strengths),
            "eps": np.repeat(self.config.eps, count),
            "first_fooled_step": self._first_step(fooled),
            "fooled": fooled.tolist(),
            "prediction": outcome.prediction.flatten().cpu().numpy(),
            "perturbation": norms.flatten().double().cpu().numpy(),
        }

    def pictures(self, gradient: str, attacker: Attacker, ids: np.ndarray) -> dict[str, Any]:
        """Clean and adversarial images under the largest eps, pixels flattened, as columns."""
        images, labels = self._images(ids), self.split.targets(ids, self.run.device)
        strongest = max(range(len(self.config.eps)), key=lambda index: self.config.eps[index])
        outcome = attacker(images, labels, ids)
        return {
            "id": ids,
            "label": labels.cpu().numpy(),
            "gradient": [gradient] * len(ids),
            "eps": [self.config.eps[strongest]] * len(ids),
            "prediction": outcome.prediction[strongest].cpu().numpy(),
            "shape": ["x".join(map(str, images.shape[1:]))] * len(ids),
            "clean": [row.tolist() for row in images.flatten(1).cpu()],
            "adversarial": [row.tolist() for row in outcome.adversarials[strongest].flatten(1).cpu()],
        }

    def _first_step(self, fooled: np.ndarray) -> np.ndarray:
        numbers = np.array([-1 if number is None else number for number in self.steps])
        return np.where(fooled.any(1), numbers[fooled.argmax(1)], -1)

    def _images(self, ids: np.ndarray) -> Tensor:
        return self.split.pixels(ids, self.run.device)

    def _noise(self, ids: np.ndarray) -> Tensor | None:
        if self.call.name != "pgd":
            return None
        shape = tuple(self.split.images.shape[1:])
        return ball_noise(ids.tolist(), shape, seed=self.config.seed, norm=self.config.norm)
