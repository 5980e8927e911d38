"""Resolves the references in a config before any work: data sets, models, gradient rules, their digests."""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache, partial
from typing import TYPE_CHECKING, Any, get_args

from suite.errors import SuiteError, did_you_mean
from suite.host.registry import Registry
from suite.plugin import Reference, StudyConfig
from suite.refs import Call, parse_sum

if TYPE_CHECKING:
    import torch
    from torch import nn

    from suite.data import Dataset
    from suite.models import Architecture, Classifier


REFERENCES = ("dataset", "model", "architecture", "gradient")
"""Kinds of references."""

LIGHT_DEVICES = ("auto", "cpu")
"""Where models may be without a look at whether that is there."""


@dataclass(frozen=True)
class Inputs:
    """What the references of one config stand for, each under the text that was typed.

    `digests` holds the contents that enter the run's key; `device` is where the models are.
    """

    device: "torch.device"
    datasets: Mapping[str, "Dataset"]
    models: Mapping[str, "Classifier"]
    gradients: Mapping[str, Callable[["nn.Module"], "nn.Module"]]
    digests: Mapping[str, str]
    architectures: Mapping[str, "Architecture"] = field(default_factory=dict)


def resolve(
    config: StudyConfig, registry: Registry, device: str = "auto", objects: Mapping[str, Any] | None = None
) -> Inputs:
    """Loads everything that a config refers to; models and architectures are for the data set in its field `dataset`.

    Args:
        objects: models and data sets of this process, by their references (`suite.host.objects`).

    Raises:
        SuiteError: a reference that names nothing, weights that are missing or do not fit, no such device.
    """
    gradients = {ref: _gradient(ref, registry) for ref in references(config, "gradient")}
    chosen = choose_device(device)
    from suite import data, models

    given = objects or {}
    datasets = {ref: given[ref] if ref in given else data.load(lasting(ref)) for ref in references(config, "dataset")}
    classifiers = {}
    for ref in references(config, "model"):
        dataset = datasets[config.model_dump()["dataset"]]
        if ref in given:
            copied = deepcopy(given[ref])  # the caller's own keeps its mode and device
            found = models.from_module(copied, ref, dataset, models.module_digest(given[ref]))
            classifiers[ref] = found.to(chosen).eval()
        else:
            classifiers[ref] = models.load(lasting(ref), dataset, device=chosen)
    architectures = {
        ref: models.architecture(ref, datasets[config.model_dump()["dataset"]])
        for ref in references(config, "architecture")
    }
    digests = {f"dataset {ref}": dataset.digest for ref, dataset in datasets.items()}
    digests |= {f"model {ref}": classifier.info.digest for ref, classifier in classifiers.items()}
    return Inputs(chosen, datasets, classifiers, gradients, digests, architectures)


def references(config: StudyConfig, kind: str) -> list[str]:
    """The values of all fields marked `Reference(kind)`, also inside tuples, each once."""
    found: dict[str, None] = {}
    for name in fields_of(type(config), kind):
        value = getattr(config, name)
        values = value if isinstance(value, tuple) else (value,)
        found |= dict.fromkeys(item for item in values if item is not None)
    return list(found)


def choose_device(text: str) -> "torch.device":
    """`auto` (the first GPU where there is one), `cpu`, `cuda` or `cuda:N`."""
    import torch

    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", text):
        raise SuiteError(f"--device: unknown device {text!r}", "write auto, cpu, cuda or cuda:N")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if text == "auto":
        return torch.device("cuda" if count else "cpu")
    device = torch.device(text)
    if device.type == "cuda" and count <= (device.index or 0):
        remedy = f"this machine has {count}, numbered from 0" if count else "there is none here; use --device cpu"
        raise SuiteError(f"--device: no GPU {text!r}", remedy)
    return device


def lasting(ref: str) -> str:
    """The reference, unless it is one to an object of another process."""
    if ref.startswith("object:"):
        raise SuiteError(f"{ref} was given from Python, and is not here", "give it to suite.run again")
    return ref


@cache
def kinds_of(config: type[StudyConfig]) -> tuple[str, ...]:
    """Kinds of references that a config may hold."""
    return tuple(kind for kind in REFERENCES if fields_of(config, kind))


@cache
def fields_of(config: type[StudyConfig], kind: str) -> tuple[str, ...]:
    """Names of the fields that hold references of a kind."""
    found = []
    for name, declared in config.model_fields.items():
        marks = [mark.kind for mark in declared.metadata if isinstance(mark, Reference)]
        if kind in [*marks, *_kinds(declared.annotation)]:
            found.append(name)
    return tuple(found)


def _kinds(annotation: Any) -> Iterator[str]:
    yield from (mark.kind for mark in getattr(annotation, "__metadata__", ()) if isinstance(mark, Reference))
    for inner in get_args(annotation):
        yield from _kinds(inner)


def _gradient(ref: str, registry: Registry) -> Callable[["nn.Module"], "nn.Module"]:
    """The rule that a reference stands for, its arguments bound; several joined by `+` as one."""
    rules = [_rule(call, registry) for call in parse_sum(ref)]
    if len(rules) == 1:
        return rules[0]
    from suite.gradients import compose

    return compose(*rules)


def _rule(call: Call, registry: Registry) -> Callable[["nn.Module"], "nn.Module"]:
    rule = registry.gradient(call.name)
    check_arguments(call, inspect.signature(rule))
    return partial(rule, **call.arguments)


def check_arguments(call: Call, signature: inspect.Signature) -> None:
    """Raises SuiteError where a rule of that signature cannot be called so, the model apart."""
    parameters = [*signature.parameters.values()][1:]  # the first one is the model
    known = [parameter.name for parameter in parameters]
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        for name in call.arguments:
            if name not in known:
                raise SuiteError(f"{str(call)!r}: {call.name} has no argument {name!r}", did_you_mean(name, known))
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    for parameter in parameters:
        needed = parameter.default is parameter.empty and parameter.kind in named
        if needed and parameter.name not in call.arguments:
            raise SuiteError(f"{str(call)!r} lacks {parameter.name}", f"write {call.name}({parameter.name}=...)")
