"""Options of `linbp.transfer`; light, since `suite info` shows them."""

from typing import Literal

from pydantic import model_validator

from suite.plugin import DatasetRef, Epsilons, GradientRefs, ModelRefs, Number, Several, StudyConfig, option

_GUO = "Guo et al., released code"

Method = Literal["fgsm", "ifgsm", "pgd", "mifgsm", "di2fgsm", "mdi2fgsm"]


class TransferConfig(StudyConfig):
    """Transfer of adversarial images from surrogates to victims, under several gradient rules."""

    surrogates: ModelRefs = option(
        ("digits-resnet",), "models whose gradients make the adversarial images; all are victims too"
    )
    victims: ModelRefs = option(("digits-cnn", "mnist-cnn"), "models that the adversarial images are shown to")
    dataset: DatasetRef = option("digits", "data set, or folder:PATH; its test split is attacked")
    gradients: GradientRefs = option(
        ("bp", "linbp", "linbp(start=all)"),
        "gradient rules; the first is the reference of the paired tests",
        source="Guo et al.",
    )
    methods: Several[Method] = option(
        ("ifgsm", "mifgsm"),
        "attacks; pgd looks through fresh uniform noise at every step",
        source=_GUO,
    )
    eps: Epsilons = option((0.1, 0.15, 0.2), "attack strengths: radii in the sup-norm", unit="pixels in [0, 1]")
    steps: int = option(20, "steps of the iterated attacks", unit="steps", source=_GUO, gt=0)
    step_size: Number = option(0.02, "length of a step", unit="pixels in [0, 1]", source=_GUO, gt=0)
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
    precision: Literal["fp32", "bf16"] = option(
        "fp32",
        "with --fast, bf16 differentiates surrogates in bfloat16; victims judge in fp32, the exact attack checks",
    )
    batch_size: int | None = option(
        None, "samples times strengths differentiated at once; none: 64, more of small images", in_key=False, gt=0
    )

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
        if self.precision == "bf16" and not self.fast:
            raise ValueError("--precision bf16 rounds further what --fast rounds: give --fast, too")
        if self.loss == "stable_ce" and self.target_shift is not None:
            raise ValueError("--loss stable_ce is for attacks without a target: leave out --target-shift")
        return self
