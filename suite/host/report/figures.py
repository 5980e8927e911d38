"""A run's figures as a page shows them: drawn in the page where they are light, as a picture where they are not."""

from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

from suite.errors import SuiteError
from suite.host.report.allowance import Allowance
from suite.host.report.svg import Drawing, read_drawing

HEAVIEST = 300_000  # bytes of a drawing in the page; a picture beyond
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_WORDS = 40  # of a figure's own in its text alternative


@dataclass(frozen=True)
class FigureView:
    """A figure of the page: a drawing, or else a picture (data URI), or else a note that says why there is neither.

    alternative: what it shows, in words.
    """

    name: str
    caption: str
    alternative: str
    drawing: Drawing | None = None
    picture: str = ""
    note: str = ""


def view(name: str, caption: str, svg: Path, png: Path, allowance: Allowance) -> FigureView:
    """A figure from its two files."""
    drawing, note = _drawing(svg)
    alternative = _alternative(name, caption, drawing)
    if drawing is not None and len(drawing.content) <= HEAVIEST and allowance.take(len(drawing.content)):
        return FigureView(name, caption, alternative, drawing=drawing)
    picture = _picture(png)
    if picture and allowance.take(len(picture)):
        return FigureView(name, caption, alternative, picture=picture)
    if drawing is None and not picture:
        return FigureView(name, caption, alternative, note=f"The figure {note}.")
    where = f" It is in {svg}." if drawing is not None else ""
    return FigureView(name, caption, alternative, note=f"Left out: this page holds no more.{where}")


def _drawing(path: Path) -> tuple[Drawing | None, str]:
    try:
        return read_drawing(path.read_text(encoding="utf-8")), ""
    except OSError:
        return None, f"is missing: {path}"
    except (SuiteError, ValueError) as error:
        return None, f"is damaged: {path}: {error}"


def _picture(path: Path) -> str:
    """A PNG file as a data URI; empty where there is none."""
    try:
        content = path.read_bytes()
    except OSError:
        return ""
    return "data:image/png;base64," + b64encode(content).decode() if content.startswith(_SIGNATURE) else ""


def _alternative(name: str, caption: str, drawing: Drawing | None) -> str:
    words = drawing.words[:_WORDS] if drawing else ()
    written = f" Written in it: {'; '.join(words)}." if words else ""
    return f"Figure {name.replace('_', ' ')}. {caption}{written}"
