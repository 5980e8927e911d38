"""A study that can be made to fail or to be killed at a chosen number, by the environment variable TOY_FATE."""

import os
import signal
import time
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator

from suite.errors import SuiteError
from suite.host.run import Run
from suite.plugin import Epsilon, Epsilons, GradientRefs, StudyConfig, option
from suite.refs import split_list


def _whole(value: Any) -> Any:
    return split_list(value) if isinstance(value, str) else value


def _below_hundred(value: int) -> int:
    if value >= 100:
        raise ValueError("Keep it below 100")
    return value


class SquaresConfig(StudyConfig):
    """What to square."""

    numbers: Annotated[tuple[int, ...], BeforeValidator(_whole)] = option(
        (1, 2, 3), "Numbers to square", unit="apples", source="Table 9"
    )
    step_size: Epsilon = option("1/4", "A number that may be a fraction.")
    eps: Epsilons = option((2 / 255,), "Some fractions.")
    repeats: Annotated[int, AfterValidator(_below_hundred)] = option(1, "How often.", gt=0)
    fast: bool = option(False, "Whether to hurry.")
    mode: Literal["plain", "fancy"] = option("plain", "How.")
    rules: GradientRefs = option(("bp",), "Gradient rules.")
    batch: int = option(8, "Numbers at once.", in_key=False)


def squares(config: SquaresConfig, run: Run) -> None:
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
    run.headline(largest=max(run.table("squares").columns["square"]), nothing=float("nan"))
    run.record(engine="toy")
    run.show("squares", "number", "square", title="Squares")


def flip(model: Any, strength: float = 1.0) -> Any:
    """A gradient rule in name only."""
    return model


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
