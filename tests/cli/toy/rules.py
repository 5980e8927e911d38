"""A gradient rule in name only."""

from typing import Any


def flip(model: Any, strength: float = 1.0) -> Any:
    """A gradient rule in name only."""
    return model
