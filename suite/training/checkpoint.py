"""A training run's state on disk, the newest and the one before: neither a kill nor a torn file loses it all."""

import logging
from contextlib import suppress
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from suite.errors import SuiteError
from suite.files import atomic

log = logging.getLogger("suite")


def write_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Stores tensors, numbers and texts, nested in dicts and lists; what was stored before becomes the previous one."""
    with suppress(FileNotFoundError):  # none yet; or, where there are no locks, another process was quicker
        path.replace(_previous(path))
    with atomic(path) as file:
        torch.save(state, file)


def read_checkpoint(path: Path) -> dict[str, Any] | None:
    """The stored state on the CPU, or None where there is none.

    A damaged file is reported in the log, and the previous one is read instead. Raises SuiteError when neither can
    be read.
    """
    damaged = False
    for candidate in (path, _previous(path)):
        try:
            state: dict[str, Any] = torch.load(candidate, map_location="cpu", weights_only=True)
        except FileNotFoundError:
            continue
        except (RuntimeError, EOFError, UnpicklingError, OSError):
            damaged = True
            log.warning("the training checkpoint %s is damaged", candidate)
            continue
        if damaged:
            log.warning("continuing from the previous checkpoint, %s", candidate)
        return state
    if damaged:
        raise SuiteError(f"the training checkpoint {path} cannot be read", "delete it to start over")
    return None


def remove_checkpoint(path: Path) -> None:
    """Removes the state of a training that is over."""
    path.unlink(missing_ok=True)
    _previous(path).unlink(missing_ok=True)


def _previous(path: Path) -> Path:
    return path.with_name(f"{path.name}.previous")
