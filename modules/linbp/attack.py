"""`linbp.attack`: success rate of a white-box attack under several gradient rules (Li et al. 2022, Sec. 4.2, Table 1).

Every rule attacks the same samples, those that the model classifies correctly when clean; success is always that
of the true model. Imports of torch and matplotlib stand in functions: `suite info` shows this config without them.
"""

import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from pydantic import model_validator

from suite.errors import SuiteError
from suite.plugin import DatasetRef, Epsilons, GradientRefs, ModelRef, Number, Steps, StudyConfig, option
from suite.refs import Call, format_number, format_sum, parse_call, parse_sum, split_list

if TYPE_CHECKING:
    from modules.linbp.white_box import Scene
    from suite.models import Classifier
    from suite.run import Run

log = logging.getLogger("suite")

OWN_ATTACKS = ("ifgsm", "pgd")
PART = 256  # samples per stored part: what an interruption can lose

_TABLE = "Li et al., Sec. 4.2, Table 1"
_CODE = "released code of Li et al."


class AttackConfig(StudyConfig):
    """White-box attack on one model under several gradient rules."""

    model: ModelRef = option("digits-cnn", "model: name, name(k=v), name@WEIGHTS, run:RUN/NAME, import:pkg.mod:factory")
    dataset: DatasetRef = option("digits", "data set, or folder:PATH; its test split is attacked")
    gradients: GradientRefs = option(
        ("bp", "linbp"),
        "gradient rules; the first is the reference of the paired tests",
        source="Li et al., Eq. 4-6",
    )
    start: str | None = option(
        None,
        "where linbp starts in rules that do not say: a module path, a rectifier call's index, all, none, or auto: "
        "the best start in an attack on training samples, none where no start beats bp there",
    )
    calibration: int = option(
        200, "training samples on which start=auto is found, class-balanced", unit="samples", gt=1
    )
    attack: str = option(
        "ifgsm", "ifgsm or pgd (all strengths in one batch), or any Foolbox attack class", source=_TABLE
    )
    eps: Epsilons = option((0.05, 0.1), "attack strengths: radii of the ball", unit="pixels in [0, 1]", source=_TABLE)
    steps: Steps = option((5, 10), "numbers of steps K at which success is read", unit="steps", source=_TABLE)
    step_size: Number = option(2 / 255, "length of a step", unit="as eps", source=_TABLE, gt=0)
    norm: Literal["linf", "l2"] = option("linf", "norm of the ball and of a step", source="Li et al., Sec. 2.2")
    loss: Literal["ce", "nll_logits", "stable_ce"] = option(
        "ce",
        "cross-entropy; minus the true logit; or cross-entropy without its cancellation at p = 1",
        source=_CODE,
    )
    input_space: Literal["pixel", "normalised"] = option(
        "pixel", "eps and step in pixels, or in pixels over the model's standard deviations", source=_CODE
    )
    early_stop: bool = option(True, "leave a sample at its first misclassified iterate, or read exactly the K-th")
    limit: int | None = option(None, "attack at most this many test samples, class-balanced", unit="samples", gt=0)
    engine: Literal["auto", "jacobian", "autograd"] = option(
        "auto", "backward pass of a linearised tail: one matrix (where that is exact), or autograd"
    )
    fast: bool = option(
        False, "fold batch norms and choose the memory layout: equal up to rounding; agreement recorded"
    )
    examples: int = option(4, "samples in the picture of adversarial images", unit="samples", ge=0, le=32)
    batch_size: int = option(64, "samples attacked at once", unit="samples", in_key=False, gt=0)

    @property
    def own_attack(self) -> bool:
        """Whether our own loop runs, and not Foolbox's."""
        return parse_call(self.attack).name in OWN_ATTACKS

    @model_validator(mode="before")
    @classmethod
    def _start_goes_into_the_rules(cls, values: Any) -> Any:
        """`--start auto` is another way to write `--gradients bp,linbp(start=auto)`: key and record know only one."""
        if not isinstance(values, dict) or values.get("start") is None:
            return values
        given = values.get("gradients", cls.model_fields["gradients"].default)
        rules = split_list(given) if isinstance(given, str) else list(given)
        filled = [_with_start(rule, str(values["start"])) for rule in rules]
        if filled == rules:
            raise ValueError("--start says where linbp starts, and no rule of --gradients leaves that open")
        return {**values, "gradients": tuple(filled), "start": None}

    @model_validator(mode="after")
    def _options_of_the_attack(self) -> "AttackConfig":
        """Options of our own loop mean nothing to a Foolbox attack: refused there, not ignored."""
        name = parse_call(self.attack).name
        if self.own_attack and parse_call(self.attack).arguments:
            raise ValueError(f"--attack {name} takes its settings from this study's options, not in brackets")
        for field in ("norm", "loss", "input_space", "early_stop", "engine", "fast"):
            if not self.own_attack and getattr(self, field) != type(self).model_fields[field].default:
                raise ValueError(f"--{field.replace('_', '-')} is an option of ifgsm and pgd, not of {name}")
        return self


def _with_start(rule: str, start: str) -> str:
    """The reference with the start in every `linbp` that has none; unreadable text is left for the field to refuse."""
    try:
        calls = parse_sum(rule)
        argument = parse_call(f"linbp(start={start})").arguments["start"]
    except SuiteError:
        return rule
    filled = [
        Call(call.name, {**call.arguments, "start": argument})
        if call.name == "linbp" and "start" not in call.arguments
        else call
        for call in calls
    ]
    return rule if filled == list(calls) else format_sum(filled)


def attack(config: AttackConfig, run: "Run") -> None:
    """Success rate per gradient rule, eps and number of steps (Li et al. 2022, Sec. 4.2, Table 1)."""
    from modules.linbp.samples import spread
    from suite.attacks import frozen

    model = run.model(config.model)
    with frozen(model):
        scene = _scene(config, run, model)
        attackers = {gradient: scene.attacker(gradient) for gradient in config.gradients}
        for gradient, facts in scene.facts.items():
            log.info("%s: %s", gradient, ", ".join(f"{name} {fact}" for name, fact in facts.items()))
        parts = [
            (f"{gradient} {first}", partial(scene.rows, gradient, attacker, scene.ids[first : first + PART]))
            for gradient, attacker in attackers.items()
            for first in range(0, len(scene.ids), PART)
        ]
        for rows in run.each(parts, "attack"):
            run.table("samples").extend(rows)
        for gradient, attacker in attackers.items() if config.examples else ():
            pictures = partial(scene.pictures, gradient, attacker, spread(scene.ids, config.examples))
            run.table("examples").extend(run.once(f"{gradient} examples", pictures))
    run.record(clean_accuracy=scene.clean_accuracy, attacked=len(scene.ids), engines=scene.facts)
    _report(config, run, scene)


def _scene(config: AttackConfig, run: "Run", model: "Classifier") -> "Scene":
    """What is attacked under which rules; starts that are left open are found here, on training samples."""
    from modules.linbp.auto_start import calibrated, is_auto
    from modules.linbp.starts import starting_at
    from modules.linbp.white_box import Scene

    left_open = [ref for ref in config.gradients if is_auto(ref)]
    given = {ref: run.gradient(ref) for ref in config.gradients if ref not in left_open}
    scene = Scene(config, run, model, run.dataset(config.dataset).test, given)
    found = calibrated(config, run, model, left_open)
    for ref, answer in found.items():
        scene.add(ref, starting_at(run.gradient(ref), answer.start))
        for row in answer.rows:
            run.table("calibration").add(**row)
        run.headline(**{ref: answer.fact})
    if found:
        run.record(starts={ref: answer.fact for ref, answer in found.items()})
    return scene


def _report(config: AttackConfig, run: "Run", scene: "Scene") -> None:
    """Rates, tests and figures from the rows per sample."""
    from modules.linbp import attack_figures, attack_tables

    samples, last = run.table("samples").columns, list(scene.readings)[-1]
    for row in attack_tables.success(samples, scene.readings):
        run.table("success").add(**row)
        if (row["eps"], row["steps"]) == (max(config.eps), last):
            run.headline(**{f"success of {row['gradient']} at eps {format_number(row['eps'])}, K {last}": row["rate"]})
    for row in attack_tables.by_step(samples, scene.steps):
        run.table("by_step").add(**row)
    settings = ("attack", "step_size", "norm", "loss", "input_space", "early_stop")
    others = [name for name in settings if getattr(config, name) != AttackConfig.model_fields[name].default]
    for row in attack_tables.published(run.table("success").rows(), config.model, config.dataset, others):
        run.table("published").add(**row)
    if len(run.table("published")):
        run.show("published", title="Table 1 of Li et al. beside what was measured")
    of = f"{len(scene.ids)} samples (clean accuracy {scene.clean_accuracy:.1%})"
    run.show(
        "success", title=f"{config.attack} on {config.model} / {config.dataset}, {of}: success rate, 95 % interval"
    )

    caption = f"Success rate against step, n = {len(scene.ids)}; bands are 95 % Wilson intervals."
    run.figure("success_by_step", attack_figures.success_by_step(run.table("by_step").rows()), caption)
    if config.examples:
        figure = attack_figures.adversarial_images(run.table("examples").rows())
        run.figure("adversarial_images", figure, "Perturbations are shown at full contrast around grey.")
