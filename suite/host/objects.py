"""Models and data sets that exist in this process only: names for them, made of what they hold."""

from collections.abc import Mapping
from typing import Any

from suite.host.inputs import fields_of
from suite.plugin import StudyConfig

PREFIX = "object:"
"""Begins the reference of a model or data set that was given as an object."""


def named_objects(options: Mapping[str, Any], config: type[StudyConfig]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options with a reference in place of every object, and the objects by reference.

    An `nn.Module` becomes the reference of its weights and code, a pair (images, labels) or a `suite.data.Dataset` that
    of its contents; in lists, too. Everything else stays as it is.

    Raises SuiteError for an object whose contents cannot be digested.
    """
    objects: dict[str, Any] = {}
    kinds = {name: kind for kind in ("model", "dataset") for name in fields_of(config, kind)}

    def named(value: Any, kind: str) -> Any:
        if isinstance(value, str) or value is None:
            return value
        if kind == "model" and isinstance(value, list | tuple):
            return tuple(named(item, kind) for item in value)
        ref, thing = _model(value) if kind == "model" else _dataset(value)
        objects[ref] = thing
        return ref

    values = {name: named(value, kinds[name]) if name in kinds else value for name, value in options.items()}
    return values, objects


def _model(value: Any) -> tuple[str, Any]:
    from torch import nn

    from suite.errors import SuiteError
    from suite.models import module_digest

    if not isinstance(value, nn.Module):
        raise SuiteError(f"a {type(value).__name__} is no model", "give a reference or a torch.nn.Module")
    return f"{PREFIX}{type(value).__name__}-{module_digest(value)[:16]}", value


def _dataset(value: Any) -> tuple[str, Any]:
    from dataclasses import replace

    from suite.data import Dataset, from_arrays

    dataset = value if isinstance(value, Dataset) else from_arrays(value)
    ref = f"{PREFIX}images-{dataset.digest[:16]}"
    return ref, replace(dataset, name=ref)
