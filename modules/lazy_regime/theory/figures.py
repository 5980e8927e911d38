"""The figures of `lazy_regime.theory`: the proof's condition, and how large the flipping steps are."""

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from modules.lazy_regime.theory.bounds import initial_flip
from modules.lazy_regime.theory.config import TheoryConfig
from suite.figures import curve, lines, points, quantity

_MEDIAN = 0.6745 * np.sqrt(np.pi / 2)  # of |N(0, 1)| over its mean


def condition(changes: pl.DataFrame, config: TheoryConfig) -> tuple[Figure, str]:
    """Largest change of the gradient in the ball against its radius at the largest width: a panel a C0, a line a d."""
    figure = lines(
        _widest(changes),
        x=quantity("ratio", "R in |f| / |grad f|", log=True),
        y=quantity("value", "change of gradient / |grad f|", limits=(0, 1.6)),
        colour="d",
        panel="C0",
        references=[curve(lambda ratio: 1 - 1 / ratio, "the proof's condition")],
    )
    return figure, (
        "Largest change of the gradient found in the ball of radius R = ratio x |f| / |grad f|, over |grad f|, at the "
        f"largest width: {_data(config)}; bands are 95 % intervals over nets. C0 = 0 is initialisation. Below the "
        "dashed line the proof's condition holds and the step must flip the sign."
    )


def sizes(sizes: pl.DataFrame, config: TheoryConfig) -> tuple[Figure, str]:
    """The smallest flipping step against d, for the largest width: a panel a C0 > 0."""
    widest = _widest(sizes)
    trained = widest.filter(pl.col("C0") > 0)
    initial = (
        widest.filter(net="initial").drop("C0").join(trained.select("C0").unique(maintain_order=True), how="cross")
    )
    shown = pl.concat([initial.select(trained.columns), trained]) if len(trained) else widest
    endless = pl.col("value").is_null()  # half of a net's points are never flipped
    measured = shown.filter(pl.col("net") != "worst, linear").with_columns(
        low=pl.when(endless).then(1.0).otherwise("low")
    )
    linear = shown.filter(net="worst, linear").select("C0", "d", "value")
    theory = (
        shown.select("d")
        .unique()
        .sort("d")
        .with_columns(value=pl.col("d").map_elements(lambda d: _MEDIAN * initial_flip(d), return_dtype=pl.Float64))
    )
    figure = points(
        measured,
        x=quantity("d", log=True),
        y=quantity("value", "smallest flipping |delta|, |x| = 1", log=True),
        colour="net",
        join=True,
        panel="C0",
        references=[curve(theory, "initial, theory"), curve(linear, "worst, linear")],
    )
    return figure, (
        "Smallest flipping step at initialisation, after training and for the worst net found in the lazy ball, at the "
        f"largest width: {_data(config)}; medians, bars are 95 % intervals over nets. Worst, linear: were no rectifier "
        "to change. Triangles: half of the points of some net are never flipped."
    )


def _widest(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.filter(pl.col("m") == pl.col("m").max()).rename({"c0": "C0"})


def _data(config: TheoryConfig) -> str:
    return f"{config.dataset} {' / '.join(config.classes)}, {config.points} points x {config.networks} nets a setting"
