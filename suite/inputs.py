"""Resolves the references in a config before any work: data sets, models, gradient rules, their digests."""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, get_args

from suite.errors import SuiteError, did_you_mean
from suite.plugin import Reference, StudyConfig
from suite.refs import parse_call
from suite.registry import Registry

if TYPE_CHECKING:
    import torch
    from torch import nn

    from suite.data import Dataset
    from suite.models import Classifier


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


def resolve(config: StudyConfig, registry: Registry, device: str = "auto") -> Inputs:
    """Loads everything that a config refers to; models are those for the data set in its field `dataset`.

    Raises:
        SuiteError: a reference that names nothing, weights that are missing or do not fit, no such device.
    """
    gradients = {ref: _gradient(ref, registry) for ref in references(config, "gradient")}
    chosen = choose_device(device)
    from suite import data, models

    datasets = {ref: data.load(ref) for ref in references(config, "dataset")}
    classifiers = {
        ref: models.load(ref, datasets[config.model_dump()["dataset"]], device=chosen)
        for ref in references(config, "model")
    }
    digests = {f"dataset {ref}": dataset.digest for ref, dataset in datasets.items()}
    digests |= {f"model {ref}": classifier.info.digest for ref, classifier in classifiers.items()}
    return Inputs(chosen, datasets, classifiers, gradients, digests)


def references(config: StudyConfig, kind: str) -> list[str]:
    """The values of all fields marked `Reference(kind)`, also inside tuples, each once."""
    found: dict[str, None] = {}
    for name, field in type(config).model_fields.items():
        if kind in [
            *_kinds(field.annotation),
            *(mark.kind for mark in field.metadata if isinstance(mark, Reference)),
        ]:
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


def _kinds(annotation: Any) -> Iterator[str]:
    yield from (mark.kind for mark in getattr(annotation, "__metadata__", ()) if isinstance(mark, Reference))
    for inner in get_args(annotation):
        yield from _kinds(inner)


def _gradient(ref: str, registry: Registry) -> Callable[["nn.Module"], "nn.Module"]:
    call = parse_call(ref)
    rule = registry.gradient(call.name)
    parameters = inspect.signature(rule).parameters.values()
    known = [parameter.name for parameter in parameters][1:]  # the first one is the model
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        for name in call.arguments:
            if name not in known:
                raise SuiteError(f"{ref!r}: {call.name} has no argument {name!r}", did_you_mean(name, known))
    return partial(rule, **call.arguments)
