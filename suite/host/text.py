"""Values as people read and type them."""

from collections.abc import Mapping, Sequence
from typing import Any

from suite.numbers import format_estimate, format_p
from suite.refs import format_number, parse_number

DECIMALS = 4
TYPED = {"eps", "epsilon", "step_size"}
"""Columns of settings, whose numbers are shown as they are typed: 8/255."""


def format_value(value: Any) -> str:
    """A value by itself: floats with 4 significant digits, `-` for a gap."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return "-" if value is None else str(value)


def format_column(values: Sequence[Any], name: str = "") -> list[str]:
    """The texts of a column: p-values as such, settings as typed (`name` tells), other floats with common decimals.

    Decimals are not shared where cutting these to 4 would hide a small number.
    """
    if name == "p" or name.startswith("p_") or name.endswith("_p") or "p_value" in name:
        return [format_p(value) if isinstance(value, float) else format_value(value) for value in values]
    if name in TYPED:
        return ["-" if value is None else text_of(value) for value in values]
    floats = [value for value in values if isinstance(value, float)]
    needed = max((len(format_value(value).partition(".")[2]) for value in floats), default=0)
    readable = all(value == 0 or 10 ** (1 - DECIMALS) <= abs(value) < 10**DECIMALS for value in floats)
    if not readable and (needed > DECIMALS or any("e" in format_value(value) for value in floats)):
        return [format_value(value) for value in values]
    return [
        f"{value:.{min(needed, DECIMALS)}f}" if isinstance(value, float) else format_value(value) for value in values
    ]


def format_headline(content: Mapping[str, Any]) -> dict[str, str]:
    """A run's headline as texts, with limits where a number has them; what the study says there is shown as it is."""
    limits = content.get("limits", {})
    return {name: format_estimate(value, *limits[name]) if name in limits else format_value(value)
            for name, value in content.get("headline", {}).items()}  # fmt: skip


def counted(number: int, thing: str) -> str:
    """`1 point`, `2 points`."""
    return f"{number} {thing}{'s' * (number != 1)}"


def format_bytes(size: int) -> str:
    """`512 B`, `1.5 kB`, `20 MB`."""
    if size < 1000:
        return f"{size} B"
    power = min((len(str(size)) - 1) // 3, 4)
    number = size / 1000**power
    return f"{number:.1f} {' kMGT'[power]}B" if number < 10 else f"{number:.0f} {' kMGT'[power]}B"


def format_minutes(minutes: float) -> str:
    """`6 s`, `12 min` or `1.5 h`: as exact as such a number is."""
    if minutes < 1:
        return f"{60 * minutes:.0f} s"
    return f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.1f} h"


def text_of(value: Any) -> str:
    """A value as it would be typed; numbers are rounded for reading."""
    if isinstance(value, tuple | list):
        return ",".join(map(text_of, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return format_number(value).removesuffix(".0")
    return "none" if value is None else str(value)


def exact_text(value: Any) -> str:
    """A value as it would be typed to get this very value again."""
    if isinstance(value, tuple | list):
        return ",".join(map(exact_text, value))
    if isinstance(value, float) and parse_number(text_of(value)) != value:
        return repr(value)
    return text_of(value)
