"""Figures of `pgd_dynamics.escape`: medians of loss and of progress at every step, Fig. 2 and 3 of Deng et al. 2020."""

import polars as pl
from matplotlib.figure import Figure

from modules.pgd_dynamics.escape.config import EscapeConfig
from modules.pgd_dynamics.escape.results import SHARE
from suite.figures import Quantity, lines, mark, quantity

FLOOR = 1e-6  # nats
STEP = quantity("step", "step + 1", log=True)
PROGRESS = quantity("value", "share of the rise", limits=(-0.05, 1.05))

Captioned = tuple[Figure, str]


def scales_raw(curves: pl.DataFrame, config: EscapeConfig) -> Captioned | None:
    """Fig. 2 with raw steps, the paper's."""
    return _scales(curves, config, "raw")


def scales_unit(curves: pl.DataFrame, config: EscapeConfig) -> Captioned | None:
    """Fig. 2 with steps of a share of eps."""
    return _scales(curves, config, "unit")


def training_raw(curves: pl.DataFrame, config: EscapeConfig) -> Captioned | None:
    """Fig. 3 at every scale with raw steps: progress."""
    return _training(curves, config, "raw")


def training_unit(curves: pl.DataFrame, config: EscapeConfig) -> Captioned | None:
    """Fig. 3 at every scale with steps of a share of eps: progress."""
    return _training(curves, config, "unit")


def training_loss_raw(curves: pl.DataFrame, config: EscapeConfig) -> Captioned | None:
    """Fig. 3 at every scale with raw steps: loss."""
    return _training_loss(curves, config, "raw")


def training_loss_unit(curves: pl.DataFrame, config: EscapeConfig) -> Captioned | None:
    """Fig. 3 at every scale with steps of a share of eps: loss."""
    return _training_loss(curves, config, "unit")


def _scales(curves: pl.DataFrame, config: EscapeConfig, rule: str) -> Captioned | None:
    """Loss (above) and share of the rise (below), a column per scale."""
    chosen = curves.filter(rule=rule, epoch=0)
    if chosen.is_empty():
        return None
    frame = pl.concat([_shown(chosen, "loss"), _shown(chosen, "share")])
    figure = lines(
        frame, x=STEP, y={"loss": _loss(chosen, "loss (nats)"), "share": PROGRESS}, colour="ratio", dash="gradient",
        panel="scale", rows="shown", references=[mark(_passed(frame), only="share")],
    )  # fmt: skip
    return figure, f"Escape from local minima of the loss at initialisation: {_caption(config, rule)}"


def _training(curves: pl.DataFrame, config: EscapeConfig, rule: str) -> Captioned | None:
    """Share of the rise, a column per epoch, a row per scale."""
    chosen = curves.filter(rule=rule)
    if chosen.is_empty() or not max(config.epochs):
        return None
    frame = _shown(chosen, "share")
    figure = lines(
        frame, x=STEP, y=PROGRESS, colour="ratio", dash="gradient", panel="epoch", rows="scale",
        references=[mark(_passed(frame))],
    )  # fmt: skip
    return figure, f"Escape during adversarial training: {_caption(config, rule)}"


def _training_loss(curves: pl.DataFrame, config: EscapeConfig, rule: str) -> Captioned | None:
    """Loss, a column per epoch, a row with an axis of its own per scale."""
    chosen = curves.filter(rule=rule)
    if chosen.is_empty() or not max(config.epochs):
        return None
    names = {scale: f"scale = {scale:g}" for scale in config.scales}
    frame = _shown(chosen, "loss").with_columns(shown=pl.col("scale").replace_strict(names, return_dtype=pl.String))
    ys = {name: _loss(chosen.filter(scale=scale), f"loss (nats)\n{name}") for scale, name in names.items()}
    figure = lines(frame, x=STEP, y=ys, colour="ratio", dash="gradient", panel="epoch", rows="shown")
    return figure, f"Loss of ascents from its local minima during adversarial training: {_caption(config, rule)}"


def _shown(curves: pl.DataFrame, what: str) -> pl.DataFrame:
    """One of the measured columns as `value`, steps counted from 1 for a logarithmic axis."""
    cell = ("epoch", "scale", "ratio", "gradient")
    return curves.select(*cell, shown=pl.lit(what), step=pl.col("step") + 1, value=pl.col(what))


def _passed(frame: pl.DataFrame) -> pl.DataFrame:
    """Where each line of shares passes 90 %."""
    over = frame.filter((pl.col("shown") == "share") & (pl.col("value") >= SHARE))
    return over.group_by("epoch", "scale", "ratio", "gradient", maintain_order=True).first()


def _loss(curves: pl.DataFrame, label: str) -> Quantity:
    """An axis of losses: logarithmic where they span more than two decades, those below the floor left out."""
    losses = curves["loss"].filter(curves["loss"] > FLOOR).to_numpy()
    if not len(losses) or losses.min() > losses.max() / 100:
        return quantity("value", label)
    return quantity("value", label, log=True, limits=(losses.min() / 2, 2 * losses.max()))


def _caption(config: EscapeConfig, rule: str) -> str:
    return (
        f"{config.model} / {config.dataset}, {config.activation}, n = {config.samples} samples x {config.seeds} "
        f"networks; {rule} steps; medians of accepted starts; marks: {SHARE:.0%} of the rise; losses below {FLOOR:g} "
        "are not shown on a logarithmic axis."
    )
