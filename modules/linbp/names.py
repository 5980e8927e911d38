"""What starts and models are called in tables and figures; light, since results need no torch."""

from collections.abc import Sequence

BP = "none"
"""The start that is backpropagation."""


def short_names(references: Sequence[str]) -> dict[str, str]:
    """A readable name for each model reference: what stands before `@`, or all of it where that names several."""
    short = [ref.partition("@")[0] for ref in references]
    return {ref: name if short.count(name) == 1 else ref for ref, name in zip(references, short, strict=True)}
