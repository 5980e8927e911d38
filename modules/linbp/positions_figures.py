"""The figures of `linbp.positions`, drawn from its tables alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from modules.linbp.starts import BP
from suite.figures import band, new_figure, style

Rows = Sequence[Mapping[str, Any]]

_LABELLED = 12  # so many starts have room for their own names; of more, the stages are named


def by_position(
    starts: Rows, success: Rows, transfer: Rows, diagnostics: Rows, loss: Rows, default: int | None
) -> Figure:
    """From which start on LinBP helps, and what goes with it: panels one above the other over the same starts."""
    panels = ["success", *(["transfer"] if transfer else []), "cosine", "norm ratio", "loss"]
    numbers = sorted({row["steps"] for row in success})
    with style():
        figure, axes = new_figure(len(panels), 1, width=6.4, height=0.7 + 1.55 * len(panels))
        panel = dict(zip(panels, axes, strict=True))
        for k, colour in _shades(numbers).items():
            _differences(panel["success"], _where(success, steps=k), colour, f"K = {k}", 100)
            cell = _where(loss, step=k)
            _band(panel["loss"], cell, ("loss", "low", "high"), colour, f"K = {k}")
            _level(panel["loss"], [row["loss"] for row in cell if row["start"] == BP], colour)
        for victim, colour in _shades(list(dict.fromkeys(row["victim"] for row in transfer)), "plasma").items():
            _differences(panel["transfer"], _where(transfer, victim=victim), colour, victim, 100)
        for step, colour in _shades(_ends(diagnostics)).items():
            cell, name = _where(diagnostics, step=step), f"iterate {step}" if step else "clean sample"
            _band(panel["cosine"], cell, ("cosine", "cosine_low", "cosine_high"), colour, name)
            _band(panel["norm ratio"], cell, ("norm_ratio", "norm_ratio_low", "norm_ratio_high"), colour, name)
        panel["success"].set_ylabel("success\nminus BP's\n(points)")
        if transfer:
            panel["transfer"].set_ylabel("transfer\nminus BP's\n(points)")
        panel["cosine"].set_ylabel("cosine with\ntrue gradient")
        panel["norm ratio"].set(ylabel="norm over\ntrue norm", yscale="log")
        _plain_ticks(panel["norm ratio"])
        panel["loss"].set_ylabel("loss reached\n(nats)")
        panel["cosine"].axhline(0, color="0.4", linewidth=0.8, linestyle="--")
        panel["norm ratio"].axhline(1, color="0.4", linewidth=0.8, linestyle="--")
        for axis in axes:
            _position_axis(axis, starts, [int(row["start"]) for row in starts], named=axis is axes[-1])
            if default is not None:
                axis.axvline(default, color="0.4", linewidth=0.9, linestyle=":")
            axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=7, handlelength=1.2)
        axes[-1].set_xlabel("LinBP starts at")
        figure.align_ylabels(axes)
    return figure


def along_path(starts: Rows, diagnostics: Rows, loss: Rows) -> Figure:
    """Cosine with the true gradient, and loss minus BP's, for every start (across) and every step (upwards)."""
    with style():
        figure, axes = new_figure(2, 1, width=6.4, height=4.2)
        cosine, difference = _grid(starts, diagnostics, "cosine"), _grid(starts, loss, "difference")
        _heat(axes[0], cosine, "RdBu_r", 1.0, "cosine with\ntrue gradient")
        largest = float(np.nanmax(np.abs(difference), initial=0)) or 1.0
        _heat(axes[1], difference, "PuOr_r", largest, "loss minus BP's\n(nats)")
        for axis in axes:
            axis.set_ylabel("iterate")
            _position_axis(axis, starts, list(range(len(starts))), named=axis is axes[-1])
        axes[-1].set_xlabel("LinBP starts at")
    return figure


def _differences(axis: Axes, rows: Rows, colour: str, label: str, scale: float) -> None:
    _band(axis, rows, ("difference", "difference_low", "difference_high"), colour, label, scale)
    axis.axhline(0, color="0.4", linewidth=0.8, linestyle="--")


def _band(axis: Axes, rows: Rows, names: tuple[str, str, str], colour: str, label: str, scale: float = 1) -> None:
    """A line over the starts with its interval; gaps where nothing is defined."""
    mine = [row for row in rows if row["start"] != BP]
    values = [[scale * (np.nan if row[name] is None else row[name]) for row in mine] for name in names]
    band(axis, [int(row["start"]) for row in mine], *values, colour=colour, label=label)


def _level(axis: Axes, values: Sequence[float], colour: str) -> None:
    for value in values:
        axis.axhline(value, color=colour, linewidth=0.8, linestyle="--")


def _position_axis(axis: Axes, starts: Rows, places: Sequence[int], *, named: bool) -> None:
    """Ticks at the starts' names, or where there are many at the first start of each stage."""
    if len(starts) <= _LABELLED:
        ticks, texts = places, [row["path"] for row in starts]
    else:
        stages = [row["stage"] for row in starts]
        firsts = [i for i in range(len(starts)) if i == 0 or stages[i] != stages[i - 1]]
        room = len(starts) / _LABELLED  # a stage that is over before its name would be (a stem) goes without
        firsts = [i for i, after in zip(firsts, [*firsts[1:], len(starts) + room], strict=True) if after - i >= room]
        ticks, texts = [places[i] for i in firsts], [f"{stages[i]} ({starts[i]['start']})" for i in firsts]
    long = sum(map(len, texts)) > 55
    axis.set_xticks(ticks, texts if named else [], rotation=30 if long else 0, ha="right" if long else "center")
    axis.set_xlim(min(places) - 0.5, max(places) + 0.5)


def _plain_ticks(axis: Axes) -> None:
    """Ticks of a logarithmic axis as plain numbers; within two decades also at 2 and 5."""
    low, high = axis.get_ylim()
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 100 * low else (1,)))
    axis.yaxis.set_major_formatter("{x:g}")
    axis.yaxis.set_minor_formatter(NullFormatter())


def _heat(axis: Axes, grid: np.ndarray, colours: str, largest: float, label: str) -> None:
    image = axis.imshow(
        grid, cmap=colours, vmin=-largest, vmax=largest, aspect="auto", origin="lower", interpolation="nearest"
    )
    axis.grid(visible=False)
    axis.figure.colorbar(image, ax=axis, label=label)


def _grid(starts: Rows, rows: Rows, column: str) -> np.ndarray:
    """(steps, starts) of a column; NaN where nothing is defined."""
    known = {(row["step"], row["start"]): row[column] for row in rows}
    steps = 1 + max((step for step, _ in known), default=0)
    cells = [[known.get((step, row["start"])) for row in starts] for step in range(steps)]
    return np.array(cells, dtype=float)


def _ends(diagnostics: Rows) -> list[int]:
    """The first and the last step at which gradients were compared."""
    steps = {row["step"] for row in diagnostics}
    return sorted({min(steps), max(steps)}) if steps else []


def _shades(names: Sequence[Any], colours: str = "viridis") -> dict[Any, str]:
    shades = mpl.colormaps[colours](np.linspace(0.1, 0.8, max(len(names), 1)))
    return {name: mpl.colors.to_hex(shade) for name, shade in zip(names, shades, strict=False)}


def _where(rows: Rows, **values: Any) -> list[Mapping[str, Any]]:
    return [row for row in rows if all(row[name] == value for name, value in values.items())]
