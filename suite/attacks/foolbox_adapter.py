"""Any model under any gradient rule as a Foolbox model, and any Foolbox attack by its name."""

import inspect
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from math import isfinite
from typing import Any, Literal, Union, get_args, get_origin

import foolbox
from foolbox.attacks.base import Attack
from torch import nn

from suite.attacks.differentiate import frozen
from suite.attacks.fused import IFGSM
from suite.errors import SuiteError, did_you_mean, one_line
from suite.refs import Argument, Call


@contextmanager
def foolbox_model(model: nn.Module, bounds: tuple[float, float] = (0.0, 1.0)) -> Iterator[foolbox.PyTorchModel]:
    """Within the block, `model` as a Foolbox model: eval mode, weights frozen; mode and flags restored after it.

    Foolbox differentiates with `loss.backward()`, which would otherwise also fill every `param.grad`.
    """
    with frozen(model):
        device = next((parameter.device for parameter in model.parameters()), None)
        yield foolbox.PyTorchModel(model, bounds=bounds, device=device)


def attack_names() -> list[str]:
    """Names that `make_attack` knows: our own `ifgsm` and `pgd`, then Foolbox's attack classes."""
    return ["ifgsm", "pgd", *sorted(_foolbox_attacks())]


def make_attack(call: Call, **defaults: object) -> Attack:
    """The attack written as `name(argument=value,...)`.

    `defaults` are used where the attack has a parameter of that name and the call does not set it; a default
    `abs_stepsize` also yields to a `rel_stepsize` in the call.

    Raises:
        SuiteError: unknown attack or argument, with the nearest names; values that it does not take.
    """
    attacks = {"ifgsm": IFGSM, "pgd": IFGSM} | _foolbox_attacks()
    if call.name not in attacks:
        raise SuiteError(f"unknown attack {call.name!r}", did_you_mean(call.name, attack_names()))
    attack = attacks[call.name]
    known = inspect.signature(attack).parameters
    for name, value in call.arguments.items():
        if name not in known:
            raise SuiteError(f"attack {call.name} has no argument {name!r}", did_you_mean(name, tuple(known)))
        _check_kind(name, value, known[name].annotation, call.name)
        _check_range(name, value, call.name)
    if "rel_stepsize" in call.arguments:  # Foolbox would let the absolute one win
        defaults.pop("abs_stepsize", None)
    if call.name == "pgd":
        defaults["random_start"] = True
    arguments = {name: value for name, value in defaults.items() if name in known} | dict(call.arguments)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # some constructors warn about parameters they do not need
            return attack(**arguments)
    except SuiteError:
        raise
    except Exception as error:  # a missing package, a missing argument, a value out of range
        raise SuiteError(f"attack {call} cannot be made: {one_line(error)}") from error


def _check_kind(name: str, value: Argument, annotation: Any, attack: str) -> None:
    """Refuses what is not of the kind that a parameter is declared to be, and names of what only Python can give."""
    kinds = get_args(annotation) if get_origin(annotation) is Union else (annotation,)
    choices = [choice for kind in kinds if get_origin(kind) is Literal for choice in get_args(kind)]
    numbers = [kind for kind in kinds if kind in _NUMBERS]
    if value in choices or any(type(value) in _NUMBERS[kind] for kind in numbers):
        return
    told = [*map(repr, choices), *(kind.__name__ for kind in numbers)]
    remedy = f"give {' or '.join(told)}" if told else "it cannot be given here: leave it out"
    raise SuiteError(f"{name}={value} of attack {attack}", remedy)


def _check_range(name: str, value: Argument, attack: str) -> None:
    """Refuses counts below 1, negative numbers and those that are not finite; Foolbox would run with them."""
    if isinstance(value, bool | str) or name == "channel_axis":
        return
    if not isfinite(value) or value < 0:
        raise SuiteError(f"{name}={value} of attack {attack}", "give a number >= 0")
    if value < (1 if name in _COUNTS else 0) or (value == 0 and name.endswith("stepsize")):
        raise SuiteError(f"{name}={value} of attack {attack}", "give a positive number")


_COUNTS = ("steps", "repeats", "directions", "population", "candidates", "binary_search_steps", "random_steps")
_NUMBERS = {int: (int,), float: (int, float), bool: (bool,)}


def has_steps(call: Call) -> bool:
    """Whether the attack has a number of steps that is not fixed in the call."""
    attacks = {"ifgsm": IFGSM, "pgd": IFGSM} | _foolbox_attacks()
    attack = attacks.get(call.name)
    return attack is not None and "steps" in inspect.signature(attack).parameters and "steps" not in call.arguments


def _foolbox_attacks() -> dict[str, type[Attack]]:
    return {
        name: value
        for name, value in vars(foolbox.attacks).items()
        if inspect.isclass(value) and issubclass(value, Attack) and not inspect.isabstract(value)
    }
