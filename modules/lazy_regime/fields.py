"""Config fields that several studies of this module have; light to import."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from suite.plugin import Number, Several
from suite.refs import split_list


def _two(classes: tuple[str, ...]) -> tuple[str, ...]:
    if len(classes) != 2 or len(set(classes)) != 2:
        raise ValueError(f"{','.join(classes)}: give two different classes, such as 0,1")
    return classes


Classes = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda value: tuple(split_list(value)) if isinstance(value, str) else value),
    AfterValidator(_two),
]
"""Names of two classes of a data set, as `0,1`; the first has label -1, the second +1."""

C0s = Several[Annotated[Number, Field(ge=0)]]
"""Sizes of the lazy ball: its radius is C0 / sqrt m."""

Limit = Annotated[int, Field(ge=2)] | None
"""How many images to use, balanced between the classes; none: all."""
