"""Figures of `linbp.gates`: what each gate gains over the image's own, and whether that follows similarity."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from matplotlib.figure import Figure

from modules.linbp.gates.config import GatesConfig
from modules.linbp.gates.names import BP
from suite.figures import Quantity, level, points, quantity, upright

_GAIN = "black-box success minus BP's"


def gates(gains: pl.DataFrame, config: GatesConfig, facts: Mapping[str, Any]) -> tuple[Figure, str]:
    """Gain over backpropagation by arm: a panel per surrogate, a line of panels per eps, a colour per method."""
    table = gains.filter(pl.col("arm") != BP).drop_nulls("gain")
    figure = points(
        table, x=Quantity("gain", f"{_GAIN} (points)", 100.0), y=quantity("arm", ""), low="gain_low", high="gain_high",
        colour="method", panel="surrogate", rows="eps", references=[upright(0, "BP: the image's own gates")],
    )  # fmt: skip
    where = "one position" if len(config.positions) == 1 else "with @ elsewhere"
    return figure, (
        f"What stands in place of the gates at {config.positions[0]} ({where}) in the backward pass, and the success "
        f"on other models minus that of backpropagation: mean and 95 % interval over {facts['attacked']} images."
    )


def similarity_and_gain(similarity: pl.DataFrame) -> tuple[Figure, str]:
    """Gain on each victim against the rise of the cosine with its gradient: a colour per victim, a shape per arm."""
    table = similarity.filter(pl.col("arm") != BP).drop_nulls("gain")
    figure = points(
        table, x=quantity("rise", "rise of the gradients' cosine"),
        y=Quantity("gain", "success minus BP's (points)", 100.0),
        low="gain_low", high="gain_high", colour="victim", marker="arm", panel="surrogate", rows="eps",
        references=[level(0)],
    )  # fmt: skip
    return figure, "A point is an arm on a victim: gain over backpropagation with its 95 % interval over images."
