"""Random numbers and a net."""

from functools import partial
from typing import Any

import torch

from suite.measuring import Run
from tried.draws.config import DrawsConfig


def measure(config: DrawsConfig, run: Run) -> None:
    """Three numbers for each name, and a net that is made of them."""
    parts = [(f"draw {number}", partial(_draw, number, config.offset)) for number in config.numbers]
    drawn = []
    for columns in run.each(parts, "draws"):
        run.table("draws").extend(columns)
        drawn += columns["draw"].tolist()
    net = torch.nn.Linear(len(drawn), 1)
    net.load_state_dict({"weight": torch.tensor([drawn]), "bias": torch.zeros(1)})
    run.save_model("net", net)
    run.table("net").add(inputs=len(drawn))


def _draw(number: int, offset: float) -> dict[str, Any]:
    if number == 13:
        raise ZeroDivisionError("thirteen")
    return {"number": [number] * 3, "draw": torch.rand(3).numpy() + offset}
