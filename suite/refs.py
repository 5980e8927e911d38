"""References as people type them: `8/255`, `wrn34(width=10)@weights.pt`, `bp,linbp(start=layer4)+sgm(lam=0.5)`.

Parsing only; nothing here knows what the names mean. Light to import.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from suite.errors import SuiteError, shortened

Argument = bool | int | float | str

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
LONGEST_REFERENCE = 4000  # characters
LONGEST_NUMBER = 100  # characters
LARGEST_EXPONENT = 9999
LARGEST_INTEGER = 2**63 - 1
_EXAMPLES = "write 0.05 or a fraction such as 8/255"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]*")

# A plan reads the same few texts at each of its points, which may be many thousands.
_read_once = lru_cache(maxsize=4096, typed=True)


@_read_once
def parse_number(text: str | float) -> float:
    """A real number or a fraction of two: `0.05`, `8/255`, `1e-3/2`. Raises SuiteError on anything else.

    The length and the exponent are bounded before anything is expanded: `1e30000000` has thirty million digits.
    """
    typed = str(text)
    if len(typed) > LONGEST_NUMBER:
        raise SuiteError(f"{shortened(typed)!r} is too long for a number", _EXAMPLES)
    parts = [part.strip() for part in typed.split("/")]
    matches = [_NUMBER.fullmatch(part) for part in parts]
    if len(parts) > 2 or not all(matches):
        raise SuiteError(f"{typed!r} is not a number", _EXAMPLES)
    if any(abs(int(match[2][1:])) > LARGEST_EXPONENT for match in matches if match and match[2]):
        raise SuiteError(f"{typed!r} has an exponent beyond {LARGEST_EXPONENT}", _EXAMPLES)
    numerator, denominator = Fraction(parts[0]), Fraction(parts[1] if len(parts) == 2 else "1")
    if denominator == 0:
        raise SuiteError(f"{typed!r} divides by zero", "write a fraction such as 8/255")
    try:
        return float(numerator / denominator)
    except OverflowError:
        raise SuiteError(f"{typed!r} is too large", _EXAMPLES) from None


def format_number(value: float) -> str:
    """A number as it would be typed: 0.05, and 2/255 for 0.00784313725490196."""
    if len(str(value)) <= 8:
        return str(value)
    fraction = Fraction(value).limit_denominator(10_000)
    return str(fraction) if float(fraction) == value else f"{value:.6g}"


def split_list(text: str, separator: str = ",") -> list[str]:
    """Splits at separators outside parentheses: `bp,linbp(start=all,x=1)` gives two items; empty ones are left out."""
    return [item for item in _split(text, separator) if item]


def _split(text: str, separator: str) -> list[str]:
    items, depth, start = [], 0, 0
    for position, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if character == separator and depth == 0:
            items.append(text[start:position])
            start = position + 1
    return [item.strip() for item in [*items, text[start:]]]


def parse_argument(text: str) -> Argument:
    """`true`/`false`, an integer, a number or fraction, else the text itself."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if re.fullmatch(r"[+-]?\d+", text):
        if len(text) > LONGEST_NUMBER or abs(int(text)) > LARGEST_INTEGER:
            raise SuiteError(f"{shortened(text)!r} is too large", f"write an integer up to {LARGEST_INTEGER}")
        return int(text)
    try:
        return parse_number(text)
    except SuiteError:
        return text


@dataclass(frozen=True)
class Call:
    """A name with keyword arguments, as typed on the command line; `str()` gives its canonical spelling."""

    name: str
    arguments: Mapping[str, Argument]

    def __str__(self) -> str:
        inner = ",".join(f"{key}={value}" for key, value in sorted(self.arguments.items()))
        return f"{self.name}({inner})" if inner else self.name


@_read_once
def parse_call(text: str) -> Call:
    """Parses `name` or `name(key=value,...)`. Raises SuiteError with the text and what would be right."""
    remedy = "write name or name(key=value,...)"
    if len(text) > LONGEST_REFERENCE:
        raise SuiteError(f"{shortened(text)!r} is longer than {LONGEST_REFERENCE} characters", remedy)
    name, bracket, rest = text.strip().partition("(")
    if not _NAME.fullmatch(name.strip()) or (bracket and not _closes_at_its_end(rest.rstrip())):
        raise SuiteError(f"cannot read {text!r}", remedy)
    arguments: dict[str, Argument] = {}
    for item in split_list(rest.rstrip()[:-1]) if bracket else []:
        key, equals, value = item.partition("=")
        if not equals or not key.strip().isidentifier() or key.strip() in arguments:
            raise SuiteError(f"cannot read {item!r} in {text!r}", remedy)
        arguments[key.strip()] = parse_argument(value.strip())
    return Call(name.strip(), arguments)


@_read_once
def parse_sum(text: str) -> tuple[Call, ...]:
    """Parses `call` or `call+call+...`, sorted: order means nothing. Raises SuiteError as `parse_call` does."""
    return tuple(sorted(map(parse_call, _split(text, "+")), key=str))


def format_sum(calls: Iterable[Call]) -> str:
    """The canonical spelling of a sum of calls."""
    return "+".join(map(str, calls))


def _closes_at_its_end(rest: str) -> bool:
    """Whether the bracket that opened before `rest` is closed by its last character and by no other."""
    depth = 1
    for position, character in enumerate(rest):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return position == len(rest) - 1
    return False
