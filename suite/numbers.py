"""Numbers as people read them: p-values as p-values, estimates with the digits that their limits allow."""

import math

MOST_DIGITS, LARGEST = 6, 10**6  # beyond which numbers are in scientific notation


def format_p(p_value: float | None) -> str:
    """`.0016`, `.24`, `< .0001`, `> .99` or `1`; `-` for a gap."""
    if p_value is None:
        return "-"
    if math.isnan(p_value) or p_value == 1:
        return f"{p_value:.3g}"
    if p_value < 0.0001:
        return "< .0001"
    if p_value > 0.99:
        return "> .99"
    rounded = float(f"{p_value:.2g}")
    digits = max(2, 1 - math.floor(math.log10(rounded)))
    return f"{rounded:.{digits}f}".removeprefix("0")


def told_p(p_value: float) -> str:
    """The same in a sentence: `p = .0016`, `p < .0001`."""
    text = format_p(p_value)
    return f"p {text}" if text[0] in "<>" else f"p = {text}"


def format_estimate(value: float | None, low: float | None, high: float | None) -> str:
    """`0.661 [0.620, 0.700]`: rounded so that the distance to the nearer limit keeps two digits.

    Limits are those of 95 %; None is an open side, and a value without any has 4 significant digits.
    """
    if value is None:
        return "-"
    if low is None and high is None:
        return f"{value:.4g}"
    sides = [abs(value - limit) for limit in (low, high) if limit is not None and math.isfinite(value - limit)]
    least = min((side for side in sides if side > 0), default=0.0)
    digits = max(0, 1 - math.floor(math.log10(least))) if least else MOST_DIGITS + 1
    form = ".4g" if digits > MOST_DIGITS or abs(value) >= LARGEST else f".{digits}f"
    told = ["-" if each is None else f"{each:{form}}" for each in (value, low, high)]
    return f"{told[0]} [{told[1]}, {told[2]}]"
