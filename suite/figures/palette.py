"""One palette for all figures, by meaning: a name has the same colour wherever it appears.

Colours are those of Okabe and Ito, or shades of them: any two of the first seven are apart under all three kinds of
colour blindness. Blue is kept for BP and vermillion for LinBP; no other name ever gets them.
"""

from collections.abc import Mapping, Sequence
from itertools import cycle, islice
from numbers import Real
from typing import Any

import matplotlib as mpl
from matplotlib.colors import to_hex

BP = "#0072B2"
LINBP = ("#D55E00", "#7A2E00", "#F5AE72", "#A84800", "#FAD3B0")  # one hue: dark, light, dark, light
INK = "#333333"  # what is measured and has no name of its own; theory (dashed) and published values (hollow)
QUIET = "#777777"  # reference lines

PATTERNS: tuple[Any, ...] = ("-", "--", ":", "-.", (0, (6, 1, 1, 1, 1, 1)), (0, (1, 3)))  # of lines

_GREEN, _PURPLE, _SKY, _OLIVE, _WINE = "#009E73", "#CC79A7", "#56B4E9", "#C2B21E", "#882255"
_OTHERS = (_GREEN, _PURPLE, _SKY, INK, _OLIVE, _WINE)

MEANINGS: Mapping[str, str] = {
    "clean": _GREEN, "adversarial": _PURPLE,  # images, models, trainings
    "train": _SKY, "test": INK,
    "measured": INK, "published": INK, "theory": INK,
    "from scratch": INK, "fine-tuned": _GREEN,
    "initial": INK, "trained": _GREEN, "worst found": _PURPLE,  # networks
    "segment": INK, "curve": _GREEN,  # paths between two networks
    "minimum": _SKY, "maximum": _OLIVE,
    "relu": _GREEN, "softplus": _PURPLE,  # activations
    "guided": _GREEN, "sgm": _PURPLE, "leaky": _SKY, "square": _OLIVE,  # gradient rules and what is beside them
}  # fmt: skip


def colours(names: Sequence[Any]) -> dict[Any, str]:
    """A colour for each name, in the order given.

    `bp` is always blue; names that begin with `linbp` are shades of vermillion, the first always the same; names of
    `MEANINGS` have their colour there, also with arguments (`sgm(lam=0.5)`) or a noun behind them (`clean model`);
    the others take what the meanings present leave free. Case does not count. More names than colours repeat colours.
    """
    known = {name: colour for name in names if (colour := _meaning(str(name).lower())) is not None}
    free = [colour for colour in _OTHERS if colour not in known.values()] or list(_OTHERS)
    shades, others = cycle(LINBP), cycle(free)
    found: dict[Any, str] = {}
    for name in dict.fromkeys(names):
        is_linbp = str(name).lower().startswith("linbp")
        found[name] = known.get(name) or (next(shades) if is_linbp else next(others))
    return found


def shades(values: Sequence[Any]) -> dict[Any, str]:
    """A colour for each of several ordered values (eps, d, m, steps ...), from dark to light in the order given."""
    places = [0.08 + 0.77 * index / max(len(values) - 1, 1) for index in range(len(values))]
    return {value: to_hex(mpl.colormaps["viridis"](place)) for value, place in zip(values, places, strict=True)}


def colours_of(column: str, values: Sequence[Any]) -> dict[Any, str]:
    """The colours that a form gives the values of a column: shades for numbers, but for seeds, which have no order."""
    ordered = all(isinstance(value, Real) and not isinstance(value, bool) for value in values)
    if ordered and column not in _UNORDERED:
        return shades(values)
    return colours(values)


def dashes(values: Sequence[Any]) -> dict[Any, Any]:
    """A pattern of line for each value, the first one solid."""
    return dict(zip(values, islice(cycle(PATTERNS), len(values)), strict=True))


def markers(values: Sequence[Any]) -> dict[Any, str]:
    """A shape of point for each value."""
    return dict(zip(values, islice(cycle("os^vDPX"), len(values)), strict=True))


_UNORDERED = ("seed", "fold", "network", "start", "trajectory")


def _meaning(name: str) -> str | None:
    """The colour that a name has by itself."""
    if name == "bp":
        return BP
    if name.startswith("linbp"):
        return None
    if name in MEANINGS:
        return MEANINGS[name]
    first = name.replace("(", " ").split(" ")[0]
    return MEANINGS.get(first)
