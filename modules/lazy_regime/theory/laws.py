"""The powers that the lemmas and Theorem 3.1 of Wang et al. 2022 name."""

from dataclasses import dataclass
from typing import Literal

WORST = "worst found"

WIDTH = 2.4  # exponent of the width in the theorem's condition m >= d^2.4, which we have from memory only


@dataclass(frozen=True)
class Law:
    """quantity ~ variable^exponent.

    quantity: a column of the raw table of points, or of the worst nets. nets: of which it is said. median: whether a
    net's points have a median rather than a mean: flips may be infinite. upper: whether the exponent is the largest
    that is allowed. wide: whether it is said of m >= d^WIDTH only.
    """

    claim: str
    source: str
    quantity: str
    variable: Literal["d", "m"]
    exponent: float
    nets: Literal["all", "trained", "worst found"] = "trained"
    median: bool = False
    upper: bool = False
    wide: bool = False


LAWS = {
    "gradient": Law("|grad f| ~ sqrt(d)", "Lemma 4.2", "gradient", "d", 0.5, "all"),
    "changing neurons": Law("neurons that the ball can change ~ sqrt(m)", "Lemma 4.3", "may_change", "m", 0.5),
    "change": Law(
        "change of grad f within |delta| <= 1 / sqrt(d) grows at most like sqrt(d)",
        "Lemma 4.4", "change", "d", 0.5, "all", upper=True, wide=True,
    ),
    "change, derived": Law(
        "change of grad f within |delta| <= 1 / sqrt(d) ~ d^(1/4)",
        "ours, after Lemma 4.4", "change", "d", 0.25, "all", wide=True,
    ),
    "flips": Law("|delta| ~ 1 / sqrt(d), trained nets", "Theorem 3.1", "size", "d", -0.5, median=True),
    "worst flips": Law(
        "|delta| ~ 1 / sqrt(d), worst net found", "Theorem 3.1, all W", "size", "d", -0.5, "worst found", median=True
    ),
}  # fmt: skip
