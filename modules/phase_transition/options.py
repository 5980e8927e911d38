"""Options that the training studies of this module share; light to import.

Losses and attacks are written as calls, `trades(beta=6)` and `pgd(steps=10,reach=2.5)`, in one canonical spelling.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator

from suite.errors import SuiteError, did_you_mean
from suite.plugin import DatasetRef, Number, StudyConfig, option
from suite.refs import Argument, Call, parse_call

# Released defaults: TRADES' CIFAR script, MART's for residual nets. Xing et al. do not say which they took.
_LOSSES: Mapping[str, Mapping[str, float]] = {"ce": {}, "trades": {"beta": 6.0}, "mart": {"beta": 5.0}}
# Rice et al. 2020: ten steps of 2/255 in a ball of 8/255, and one of 10/255.
_ATTACKS: Mapping[str, Mapping[str, float]] = {"pgd": {"steps": 10, "reach": 2.5}, "fgm": {"reach": 1.25}}

RICE = "Rice et al. 2020"


def loss_call(text: str) -> Call:
    """`ce`, `trades(beta=...)` or `mart(beta=...)` with all its arguments. Raises SuiteError for any other."""
    call = _known(text, "loss", _LOSSES)
    for name, value in call.arguments.items():
        if not _is_positive(value):
            raise SuiteError(f"{name}={value} of the loss {call.name}", "give a number > 0")
    return call


def attack_call(text: str) -> Call:
    """`pgd(steps=...,reach=...)` or `fgm(reach=...)` with all its arguments. Raises SuiteError for any other.

    `reach` is the length of all steps together in units of eps: a step is reach * eps / steps long.
    """
    call = _known(text, "attack", _ATTACKS)
    steps = call.arguments.get("steps", 1)
    if type(steps) is not int or steps < 1:
        raise SuiteError(f"steps={steps} of the attack {call.name}", "give an integer > 0")
    if not _is_positive(call.arguments["reach"]):
        raise SuiteError(f"reach={call.arguments['reach']} of the attack {call.name}", "give a number > 0")
    return call


LossRef = Annotated[str, AfterValidator(lambda text: str(loss_call(text)))]
AttackRef = Annotated[str, AfterValidator(lambda text: str(attack_call(text)))]


class TrainingConfig(StudyConfig):
    """What the trainings of one run have in common; each study adds models, training-set sizes and strengths."""

    dataset: DatasetRef = option("digits", "data set, or folder:PATH")
    loss: LossRef = option("ce", "objective: ce, trades(beta=6), mart(beta=5)", source="Xing et al., Sec. 5.1")
    norm: Literal["linf", "l2"] = option("linf", "norm of the ball and of a step", source="Xing et al., Table 1, 3")
    attack: AttackRef = option(
        "pgd(steps=10,reach=2.5)",
        "inner attack: pgd(steps=10,reach=2.5) or fgm(reach=1.25); a step is reach * eps / steps. The paper gives no "
        "step: 2.5 and 1.25 are Rice et al.'s 10 x 2/255 and 10/255 of 8/255; theirs in l2 is 1.17",
        source=f"{RICE}; Xing et al., Sec. 5.1",
    )
    attack_mode: Literal["eval", "train"] = option(
        "eval", "the model's mode while training samples are attacked; train moves batch norm's statistics", source=RICE
    )
    optimiser: Literal["sgd", "adam"] | None = option(
        None, "optimiser, sgd with the recipe's momentum or else 0.9; none: the recipe's", source="Xing et al., Table 3"
    )
    learning_rate: Number | None = option(None, "highest learning rate; none: the recipe's", gt=0)
    epochs: int | None = option(
        None, "passes over the training set, milestones in proportion; none: the recipe's", unit="epochs", gt=0
    )
    batch_size: int | None = option(None, "samples per step; none: the recipe's", unit="samples", gt=0)
    bfloat16: bool = option(False, "train and attack in bfloat16 where layers can (autocast): for GPUs, other numbers")
    channels_last: bool = option(False, "lay images and weights out with channels last: for GPUs, rounded otherwise")
    select: Literal["validation", "test"] = option(
        "validation",
        "where the adversarial loss is least that epoch counts: on samples held out from the training set, or, the "
        "paper's rule, on test samples",
        source="Xing et al., Sec. 5.1",
    )
    watched: int = option(200, "so many samples decide on the epoch, see select", unit="samples", gt=0)
    seeds: int = option(
        3, "trainings of each kind, with seeds seed, seed + 1, ...: weights, training samples, batches", gt=0
    )


def check_strengths(norm: str, strengths: tuple[float, ...]) -> None:
    """Raises SuiteError for an l_inf radius that no pixel can use: one in /255, or one of l2."""
    wide = [eps for eps in strengths if eps > 1]
    if norm == "linf" and wide:
        raise SuiteError(
            f"an l_inf eps of {wide[0]:g} is wider than the pixels' range [0, 1]",
            f"write {wide[0]:g}/255, or --norm l2",
        )


def _known(text: str, kind: str, table: Mapping[str, Mapping[str, float]]) -> Call:
    call = parse_call(text)
    if call.name not in table:
        raise SuiteError(f"unknown {kind} {call.name!r}", did_you_mean(call.name, [*table]))
    for name in call.arguments:
        if name not in table[call.name]:
            raise SuiteError(f"{text!r}: {call.name} has no argument {name!r}", did_you_mean(name, [*table[call.name]]))
    whole: dict[str, Argument] = {**table[call.name], **call.arguments}
    return Call(call.name, {name: _spelt(value) for name, value in whole.items()})


def _spelt(value: Argument) -> Argument:
    """One spelling for one number: 6 and 6.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _is_positive(value: Argument) -> bool:
    return type(value) in (int, float) and 0 < float(value) < float("inf")
