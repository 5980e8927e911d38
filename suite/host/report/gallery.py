"""Galleries of attacked samples, for any table with pixels.

A table is a gallery when it has the columns

| column | meaning |
|---|---|
| `shape` | of the images, as text: channels x height x width, `3x32x32`; 1 or 3 channels |
| `clean`, `adversarial` | lists of pixels in [0, 1], flattened in that order |

`label` and `prediction` (of the adversarial image), where they are there, give the outcome; every other column (`id`,
`gradient`, `eps`) says which attack it was, and can be filtered by. Any of these may have gaps.
"""

import io
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite.host.report.allowance import Allowance
from suite.host.report.tables import Head
from suite.refs import format_number

PIXELS = ("shape", "clean", "adversarial")
MOST_CHOICES = 24  # values of a column that can be filtered by
GAP = "-"


@dataclass(frozen=True)
class Card:
    """One attacked sample: three pictures as data URIs, each with its text alternative; what filters may ask for."""

    title: str
    outcome: str
    pictures: tuple[tuple[str, str, str], ...]  # (caption, text alternative, data URI)
    values: tuple[str, ...]  # by filter


@dataclass(frozen=True)
class Gallery:
    """The samples of one table.

    filters: name -> values; left_out: rows that are no picture, or that the page has no room for.
    """

    name: str
    filters: Mapping[str, Sequence[str]]
    cards: tuple[Card, ...]
    left_out: int
    file: str


def is_gallery(columns: Sequence[str]) -> bool:
    """Whether a table of these columns holds pixels."""
    return all(name in columns for name in PIXELS)


def gallery(name: str, head: Head, file: Path, allowance: Allowance) -> Gallery:
    """The rows that are whole, as many as there is room for."""
    rows = [dict(zip(head.columns, row, strict=True)) for row in zip(*head.columns.values(), strict=True)]
    samples = list(dict.fromkeys(str(row.get("id")) for row in rows))
    rows.sort(key=lambda row: samples.index(str(row.get("id"))))  # what became of one sample stands side by side
    told = [{**_place(row), **_outcome(row)} for row in rows]
    every = dict.fromkeys([*head.columns, "outcome"])
    choices = {column: list(dict.fromkeys(row.get(column, GAP) for row in told)) for column in every}
    filters = {column: values for column, values in choices.items() if 1 < len(values) <= MOST_CHOICES}
    cards = []
    for row, values in zip(rows, told, strict=True):
        card = _card(row, tuple(values.get(column, GAP) for column in filters))
        if card is not None and allowance.take(sum(len(uri) + len(text) for _, text, uri in card.pictures) + 300):
            cards.append(card)
    return Gallery(name, filters, tuple(cards), head.total - len(cards), str(file))


def _card(row: Mapping[str, Any], values: tuple[str, ...]) -> Card | None:
    import numpy as np

    try:
        shape = tuple(int(length) for length in str(row["shape"]).split("x"))
        clean, adversarial = (np.asarray(row[name], dtype=np.float64).reshape(shape) for name in PIXELS[1:])
    except (TypeError, ValueError):
        return None
    if len(shape) != 3 or shape[0] not in (1, 3) or not (np.isfinite(clean).all() and np.isfinite(adversarial).all()):
        return None
    change = adversarial - clean
    largest = float(np.abs(change).max(initial=0.0))
    title = ", ".join(_told(name, value) for name, value in _place(row).items())
    true, seen = (f", {kind} {row[name]}" if row.get(name) is not None else "" for kind, name in _KINDS)
    outcome = _outcome(row).get("outcome", "")
    contrast = 0.5 + change / (2 * largest or 1)
    pictures = (
        ("clean", f"Clean image, {title}{true}", _data_uri(clean)),
        (f"change, \u00b1{largest:.2g}", f"Change at full contrast, {title}", _data_uri(contrast)),
        ("adversarial", f"Adversarial image, {title}{true}{seen}: {outcome}", _data_uri(adversarial)),
    )
    summary = "".join((true, seen)).removeprefix(", ")
    return Card(title, f"{summary}: {outcome}" if outcome else summary, pictures, values)


_KINDS = (("true class", "label"), ("predicted", "prediction"))


def _place(row: Mapping[str, Any]) -> dict[str, str]:
    """Which attack on which sample: what is neither pixels nor outcome."""
    apart = {*PIXELS, "label", "prediction"}
    return {
        name: format_number(value) if isinstance(value, float) else str(value)
        for name, value in row.items()
        if name not in apart and isinstance(value, str | int | float)
    }


def _outcome(row: Mapping[str, Any]) -> dict[str, str]:
    if row.get("label") is None or row.get("prediction") is None:
        return {}
    return {"outcome": "fooled" if row["label"] != row["prediction"] else "not fooled"}


def _told(name: str, value: str) -> str:
    return value if name == "gradient" else f"{'sample' if name == 'id' else name} {value}"


def _data_uri(image: Any) -> str:
    """A (C, H, W) array in [0, 1] as PNG."""
    import numpy as np
    from PIL import Image

    levels = (image.clip(0, 1) * 255).round().astype(np.uint8)
    made = Image.fromarray(levels[0] if len(levels) == 1 else levels.transpose(1, 2, 0))
    with io.BytesIO() as file:
        made.save(file, format="PNG", optimize=True)
        return "data:image/png;base64," + b64encode(file.getvalue()).decode()
