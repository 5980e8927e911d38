"""The figures of `lazy_regime.single_step`: Fig. 2, 3 and 7, and the rule's direction beside the gradient's."""

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from modules.lazy_regime.single_step.config import SingleStepConfig
from modules.lazy_regime.single_step.published import PLOTTED, POWERS
from suite.figures import colours, curve, legend, level, panels, power, quantity, style
from suite.figures import points as points_with_bars

_LABELS = {"gradient": "|grad f|", "eta": "step eta", "delta_over_norm": "|delta| / |x|", "delta": "|delta|"}
_SHAPES = {"gradient": "sqrt(d)", "eta": "1 / d", "delta_over_norm": "1 / sqrt(d)"}
_D = quantity("d", log=True)


def by_dimension(settings: pl.DataFrame, config: SingleStepConfig) -> tuple[Figure, str]:
    """Fig. 2 and 5: a line a width."""
    c0 = max(config.c0s)
    return _against_d(settings.filter(c0=c0), "m"), (
        "Gradient norm, smallest flipping step eta along the gradient, and size of the perturbation over that of the "
        f"image, against the dimension d of the image; C0 = {c0:g}, one line a width m. Means over correctly "
        f"classified test points; bars: 95 % over {config.networks} nets. Theorem 3.1's powers of d are drawn through "
        "the middle of the first width."
    )


def by_radius(settings: pl.DataFrame, config: SingleStepConfig) -> tuple[Figure, str]:
    """Fig. 3 and 6: a line a C0."""
    m = max(config.widths)
    return _against_d(settings.filter(m=m).rename({"c0": "C0"}), "C0"), (
        f"The same at width m = {m}, one line a size C0 of the lazy ball; bars: 95 % over {config.networks} nets. "
        "Theorem 3.1's powers of d are drawn through the middle of the first C0."
    )


def powers(slopes: pl.DataFrame, generalising: pl.DataFrame, config: SingleStepConfig) -> tuple[Figure, str] | None:
    """The powers of d against C0, beside the printed ones, our closed form's, and whether the nets generalise."""
    if len(config.c0s) < 2:
        return None
    drawn = slopes.filter(pl.col("quantity").is_in(PLOTTED), direction="bp").filter(pl.col("c0") > 0)
    accuracy = generalising.filter(pl.col("c0") > 0).with_columns(quantity=pl.lit("accuracy"))
    names = ["m", "c0", "quantity", "value", "low", "high"]
    closed = (
        drawn.filter(pl.col("turned").is_not_null()).unique(["quantity", "c0"]).sort("c0").with_columns(value="turned")
    )
    figure = points_with_bars(
        pl.concat([drawn.select(names), accuracy.select(names)]),
        x=quantity("c0", "C0", log=True),
        y={name: quantity("value", f"power of d in {_LABELS[name]}") for name in PLOTTED}
        | {"accuracy": quantity("value", "test accuracy")},
        colour="m",
        join=True,
        panel="quantity",
        references=[
            *(level(POWERS[name], "printed", only=name) for name in PLOTTED),
            *(
                curve(closed.filter(quantity=name).select("c0", "value"), "whole ball", only=name)
                for name in PLOTTED
                if len(closed)
            ),
        ],
    )
    return figure, (
        "Powers of d of the gradient's norm, the step and the relative perturbation, and test accuracy over all d, "
        f"against the size C0 of the lazy ball; bars: 95 % over {config.networks} nets. Lines: the printed powers, and "
        "where |x| = 1 without biases those of nets that use their whole ball, |grad f|^2 = d / 2 + C0^2 / 4 (ours)."
    )


def histograms(points: pl.DataFrame, config: SingleStepConfig) -> tuple[Figure, str]:
    """Fig. 7: delta and eta along both directions, and the gradient norm."""
    right = points.filter(pl.col("margin") > 0)
    used = right.filter(pl.col("delta").is_finite())
    inks = colours(points["direction"].unique(maintain_order=True).to_list())
    with style():
        figure, axes = panels(1, 3)
        for axis, name in zip(axes, ("delta", "gradient", "eta"), strict=True):
            # A linear direction is as long at every point: of it there is no histogram.
            drawn = used.filter(direction="bp") if name == "gradient" else used
            edges = np.histogram_bin_edges(drawn[name].to_numpy(), 40)
            for (rule,), sample in drawn.group_by("direction", maintain_order=True):
                axis.hist(sample[name].to_numpy(), edges.tolist(), color=inks[rule], alpha=0.55, label=str(rule))
            axis.set_xlabel(_LABELS[name])
        axes[0].set_ylabel("test points")
        legend(figure)
    return figure, (
        f"Size of the smallest flipping perturbation, gradient norm and step eta over the test points of "
        f"{config.networks} nets; d = {max(config.sizes) ** 2}, m = {max(config.widths)}, C0 = {max(config.c0s):g}. "
        f"Correctly classified points; {len(right) - len(used)} without any flipping step are left out."
    )


def directions(
    settings: pl.DataFrame, config: SingleStepConfig, directions: pl.DataFrame | None = None
) -> tuple[Figure, str] | None:
    """Along a rule's direction against along the gradient, by d and m."""
    if directions is None:
        return None
    c0 = max(config.c0s)
    cosines = settings.filter(pl.col("direction") != "bp", quantity="cosine", c0=c0)
    names = ["d", "m", "quantity", "value", "low", "high"]
    ratios = directions.filter(c0=c0).with_columns(quantity=pl.lit("ratio"))
    figure = points_with_bars(
        pl.concat([ratios.select(names), cosines.select(names)]),
        x=_D,
        y={"ratio": quantity("value", "ratio of |delta|"), "cosine": quantity("value", "cosine to the gradient")},
        colour="m",
        join=True,
        panel="quantity",
        references=[
            level(1, only="ratio"),
            level(2**0.5, "sqrt 2", only="ratio"),
            level(2**-0.5, "1 / sqrt 2", only="cosine"),
        ],
    )
    return figure, (
        f"Left: smallest flipping perturbation along the direction of {config.gradient} over that along the gradient, "
        f"on the same points (geometric mean). Right: cosine between the two. C0 = {c0:g}; bars: 95 % over "
        f"{config.networks} nets. LinBP's direction gives sqrt 2 and 1 / sqrt 2 on a wide net at initialisation."
    )


def _against_d(settings: pl.DataFrame, colour: str) -> Figure:
    return points_with_bars(
        settings.filter(pl.col("quantity").is_in(PLOTTED), direction="bp"),
        x=_D,
        y={name: quantity("value", _LABELS[name], log=True) for name in PLOTTED},
        colour=colour,
        join=True,
        panel="quantity",
        references=[power(POWERS[name], _SHAPES[name], only=name) for name in PLOTTED],
    )
