"""A training run's state on disk, written so that a kill at any moment leaves the previous one whole."""

from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from suite.errors import SuiteError
from suite.files import atomic


def write_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Stores tensors, numbers and texts, nested in dicts and lists."""
    with atomic(path) as file:
        torch.save(state, file)


def read_checkpoint(path: Path) -> dict[str, Any] | None:
    """The stored state on the CPU, or None where there is none. Raises SuiteError when it cannot be read."""
    if not path.exists():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, UnpicklingError) as error:
        raise SuiteError(f"the training checkpoint {path} cannot be read", "delete it to start over") from error
    return state
