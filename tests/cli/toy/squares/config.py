"""Options of the squares."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator

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
