"""The opinion measured."""

import os
from pathlib import Path

from suite.measuring import Run
from toy.opinion.config import OpinionConfig


def measure(config: OpinionConfig, run: Run) -> None:
    """Squares of the numbers."""
    run.once("start", lambda: {"n": [len(config.numbers)]})
    if os.environ.get("TOY_FATE") == "crash@opinion":
        raise ZeroDivisionError("division by opinion")
    with Path(os.environ["TOY_LOG"]).open("a") as log:
        log.write(f"growth of {len(config.numbers)}\n")
    for step, number in enumerate(config.numbers):
        run.table("curve").add(step=step, square=number**2)
