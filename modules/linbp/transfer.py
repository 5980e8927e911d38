"""`linbp.transfer`: adversarial images made on one model and shown to others (Guo, Li, Chen, NeurIPS 2020).

A matrix of surrogates, gradient rules, methods and strengths against victims. Each adversarial set is made once,
rounded to 8 bits and shown to every model of the run, its own surrogate among them (the white-box cells). Attacked are
the samples that all these models classify correctly, so that every cell is a rate over the same samples.

What is known of the protocol is the released code. Where that is at odds with the attack it names, this study runs the
attack: the gradient of diverse inputs flows back through the resizing (older commits add the gradient of the resized
image to the original one, and the ImageNet script's LinBP branch does not resize at all), and each sample draws its own
resizing and noise, so that the batch size is not part of the result. FGSM's step of twice the radius, clipped, is FGSM.
Imports of torch and matplotlib stand in functions: `suite info` shows this config without them.
"""

import logging
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Literal

from pydantic import model_validator

from suite.plugin import DatasetRef, Epsilons, GradientRefs, ModelRefs, Number, Several, StudyConfig, option
from suite.refs import format_number

if TYPE_CHECKING:
    from modules.linbp.transfer_scene import Scene
    from suite.host.run import Run

log = logging.getLogger("suite")

PART = 128  # samples per stored part: what an interruption can lose

_GUO = "Guo et al., released code"

Method = Literal["fgsm", "ifgsm", "pgd", "mifgsm", "di2fgsm", "mdi2fgsm"]


class TransferConfig(StudyConfig):
    """Transfer of adversarial images from surrogates to victims, under several gradient rules."""

    surrogates: ModelRefs = option(
        ("digits-cnn", "mnist-cnn"), "models whose gradients make the adversarial images; all are victims too"
    )
    victims: ModelRefs = option(("digits-cnn", "mnist-cnn"), "models that the adversarial images are shown to")
    dataset: DatasetRef = option("digits", "data set, or folder:PATH; its test split is attacked")
    gradients: GradientRefs = option(
        ("bp", "linbp"), "gradient rules; the first is the reference of the paired tests", source="Guo et al."
    )
    methods: Several[Method] = option(
        ("fgsm", "ifgsm", "pgd", "mifgsm", "mdi2fgsm"),
        "attacks; pgd looks through fresh uniform noise at every step",
        source=_GUO,
    )
    eps: Epsilons = option((0.05, 0.1, 0.2), "attack strengths: radii in the sup-norm", unit="pixels in [0, 1]")
    steps: int = option(100, "steps of the iterated attacks", unit="steps", source=_GUO, gt=0)
    step_size: Number = option(1 / 255, "length of a step", unit="pixels in [0, 1]", source=_GUO, gt=0)
    decay: Number = option(1.0, "factor on the momentum of mifgsm and mdi2fgsm", source=_GUO, ge=0)
    loss: Literal["ce", "stable_ce"] = option(
        "ce", "cross-entropy, or its direction without cancellation at p = 1, which FGSM may need", source=_GUO
    )
    ila: str | None = option(
        None, "module of the surrogates at which each attack is also continued by the intermediate-level attack"
    )
    ila_steps: int = option(100, "steps of the intermediate-level attack", unit="steps", source=_GUO, gt=0)
    target_shift: int | None = option(
        None, "aim at class (label + this) mod classes; else any other class will do. Guo et al. take 1 on CIFAR-10"
    )
    limit: int = option(
        200, "choose at most this many test samples, class-balanced, to attack those that all models get right",
        unit="samples", gt=0,
    )  # fmt: skip
    fast: bool = option(
        False, "fold the surrogates' batch norms and choose the memory layout: equal up to rounding; agreement recorded"
    )
    batch_size: int = option(48, "images differentiated at once, samples times strengths", in_key=False, gt=0)

    @model_validator(mode="after")
    def _options_that_do_something(self) -> "TransferConfig":
        """An option that none of the methods reads is refused, not ignored."""
        momentum = {"mifgsm", "mdi2fgsm"}.intersection(self.methods)
        iterated = set(self.methods) - {"fgsm"}
        needs = {
            "decay": (momentum, "--methods mifgsm or mdi2fgsm"),
            "steps": (iterated, "a method other than fgsm"),
            "step_size": (iterated or self.ila, "a method other than fgsm, or --ila LAYER"),
            "ila_steps": (self.ila, "--ila LAYER"),
        }
        for field, (used, needed) in needs.items():
            if not used and getattr(self, field) != type(self).model_fields[field].default:
                raise ValueError(f"--{field.replace('_', '-')} does nothing without {needed}")
        if self.loss == "stable_ce" and self.target_shift is not None:
            raise ValueError("--loss stable_ce is for attacks without a target: leave out --target-shift")
        return self


def transfer(config: TransferConfig, run: "Run") -> None:
    """Success rate of every victim against every surrogate, rule, method and eps (Guo et al. 2020)."""
    from modules.linbp.transfer_scene import Scene
    from suite.attacks import frozen

    with frozen(*(run.model(ref) for ref in (*config.surrogates, *config.victims))):
        scene = Scene(config, run)
        parts = []
        for surrogate, gradient in product(config.surrogates, config.gradients):
            source = scene.source(surrogate, gradient)
            log.info("%s: %s", source, ", ".join(f"{name} {fact}" for name, fact in source.engine.facts.items()))
            for method, first in product(config.methods, range(0, len(scene.ids), PART)):
                rows = partial(scene.rows, source, method, scene.ids[first : first + PART])
                parts.append((f"{surrogate} {gradient} {method} {first}", rows))
        for columns in run.each(parts, "transfer"):
            run.table("samples").extend(columns)
    for row in scene.models():
        run.table("models").add(**row)
    run.record(attacked=len(scene.ids), chosen=scene.chosen, engines=scene.facts)
    _report(config, run, scene)


def _report(config: TransferConfig, run: "Run", scene: "Scene") -> None:
    """Rates, tests and figures from the rows per sample."""
    from modules.linbp import transfer_figures, transfer_tables

    samples, names = run.table("samples").columns, list(scene.names.values())
    for row in transfer_tables.success(samples, names):
        run.table("success").add(**row)
    for row in transfer_tables.matrix(samples, names):
        run.table("matrix").add(**row)
    run.record(largest_excess_levels=transfer_tables.largest_excess(samples))
    matrix, strongest = run.table("matrix").rows(), max(config.eps)
    for gradient, rate in transfer_tables.black_box_means(matrix, strongest).items():
        run.headline(**{f"black-box success of {gradient} at eps {format_number(strongest)}": rate})

    n = f"{len(scene.ids)} of {scene.chosen} samples, which all models classify correctly"
    shown = ("method", "eps", "surrogate", "gradient", *names, "black_box", "p_value", "verdict")
    run.show("matrix", *shown, title=f"Success rate per victim on {config.dataset}, {n}")
    goal = "say the target" if config.target_shift else "are fooled"
    success = run.table("success").rows()
    for method in dict.fromkeys(row["method"] for row in success):
        rows = [row for row in success if row["method"] == method]
        caption = f"Share of {len(scene.ids)} samples that {goal}, with 95 % Wilson intervals"
        name = method.replace("+", "_")
        run.figure(f"matrix_{name}", transfer_figures.heat_map(rows), f"{caption}; framed: the surrogate itself.")
        run.figure(f"by_eps_{name}", transfer_figures.success_by_eps(rows), f"{caption} as bands.")
