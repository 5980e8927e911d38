"""`linbp.rules` measured: places calibrated on training images, then every arm's sets shown to every model."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache, partial
from itertools import product
from typing import Any

import numpy as np
import torch

from modules.linbp.rules.arms import Arm, Choice, choice, own_choice
from modules.linbp.rules.budget import steps_within
from modules.linbp.rules.catalogue import BOTH, BP, CALIBRATED, CATALOGUE, PUBLISHED
from modules.linbp.rules.config import RulesConfig
from modules.linbp.rules.counted import multiply_adds
from modules.linbp.samples import beyond, calibration_samples
from modules.linbp.transfer_sets import Models
from suite.attacks import METHODS, Budget, Engine, craft, eight_bit, exact_engine, fast_engine, fast_layout, frozen
from suite.errors import SuiteError
from suite.gradients import bp
from suite.measuring import Part, Run

log = logging.getLogger("suite")

LOSS = "stable_ce"  # cross-entropy's direction: where a net is sure, that of `ce` itself is lost to float32's rounding
ENGINES = 2  # kept at once: arms come one after another, and a folded network of each of a hundred takes gigabytes
PROBE = 32  # images on which engines are built, and a memory layout is timed


def measure(config: RulesConfig, run: Run) -> None:
    """Attacks from every surrogate under every rule, at both its places, within the same budgets (ours).

    Raw tables: `samples`, a row for each sample, surrogate, gradient, method, eps and budget, with lists over the
    models; `arms`, the rules and places that the gradients stand for, and what a step costs; `calibration`, a row for
    each candidate; `models`.
    """
    references = (*config.surrogates, *(config.victims or ()), *(config.judges or ()))
    with frozen(*(run.model(ref) for ref in references)):
        rules = Rules(config, run)
        chosen = rules.calibrated()
        milliseconds = rules.attacked(chosen)
    for row in rules.models.rows():
        run.table("models").add(**row)
    run.record(
        attacked=len(rules.models.ids),
        chosen=rules.models.chosen,
        calibrated_on=rules.calibrated_on,
        left_out=rules.left_out,
        engines=rules.engine_facts(chosen),
        milliseconds=milliseconds,
    )


class Rules:
    """The models, and for each surrogate its rules and where they may be put.

    Attributes:
        choices: reference of a surrogate -> its rules.
        left_out: surrogate -> rule of the catalogue -> why it is not compared there.
        calibrated_on: training samples that all surrogates and judges classify correctly.
    """

    def __init__(self, config: RulesConfig, run: Run) -> None:
        self.config, self._run = config, run
        dataset = run.dataset(config.dataset)
        chosen = beyond(dataset.test, config.skip, config.limit, config.seed)
        size = 4 * config.batch_size
        self.models = Models(run, config.surrogates, config.victims or (), dataset.test, chosen, size)
        self._probe = self.models.batch(self.models.ids[:PROBE]).images
        self.left_out: dict[str, dict[str, str]] = {}
        self.choices = {surrogate: list(self._choices(surrogate)) for surrogate in config.surrogates}
        self._judging: Models | None = None
        if config.judges:
            training = calibration_samples(dataset, config.calibration, config.seed)
            everyone = np.arange(len(training))
            self._judging = Models(run, config.surrogates, config.judges, training, everyone, size)
        self.calibrated_on = 0 if self._judging is None else len(self._judging.ids)
        self._kept = lru_cache(ENGINES)(self._engine)
        self._facts: dict[tuple[str, Arm], dict[str, Any]] = {}
        self.cost = cache(self._cost)

    def calibrated(self) -> dict[str, list[tuple[str, Arm]]]:
        """(place, arm) of each surrogate: of a rule one where both places are the same, or there is nothing to choose.

        Chosen is the candidate that fools the judges most often, of equals the one that changes least.
        """
        judging = self._judging
        if judging is None:
            return {ref: [(PUBLISHED, each.published) for each in choices] for ref, choices in self.choices.items()}
        wanted = [
            (surrogate, arm) for surrogate, choices in self.choices.items() for each in choices
            for arm in each.candidates
        ]  # fmt: skip
        parts = [
            (f"calibration {surrogate} {arm.gradient}", partial(self._success, judging, surrogate, arm))
            for surrogate, arm in wanted
        ]
        shares = {
            (surrogate, arm.gradient): float(columns["success"][0])
            for (surrogate, arm), columns in zip(wanted, self._run.each(parts, "calibration"), strict=True)
        }
        arms: dict[str, list[tuple[str, Arm]]] = {}
        for surrogate, choices in self.choices.items():
            arms[surrogate] = []
            for each in choices:
                tried = {arm: shares[surrogate, arm.gradient] for arm in each.candidates}
                best = max(reversed(tried), key=tried.__getitem__) if tried else each.published
                self._note(surrogate, tried, best)
                arms[surrogate] += both_places(each.published, best)
        return arms

    def attacked(self, chosen: dict[str, list[tuple[str, Arm]]]) -> dict[str, dict[str, float]]:
        """Attacks under all arms: the tables `arms` and `samples`; CPU milliseconds of a pass and image, by surrogate
        and gradient (on a GPU those of the clock), which differ from run to run."""
        for surrogate, arms in chosen.items():
            for place, arm in arms:
                self._run.table("arms").add(
                    surrogate=self.models.names[surrogate], rule=arm.rule, place=place, gradient=arm.gradient,
                    at=arm.at, passes_per_step=self._passes(surrogate, arm), multiply_adds=self.cost(surrogate, arm),
                )  # fmt: skip
        ids = self.models.ids
        batches = np.array_split(ids, max(1, len(ids) // self.config.batch_size))
        parts, works = list[Part](), list[tuple[str, str, int]]()
        for surrogate, arms in chosen.items():
            gradients = {arm.gradient: arm for _, arm in arms}  # two rules may come to one: its sets are made once
            each = product(gradients.values(), self.config.methods, self.config.eps, self.config.passes, batches)
            for arm, method, eps, passes, some in each:
                name = f"{surrogate} {arm.gradient} {method} {eps} {passes} {some[0]}"
                parts.append((name, partial(self._rows, surrogate, arm, method, eps, passes, some)))
                steps = self._steps(surrogate, arm, passes)
                works.append((self.models.names[surrogate], arm.gradient, len(some) * steps))
        seconds: dict[tuple[str, str], list[float]] = {}
        for (surrogate, gradient, steps), columns in zip(works, self._run.each(parts, "rules"), strict=True):
            spent = seconds.setdefault((surrogate, gradient), [0.0, 0])
            spent[0] += float(columns.pop("seconds")[0])
            spent[1] += steps
            self._run.table("samples").extend(columns)
        found: dict[str, dict[str, float]] = {}
        for (surrogate, gradient), (spent_on, count) in seconds.items():
            found.setdefault(surrogate, {})[gradient] = round(1000 * spent_on / count, 3)
        return found

    def engine_facts(self, chosen: dict[str, list[tuple[str, Arm]]]) -> dict[str, dict[str, dict[str, Any]]]:
        """How each arm was differentiated."""
        return {
            self.models.names[ref]: {arm.gradient: self._facts_of(ref, arm) for _, arm in arms}
            for ref, arms in chosen.items()
        }  # fmt: skip

    def engine(self, surrogate: str, arm: Arm) -> Engine:
        """What differentiates a surrogate under an arm; how is noted, since engines are not kept for long."""
        engine = self._kept(surrogate, arm)
        self._facts[surrogate, arm] = dict(engine.facts)
        return engine

    def _facts_of(self, surrogate: str, arm: Arm) -> dict[str, Any]:
        """As noted, or, where all its parts were stored before, as it is now."""
        if (surrogate, arm) not in self._facts:
            self.engine(surrogate, arm)
        return self._facts[surrogate, arm]

    def _rows(
        self, surrogate: str, arm: Arm, method: str, eps: float, passes: int, ids: np.ndarray
    ) -> dict[str, list[Any]]:
        """One row per sample, as columns; `fooled` and `predictions` are lists over the models."""
        said, seconds = self._shown(self.models, surrogate, arm, method, eps, passes, ids)
        columns = {name: said[name].tolist() for name in ("id", "label", "fooled", "predictions", "perturbation")}
        made_with = {
            "surrogate": self.models.names[surrogate], "gradient": arm.gradient, "method": method, "eps": eps,
            "passes": passes, "seconds": seconds,
        }  # fmt: skip
        return columns | {name: [value] * len(ids) for name, value in made_with.items()}

    def _success(self, judging: Models, surrogate: str, arm: Arm) -> dict[str, list[float]]:
        """The share of the judges that a training image fools, on average: under the first method, at the largest eps
        and budget."""
        config = self.config
        batches = np.array_split(judging.ids, max(1, len(judging.ids) // config.batch_size))
        columns = [place for place, ref in enumerate(judging.names) if ref in (config.judges or ())]
        fooled = [
            self._shown(judging, surrogate, arm, config.methods[0], max(config.eps), max(config.passes), ids)[0]
            for ids in batches
        ]
        return {"success": [float(np.concatenate([said["fooled"][:, columns] for said in fooled]).mean())]}

    def _shown(
        self, models: Models, surrogate: str, arm: Arm, method: str, eps: float, passes: int, ids: np.ndarray
    ) -> tuple[dict[str, np.ndarray], float]:
        """What the models say of the samples' adversarial images, and the seconds that making them took."""
        batch, config = models.batch(ids), self.config
        budget = Budget((eps,), self._steps(surrogate, arm, passes), config.step_size)
        engine, clock = self.engine(surrogate, arm), self._clock()
        begun = clock()
        made = craft(
            engine.differentiate, batch.images, batch.labels, METHODS[method], budget, ids=batch.ids,
            seed=config.seed, loss=LOSS,
        )  # fmt: skip
        seconds = clock() - begun
        return models.shown(batch, eight_bit(made)), seconds

    def _clock(self) -> Callable[[], float]:
        if self._run.device.type == "cpu":
            return time.process_time

        def clock() -> float:
            torch.cuda.synchronize(self._run.device)
            return time.perf_counter()

        return clock

    def _choices(self, surrogate: str) -> Iterator[Choice]:
        """Backpropagation, and every rule that finds something to change; what was not asked for by name may not."""
        config, model, name = self.config, self.models.classifiers[surrogate], self.models.names[surrogate]
        yield Choice(Arm(BP, BP, "", bp), ())
        for rule in config.rules or CATALOGUE:
            try:
                yield choice(rule, CATALOGUE[rule], model, self._probe, config.candidates)
            except SuiteError as error:
                if config.rules:
                    raise SuiteError(f"{rule} on {name}: {error.what}", error.remedy) from error
                self.left_out.setdefault(name, {})[rule] = error.what
        for ref in config.own or ():
            if ref in (BP, *(config.rules or CATALOGUE)):
                raise SuiteError(f"--own {ref}: the comparison has it already", "leave it out")
            try:
                yield own_choice(ref, self._run.gradient(ref), model, self._probe, config.candidates)
            except SuiteError as error:
                raise SuiteError(f"{ref} on {name}: {error.what}", error.remedy) from error

    def _note(self, surrogate: str, tried: dict[Arm, float], best: Arm) -> None:
        for arm, success in tried.items():
            self._run.table("calibration").add(
                surrogate=self.models.names[surrogate], rule=arm.rule, gradient=arm.gradient, at=arm.at,
                success=success, n=self.calibrated_on, chosen=arm is best,
            )  # fmt: skip

    def _engine(self, surrogate: str, arm: Arm) -> Engine:
        """All by autograd, so that rules are timed alike, and in the memory layout that suits backpropagation."""
        model = self.models.classifiers[surrogate]
        if not self.config.fast:
            return exact_engine(model, arm.apply, self._probe, "autograd")
        layout = self._run.once(f"{surrogate} layout", lambda: {"layout": [fast_layout(model, bp, self._probe)]})
        return fast_engine(model, arm.apply, self._probe, "autograd", layout=layout["layout"][0])

    def _cost(self, surrogate: str, arm: Arm) -> int:
        return multiply_adds(self.models.classifiers[surrogate], arm.apply, self._probe[:2])

    def _passes(self, surrogate: str, arm: Arm) -> float:
        return round(self.cost(surrogate, arm) / self.cost(surrogate, _BP), 4)

    def _steps(self, surrogate: str, arm: Arm, passes: int) -> int:
        return steps_within(passes, self._passes(surrogate, arm))


_BP = Arm(BP, BP, "", bp)


def both_places(published: Arm, calibrated: Arm) -> Sequence[tuple[str, Arm]]:
    """The arms of a rule with their places: one alone where both are the same."""
    if published.gradient == calibrated.gradient:
        return [(BOTH, published)]
    return [(PUBLISHED, published), (CALIBRATED, calibrated)]
