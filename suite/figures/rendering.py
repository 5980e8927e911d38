"""Figures as files: the same figure gives the same bytes, and its layout is solved once."""

import io

import matplotlib as mpl
from matplotlib.figure import Figure

from suite.figures.style import style

DPI = 160  # of the PNG


def render(figure: Figure, salt: str = "figure") -> dict[str, bytes]:
    """The figure as `svg` and `png`; the same figure and salt give the same bytes in every process.

    The layout is solved here and then kept: matplotlib would solve it twice at each save. A figure that is changed
    afterwards keeps this layout.

    Args:
        salt: what the names of an SVG's parts are hashed with, such as the figure's name.
    """
    files = {}
    with style(), mpl.rc_context({"svg.hashsalt": salt}):
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
        figure.set_layout_engine("none")
