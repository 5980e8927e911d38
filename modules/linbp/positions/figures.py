"""Figures of `linbp.positions`: from which start on LinBP helps, and what happens on the way."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from matplotlib.figure import Figure

from modules.linbp.names import BP
from modules.linbp.positions.config import PositionsConfig
from suite.figures import Quantity, draw_heat, level, lines, panels, quantity, style, upright

_LABELLED = 12  # so many starts have room for their own names; of more, the stages are named

PANELS = {
    "success": Quantity("value", "success\nminus BP's\n(points)", 100.0),
    "transfer": Quantity("value", "transfer\nminus BP's\n(points)", 100.0),
    "cosine": quantity("value", "cosine with\ntrue gradient"),
    "norm ratio": quantity("value", "norm over\ntrue norm", log=True),
    "loss": quantity("value", "loss reached\n(nats)"),
}


def by_position(
    starts: pl.DataFrame, success: pl.DataFrame, diagnostics: pl.DataFrame, loss: pl.DataFrame,
    config: PositionsConfig, facts: Mapping[str, Any], transfer: pl.DataFrame | None = None,
) -> tuple[Figure, str]:  # fmt: skip
    """From which start on LinBP helps, and what goes with it: panels one above the other over the same starts."""
    ends = diagnostics.filter(pl.col("step").is_in([diagnostics["step"].min(), diagnostics["step"].max()]))
    reached = loss.filter(pl.col("step").is_in(config.steps))
    measured = [
        _panel("success", success.rename({"steps": "step"}), "difference"),
        _panel("cosine", ends, "cosine"),
        _panel("norm ratio", ends, "norm_ratio"),
        _panel("loss", reached, "value"),
    ]
    if transfer is not None:
        last = pl.lit(max(config.steps), dtype=pl.Int64)
        measured.append(_panel("transfer", transfer.with_columns(step=last), "difference", "victim"))
    of_bp = reached.filter(start=BP).select(pl.lit("loss").alias("panel"), "step", "value")
    table = pl.concat(measured, how="diagonal")
    shown = {name: value for name, value in PANELS.items() if name in table["panel"]}
    references = [level(0, only=panel) for panel in ("success", "transfer", "cosine") if panel in shown]
    references += [level(1, only="norm ratio"), level(of_bp, "BP", only="loss")]
    if facts["default_start"] is not None:
        references.append(upright(facts["default_start"], "the model zoo's start"))
    figure = lines(
        table, x=_starts_axis(starts), y=shown, rows="panel", colour="step",
        dash=None if transfer is None else "victim", references=references,
    )  # fmt: skip
    return figure, (
        f"Against the start of {config.gradient}, n = {facts['attacked']}, bands are 95 % intervals: success within so "
        f"many steps, and transfer after {max(config.steps)}, minus BP's (paired, Newcombe); angle and length of the "
        f"rule's gradient beside the true one at the iterates of its own trajectory ({facts['watched']} samples); mean "
        "cross-entropy after so many steps. Step 0 is the clean sample."
    )


def along_path(starts: pl.DataFrame, diagnostics: pl.DataFrame, loss: pl.DataFrame) -> tuple[Figure, str]:
    """Cosine with the true gradient, and loss minus BP's, for every start (across) and every step (upwards)."""
    maps = {
        "cosine": (diagnostics, quantity("value", "cosine with\ntrue gradient", limits=(-1, 1))),
        "difference": (loss, quantity("value", "loss minus BP's\n(nats)")),
    }
    with style():
        figure, axes = panels(2, 1, size=(4.6, 1.8), share_x=True)
        for one, (column, (table, value)) in zip(axes, maps.items(), strict=True):
            iterate = quantity("step", "iterate")
            draw_heat(one, _panel(column, table, column), x=_starts_axis(starts), y=iterate, value=value, centre=0)
            one.label_outer()
    return figure, "Along the trajectory of each start's own attack: means over the same samples."


def _panel(name: str, table: pl.DataFrame, value: str, *more: str) -> pl.DataFrame:
    """The rows of LinBP's starts for one panel: the start, the step, and a value with its interval."""
    prefix = "" if value == "value" else f"{value}_"
    return table.filter(pl.col("start") != BP).select(
        pl.lit(name).alias("panel"), "step", *more,
        place=pl.col("start").cast(pl.Int64), value=value, low=f"{prefix}low", high=f"{prefix}high",
    )  # fmt: skip


def _starts_axis(starts: pl.DataFrame) -> Quantity:
    """The axis over the starts, with their names, or where there are many with the first start of each stage."""
    place = pl.col("start").cast(pl.Int64)
    named = starts.select(place=place, word="path")
    if len(starts) > _LABELLED:
        firsts = starts.filter(pl.col("stage") != pl.col("stage").shift().fill_null(""))
        named = firsts.select(place=place, word=pl.format("{} ({})", "stage", "start"))
    return quantity("place", "LinBP starts at", ticks=dict(named.iter_rows()))
