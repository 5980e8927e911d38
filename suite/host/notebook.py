"""How runs and figures show themselves in a notebook."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import polars as pl

from suite.host.text import format_value


@dataclass(frozen=True)
class Picture:
    """A stored figure.

    Args:
        svg, png: paths of its files.
        caption: what it shows.
    """

    svg: Path
    png: Path
    caption: str

    def _repr_svg_(self) -> str:
        return self.svg.read_text(encoding="utf-8")


def as_html(
    title: str,
    headline: Mapping[str, Any],
    seen: Sequence[str],
    claims: pl.DataFrame,
    figures: Sequence[Picture],
) -> str:
    """A run as HTML: headline, what was seen, claims, figures in their captions."""
    numbers = "".join(f"<li>{escape(name)} = {escape(format_value(value))}</li>" for name, value in headline.items())
    sentences = "".join(f"<p>{escape(sentence)}</p>" for sentence in seen)
    table = claims._repr_html_() if len(claims) else ""
    pictures = "".join(
        f"<figure>{_inline(picture)}<figcaption>{escape(picture.caption)}</figcaption></figure>" for picture in figures
    )
    return f"<p><b>{escape(title)}</b></p><ul>{numbers}</ul>{sentences}{table}{pictures}"


def _inline(picture: Picture) -> str:
    """The SVG without the prologue that only a file may have."""
    text = picture.svg.read_text(encoding="utf-8")
    return text[text.index("<svg") :]
