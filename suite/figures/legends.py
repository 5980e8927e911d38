"""One legend a figure, of what is drawn and of nothing else."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from suite.figures.scales import CHARACTER

_HANDLE, _LINE = 0.5, 0.19  # inches of a sample and of a line of the legend


class _Entry(Line2D):
    """An entry that stands for things drawn elsewhere; listed after the series, those of patterns last."""

    of_pattern = False


def legend(figure: Figure) -> None:
    """One legend for all axes, each name once: above the panels where it fits in two lines, else at their right.

    The figure grows by the legend's size. Nothing is added where nothing that is drawn has a name.
    """
    handles: dict[str, Any] = {}
    for axes in figure.axes:
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(name, handle)
    names = sorted(handles, key=lambda name: _place(handles[name]))
    if not names:
        return
    width = _HANDLE + CHARACTER * max(map(len, names))
    columns = max(1, min(len(names), int(figure.get_figwidth() / width)))
    lines = -(-len(names) // columns)
    if lines <= 2 or width > figure.get_figwidth() / 2:
        figure.set_figheight(figure.get_figheight() + _LINE * lines)
        columns = -(-len(names) // lines)
        figure.legend([handles[name] for name in names], names, loc="outside upper center", ncols=columns)
    else:
        figure.set_figwidth(figure.get_figwidth() + width)
        figure.legend([handles[name] for name in names], names, loc="outside right upper")


def name_in_legend(axes: Axes, words: str, *, of_pattern: bool = False, **looks: Any) -> None:
    """An entry for things that have no one line of their own, such as a pattern or a reference; looks as of a line."""
    entry = _Entry([], [], label=words, **looks)
    entry.of_pattern = of_pattern
    axes.add_line(entry)


def _place(handle: Any) -> int:
    return 1 + handle.of_pattern if isinstance(handle, _Entry) else 0
