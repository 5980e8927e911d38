"""The user's own models: a function, a class or an object in a module or a file of theirs."""

import inspect
from collections.abc import Mapping
from copy import deepcopy
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import torch
from torch import nn

from suite.data import Dataset
from suite.errors import SuiteError, did_you_mean
from suite.models.classifier import Classifier
from suite.models.filling import check_finite, check_values_there
from suite.models.foreign import checked, give_weights, own_classifier, tensors, with_digest
from suite.models.own_code import executed_again, import_file, import_named, importable, seeded, users_code
from suite.models.reference import ModelReference

SHOWN = 3  # names listed in an error
NOT_MINE = ("torch", "torchvision")


def from_own_code(reference: ModelReference, dataset: Dataset) -> Classifier:
    """`import:pkg.mod:NAME` or `PATH.py:NAME`: the user's model, which sees pixels in [0, 1].

    NAME is a function or class that is called with the reference's arguments, and with `num_classes` where it takes
    it, under a fixed seed; or an nn.Module. LinBP starts at the model's own attribute `linbp_start`, where it has one.

    Raises SuiteError where weights are drawn at random: a second call under another seed gives others.
    """
    ref = reference.text
    found, module = _own(reference)
    if isinstance(found, nn.Module) and reference.arguments:
        raise SuiteError(f"{ref!r}: {reference.source} is a module, not a function", "leave out the arguments")
    make = partial(_make, reference, found, module, dataset)
    plain = isinstance(found, nn.Module) and reference.seed is None
    network = deepcopy(found) if plain else make(reference.seed or 0)  # a module's own keeps its mode and device
    classifier = own_classifier(network, ref, dataset)
    if reference.weights is None and reference.seed is None:
        check_values_there(network, ref)
        _refuse_random(network, make(1), ref)
    else:
        give_weights(classifier, reference, "")
    check_values_there(network, ref)
    return checked(with_digest(classifier, _code(network, found, module)), dataset)


def _own(reference: ModelReference) -> tuple[Any, ModuleType]:
    """What a reference to code names, and the module that it is in."""
    attribute = reference.source.rpartition(":")[2]
    with seeded(reference.seed or 0):  # of models that are made on import
        if reference.path is not None:
            module = import_file(reference.path, reference.text)
        else:
            module = import_named(reference.source.rpartition(":")[0], reference.text)
    if not hasattr(module, attribute):
        where = reference.path or module.__name__
        raise SuiteError(f"{where} has no {attribute!r}", did_you_mean(attribute, dir(module)))
    return getattr(module, attribute), module


def _make(reference: ModelReference, found: Any, module: ModuleType, dataset: Dataset, seed: int) -> nn.Module:
    """One call of the factory under the seed; a plain module by executing once more the code that made it."""
    ref, name = reference.text, reference.source.rpartition(":")[2]
    folder = Path.cwd() if reference.path is None else reference.path.absolute().parent
    again = isinstance(found, nn.Module)
    what = f"{'making' if again else 'calling'} {name} of {ref!r} failed"
    with users_code(what), importable(folder), seeded(seed):
        if again:
            network = getattr(executed_again(module), name)
        else:
            network = found(**_arguments(reference, inspect.signature(found).parameters, dataset))
    if not isinstance(network, nn.Module):
        raise SuiteError(f"{ref!r} returned a {type(network).__name__}", "it must return a torch.nn.Module")
    return network


def _arguments(reference: ModelReference, known: Mapping[str, inspect.Parameter], dataset: Dataset) -> dict[str, Any]:
    """What a factory is called with: the reference's arguments, and `num_classes` where it takes that."""
    given: dict[str, Any] = {key: None if value == "none" else value for key, value in reference.arguments.items()}
    if "num_classes" in known:
        given = {"num_classes": dataset.num_classes, **given}
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values()):
        for key in given:
            if key not in known:
                name = reference.source.rpartition(":")[2]
                raise SuiteError(f"{name} of {reference.text!r} has no argument {key!r}", did_you_mean(key, [*known]))
    return given


def _refuse_random(network: nn.Module, again: nn.Module, ref: str) -> None:
    """Refuses a model whose weights differ from those of one that was made under another seed."""
    check_finite(network.state_dict(), ref)
    one, other = tensors(network), tensors(again)
    drawn = [name for name in one if name not in other or not torch.equal(one[name], other[name])]
    if drawn:
        shown = ", ".join(drawn[:SHOWN]) + (", ..." if len(drawn) > SHOWN else "")
        raise SuiteError(
            f"{ref!r} has weights that are drawn at random each time: {shown}",
            f"add its trained weights, {ref}@FILE, load them in the code, or say {ref}@random(0)",
        )


def _code(network: nn.Module, found: object, module: ModuleType) -> str:
    """Digests of the files that hold the code of a network's classes and of what made it; torch's are left out."""
    digests = set()
    for thing in (*{type(each) for each in network.modules()}, found, module):
        package = str(getattr(thing, "__module__", None) or getattr(thing, "__name__", "")).partition(".")[0]
        try:
            path = None if package in NOT_MINE else inspect.getsourcefile(cast(Any, thing))
        except TypeError:  # neither class nor function
            continue
        if path is not None:
            digests.add(sha256(Path(path).read_bytes()).hexdigest())
    return "\n".join(sorted(digests))
