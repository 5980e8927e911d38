"""The powers that the lemmas and Theorem 3.1 of Wang et al. 2022 name."""

from dataclasses import dataclass
from typing import Literal

WORST = "worst found"


@dataclass(frozen=True)
class Law:
    """quantity ~ variable^exponent.

    quantity: a column of the raw table of points, or of the worst nets. nets: of which it is said. median: whether a
    net's points have a median rather than a mean: flips may be infinite.
    """

    claim: str
    source: str
    quantity: str
    variable: Literal["d", "m"]
    exponent: float
    nets: Literal["all", "trained", "worst found"] = "trained"
    median: bool = False


LAWS = {
    "gradient": Law("|grad f| ~ sqrt(d)", "Lemma 4.2", "gradient", "d", 0.5, "all"),
    "changing neurons": Law("neurons that the ball can change ~ sqrt(m)", "Lemma 4.3", "may_change", "m", 0.5),
    "flips": Law("|delta| ~ 1 / sqrt(d), trained nets", "Theorem 3.1", "size", "d", -0.5, median=True),
    "worst flips": Law(
        "|delta| ~ 1 / sqrt(d), worst net found", "Theorem 3.1, all W", "size", "d", -0.5, "worst found", median=True
    ),
}
