"""How large images, and folders and zips of them, may be: looked at before anything of that size is read.

A zip of a few megabytes can unpack to terabytes. `SUITE_DATA_BOUNDS` raises what is too low for honest data, as in
`SUITE_DATA_BOUNDS=pixels=50000000,size=200000000`.
"""

import os
import re
from dataclasses import asdict, dataclass

from suite.errors import SuiteError, did_you_mean

VARIABLE = "SUITE_DATA_BOUNDS"
MIB = 1 << 20


@dataclass(frozen=True)
class Bounds:
    """The largest values that are read.

    Attributes:
        members: files in the folder or zip.
        size: bytes of one file, in a zip once unpacked.
        ratio: bytes unpacked for each byte packed; not looked at up to 1 MiB unpacked.
        pixels: of one image.
        total: bytes of all files together once unpacked, and of all images together once decoded.
    """

    members: int = 250_000
    size: int = 64 * MIB
    ratio: int = 200
    pixels: int = 1 << 24
    total: int = 16 * 1024 * MIB

    def check(self, name: str, value: int, what: str) -> None:
        """Raises SuiteError, with the way to raise the bound, when a value is above the bound of that name.

        Args:
            what: says what has the value, as in "train/cat/1.png in pets.zip has 169,000,000 pixels".
        """
        bound: int = getattr(self, name)
        if value > bound:
            remedy = f"if that is right, put {name}={value} into the environment variable {VARIABLE}"
            raise SuiteError(f"{what}, more than the bound of {bound:,}", remedy)


def bounds() -> Bounds:
    """The bounds, as the environment changes them. Raises SuiteError where it cannot be read."""
    text = os.environ.get(VARIABLE, "").strip()
    known = asdict(Bounds())
    given = {}
    for part in filter(None, text.split(",")):
        name, _, value = (word.strip() for word in part.partition("="))
        if name not in known:
            raise SuiteError(f"{VARIABLE}={text}: there is no bound {name!r}", did_you_mean(name, [*known]))
        if not re.fullmatch(r"[0-9]{1,18}", value):
            raise SuiteError(f"{VARIABLE}={text}: {value!r} is no whole number", f"write {name}={known[name]}")
        given[name] = int(value)
    return Bounds(**given)
