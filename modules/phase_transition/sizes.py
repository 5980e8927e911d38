"""The option `d/n`: dimension and number of samples of a simulated data set, as people type it. Light to import."""

import re
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator

from suite.errors import SuiteError
from suite.plugin import Several

_REMEDY = "write dimension/samples, such as 20/1000"
LARGEST = 20_000_000  # numbers d n in one data set


@lru_cache(1024)  # a sweep of many points has few sizes
def parse_size(text: str) -> tuple[int, int]:
    """`20/1000` is d = 20, n = 1000.

    Raises:
        SuiteError: no two positive whole numbers, too large, or |d - n| <= 1, where the clean estimate has no variance.
    """
    match = re.fullmatch(r"\s*(\d{1,9})\s*/\s*(\d{1,9})\s*", text)
    d, n = (int(number) for number in match.groups()) if match else (0, 0)
    if d < 1 or n < 2:
        raise SuiteError(f"{text!r} is no dimension and number of samples", f"{_REMEDY}; d >= 1, n >= 2")
    if abs(d - n) <= 1:
        raise SuiteError(
            f"{text}: for |d - n| <= 1 the clean estimate has no finite variance (the theorems exclude it)", _REMEDY
        )
    if d * n > LARGEST:
        raise SuiteError(f"{text}: a data set of more than {LARGEST:,} numbers", _REMEDY)
    return d, n


def _size_text(text: str) -> str:
    d, n = parse_size(text)
    return f"{d}/{n}"


Sizes = Several[Annotated[str, AfterValidator(_size_text)]]
"""One or more sizes `d/n`."""
