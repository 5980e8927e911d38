"""Figures as files: the same figure gives the same bytes, and its layout is solved once."""

import io
import warnings
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from suite.figures.style import style

DPI = 160  # of the PNG
_UNSOLVED: dict[Any, Any] = {"figure.constrained_layout.use": False, "figure.autolayout": False}


def render(figure: Figure, salt: str = "figure") -> dict[str, bytes]:
    """The figure as `svg` and `png`; the same figure and salt give the same bytes in every process.

    The layout is solved here, once, and then kept, also by a figure that is changed afterwards: left to itself,
    matplotlib draws twice at each save and solves the layout each time.

    Args:
        salt: what the names of an SVG's parts are hashed with, such as the figure's name.
    """
    files = {}
    with style(), mpl.rc_context({**_UNSOLVED, "svg.hashsalt": salt}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+", UserWarning)  # a letter that the font lacks is drawn as a box
        freeze(figure)
        for kind in ("svg", "png"):
            buffer = io.BytesIO()
            figure.savefig(buffer, format=kind, dpi=DPI, metadata={"Date": None} if kind == "svg" else {})
            files[kind] = buffer.getvalue()
    return files


def freeze(figure: Figure) -> None:
    """Solves a figure's layout once and leaves it as it is then."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        with mpl.rc_context(_UNSOLVED):
            figure.set_layout_engine(None)  # "none" would leave a placeholder, for which each save draws twice
