"""Options of `linbp.attack`; light, since `suite info` shows them."""

from typing import Any, Literal

from pydantic import model_validator

from suite.errors import SuiteError
from suite.plugin import DatasetRef, Epsilons, GradientRefs, ModelRef, Number, Steps, StudyConfig, option
from suite.refs import Call, format_sum, parse_call, parse_sum, split_list

OWN_ATTACKS = ("ifgsm", "pgd")
ENSEMBLE = "autoattack"

_TABLE = "Li et al., Sec. 4.2, Table 1"
_CODE = "released code of Li et al."


class AttackConfig(StudyConfig):
    """White-box attack on one model under several gradient rules."""

    model: ModelRef = option(
        "digits-resnet", "model: name, name(k=v), name@WEIGHTS, run:RUN/NAME, import:pkg.mod:factory"
    )
    dataset: DatasetRef = option("digits", "data set, or folder:PATH; its test split is attacked")
    gradients: GradientRefs = option(
        ("bp", "linbp", "linbp(start=all)"),
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
        "ifgsm",
        "ifgsm or pgd (all strengths in one batch), autoattack (its APGD and FAB follow the gradient rule, its Square "
        "none), or any Foolbox attack class",
        source=_TABLE,
    )
    eps: Epsilons = option((0.1, 0.15), "attack strengths: radii of the ball", unit="pixels in [0, 1]", source=_TABLE)
    steps: Steps = option((5, 10, 20), "numbers of steps K at which success is read", unit="steps", source=_TABLE)
    step_size: Number = option(0.03, "length of a step", unit="as eps", source=_TABLE, gt=0)
    norm: Literal["linf", "l2", "l1"] = option(
        "linf", "norm of the ball and of a step; l1 with autoattack alone", source="Li et al., Sec. 2.2"
    )
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
    precision: Literal["fp32", "bf16"] = option(
        "fp32", "with --fast, bf16 differentiates in bfloat16; the model itself judges, the exact attack is a check"
    )
    compile: bool = option(
        False, "with --fast, torch.compile the step and take what is faster; time recorded, the exact attack is a check"
    )
    examples: int = option(4, "samples in the picture of adversarial images", unit="samples", ge=0, le=32)
    batch_size: int | None = option(
        None, "samples attacked at once; none: 64, more of small images", unit="samples", in_key=False, gt=0
    )

    @property
    def own_attack(self) -> bool:
        """Whether our own loop runs, and not Foolbox's."""
        return parse_call(self.attack).name in OWN_ATTACKS

    @property
    def step_norm(self) -> Literal["linf", "l2"]:
        """Norm of a step of our own loop, which has none in l1: there signs are followed."""
        return "l2" if self.norm == "l2" else "linf"

    @property
    def checked(self) -> bool:
        """Whether the exact attack meets some of the images, too."""
        return self.precision == "bf16" or self.compile

    @property
    def ensemble(self) -> bool:
        """Whether AutoAttack runs."""
        return parse_call(self.attack).name == ENSEMBLE

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
        return {**values, "gradients": tuple(dict.fromkeys(filled)), "start": None}  # one of them may have said it

    @model_validator(mode="after")
    def _options_of_the_attack(self) -> "AttackConfig":
        """Options of our own loop mean nothing to other attacks: refused there, not ignored."""
        name = parse_call(self.attack).name
        if self.own_attack and parse_call(self.attack).arguments:
            raise ValueError(f"--attack {name} takes its settings from this study's options, not in brackets")
        if self.own_attack and self.norm == "l1":
            raise ValueError(f"--norm l1 goes with --attack autoattack; {name} takes linf or l2")
        for field in ("norm", "loss", "input_space", "early_stop", "engine", "fast", "steps", "step_size"):
            own = field not in (("norm", "engine") if self.ensemble else ("steps", "step_size"))
            default = type(self).model_fields[field].default
            if not self.own_attack and own and getattr(self, field) != default:
                own_steps = "write autoattack(steps=...); " if field == "steps" and self.ensemble else ""
                remedy = f"{own_steps}over a preset's, write {_typed(field, default)}"
                flag = f"--{field.replace('_', '-')}"
                raise ValueError(f"{flag} is an option of ifgsm and pgd, not of {name} ({remedy})")
        if self.precision == "bf16" and not self.fast:
            raise ValueError("--precision bf16 rounds further what --fast rounds: give --fast, too")
        if self.compile and not self.fast:
            raise ValueError("--compile compiles the step of --fast: give --fast, too")
        if self.compile and self.engine == "jacobian":
            raise ValueError("--engine jacobian is not compiled: leave --engine or --compile out")
        return self


def _typed(field: str, value: Any) -> str:
    """An option as it is typed."""
    name = field.replace("_", "-")
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no-{name}"
    return f"--{name} {','.join(map(str, value)) if isinstance(value, tuple) else value}"


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
