"""Random numbers that depend on an earlier part. The folder GATED_FOLDER holds work up (hold) and kills it (kill-N)."""

import os
import signal
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from suite.plugin import Several, StudyConfig, option

if TYPE_CHECKING:
    from suite.host.run import Run


class DrawsConfig(StudyConfig):
    """What to draw."""

    numbers: Several[int] = option((1, 2, 3, 4), "names of the draws; 13 fails")


def draws(config: DrawsConfig, run: "Run") -> None:
    """Three numbers for each name, after an offset that is drawn once."""
    import torch

    offset = run.once("offset", _offset)["offset"]
    parts = [(f"draw {number}", partial(_draw, number, offset)) for number in config.numbers]
    for columns in run.each(parts, "draws"):
        run.table("draws").extend(columns)
    run.record(threads=torch.get_num_threads())
    run.headline(largest=max(run.table("draws").columns["draw"]))


def _offset() -> dict[str, Any]:
    import torch

    return {"offset": torch.rand(1).numpy()}


def _draw(number: int, offset: np.ndarray) -> dict[str, Any]:
    import torch

    pass_gate(str(number))
    return {"number": [number] * 3, "draw": torch.rand(3).numpy() + offset}


def pass_gate(name: str) -> None:
    """Says who works, waits while work is held, and dies or fails where that is asked for."""
    folder = Path(os.environ["GATED_FOLDER"])
    with (folder / "log").open("a") as log:
        log.write(f"{name} {os.getpid()} {os.environ.get('GATED_NODE', 'here')}\n")
    while (folder / "hold").exists():
        time.sleep(0.02)
    spared = folder / f"kill-{name}"
    if spared.exists() and spared.read_text() != str(os.getpid()):
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "13":
        raise ZeroDivisionError("thirteen")
