"""Random numbers that depend on an earlier part."""

from functools import partial
from typing import Any

import numpy as np
import torch

from gated.draws.config import DrawsConfig
from gated.gate import pass_gate
from suite.measuring import Run


def measure(config: DrawsConfig, run: Run) -> None:
    """Three numbers for each name, after an offset that is drawn once."""
    offset = run.once("offset", _offset)["offset"]
    parts = [(f"draw {number}", partial(_draw, number, offset)) for number in config.numbers]
    for columns in run.each(parts, "draws"):
        run.table("draws").extend(columns)
    run.record(threads=torch.get_num_threads())


def _offset() -> dict[str, Any]:
    return {"offset": torch.rand(1).numpy()}


def _draw(number: int, offset: np.ndarray) -> dict[str, Any]:
    pass_gate(str(number))
    return {"number": [number] * 3, "draw": torch.rand(3).numpy() + offset}
