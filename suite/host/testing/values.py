"""Values of a config field that are wrong, or right and other than a given one, found from its type."""

import json
from collections.abc import Iterator
from itertools import chain
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import AfterValidator, BeforeValidator
from pydantic.fields import FieldInfo

from suite.plugin import Reference, StudyConfig

NOWHERE = "no-such-thing"
"""Names nothing: no number, no choice, no model, no data set."""


def wrong_values(config: type[StudyConfig], name: str) -> list[str]:
    """Texts that the field must refuse when they are typed: of the wrong type, out of range, a name of nothing.

    Empty for a text that may be anything.
    """
    field = config.model_fields[name]
    types, marks = _parts(field)
    numeric = {int, float}.intersection(types)
    found = [*_beyond(marks)]
    if numeric:
        found += ["eleven", "nan", "inf"]
    named = any(isinstance(mark, Reference | AfterValidator | BeforeValidator) for mark in marks)
    if bool in types or Literal in types or (named and not numeric):
        found.append(NOWHERE)
    return list(dict.fromkeys(found))


def other_values(config: StudyConfig, name: str) -> Iterator[StudyConfig]:
    """The config with other values of one field that are valid beside all others; none where its type does not tell."""
    field, values = type(config).model_fields[name], config.model_dump()
    for value in _others(values[name], field):
        try:
            made = type(config).model_validate({**values, name: value})
        except ValueError:
            continue
        if made != config:
            yield made


def as_toml(values: dict[str, Any]) -> str:
    """Plain values, as JSON knows them, as a TOML file."""
    return "".join(f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items())


def _others(value: Any, field: FieldInfo) -> Iterator[Any]:
    """Candidates, the most telling first: a batch of 3 splits what one of 64 does not."""
    types, _ = _parts(field)
    if isinstance(value, tuple):
        yield from (value[:-1], (*value[1:], value[0]))
        yield from ((other,) for other in _others(value[0] if value else None, field))
        return
    if bool in types:
        yield not value
    if int in types:
        yield from (3, 2, 1, (value or 0) + 1)
    if float in types:
        yield from ((value or 0.5) / 2, (value or 0.5) * 2)
    yield from (choice for choice in _choices(field.annotation) if choice != value)
    if str in types and isinstance(value, str | None):
        yield from ("bp", "leaky(slope=0.5)", NOWHERE, f"{value}-other")


def _beyond(marks: list[Any]) -> Iterator[str]:
    """The nearest whole numbers out of every range."""
    for mark in marks:
        if isinstance(mark, Gt):
            yield str(mark.gt)
        elif isinstance(mark, Lt):
            yield str(mark.lt)
        elif isinstance(mark, Ge):
            yield str(mark.ge - 1)  # type: ignore[operator]
        elif isinstance(mark, Le):
            yield str(mark.le + 1)  # type: ignore[operator]


def _parts(field: FieldInfo) -> tuple[set[Any], list[Any]]:
    """The plain types in a field's annotation, `Literal` for choices, and everything that is attached to them."""
    types: set[Any] = set()
    marks = [*field.metadata]

    def walk(annotation: Any) -> None:
        marks.extend(_unpacked(getattr(annotation, "__metadata__", ())))
        if get_origin(annotation) is Literal:
            types.add(Literal)
        elif inner := get_args(annotation):
            for part in inner[:1] if hasattr(annotation, "__metadata__") else inner:
                walk(part)
        else:
            types.add(annotation)

    walk(field.annotation)
    return types, marks


def _unpacked(marks: tuple[Any, ...]) -> Iterator[Any]:
    return chain.from_iterable(mark.metadata if isinstance(mark, FieldInfo) else [mark] for mark in marks)


def _choices(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
    else:
        for part in get_args(annotation):
            yield from _choices(part)
