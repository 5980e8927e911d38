"""The squares measured: at a chosen number it fails as TOY_FATE says."""

import os
import signal
import time
from pathlib import Path
from typing import Any

from suite.errors import SuiteError
from suite.measuring import Run
from toy.squares.config import SquaresConfig


def measure(config: SquaresConfig, run: Run) -> None:
    """n -> n^2."""
    fate, _, at = os.environ.get("TOY_FATE", "").partition("@")
    if fate == "refuse" and at == "start":
        raise SuiteError("nothing to do", "give numbers")

    def square(number: int) -> dict[str, Any]:
        if at == str(number):
            _meet(fate)
        with Path(os.environ["TOY_LOG"]).open("a") as log:
            log.write(f"{number}\n")
        return {"number": [number], "square": [number**2], "name": [f"n{number}"]}

    for number in run.track(config.numbers, "numbers"):
        run.table("squares").extend(run.once(f"square of {number}", lambda n=number: square(n)))
    run.table("squares").add(number=0, square=0, name=None)
    run.record(engine="toy")


def _meet(fate: str) -> None:
    if fate == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if fate == "crash":
        raise ZeroDivisionError("division by apples\nand pears")
    if fate == "interrupt":
        raise KeyboardInterrupt
    if fate == "sleep":
        time.sleep(60)
    if fate == "refuse":
        raise SuiteError("this number is bad", "choose another")
