"""Figures of `phase_transition.linear`: paths, p-values, and how critical strengths grow with d/n."""

from statistics import NormalDist

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from modules.phase_transition import theory
from modules.phase_transition.linear.config import LinearConfig
from suite.figures import curve, lines, mark, percent, points, quantity, upright

STRENGTH = "eps / sqrt(d/n)"
_SIZE_OF, _EXISTS = "eps_star", "exists"
_SHOWN = 0.2  # d/n up to which the derivation's next term stays small
_ENDS = ("value", "low", "high")
_MANY = 10**6  # samples: the limit at a given d/n


def paths(by_step: pl.DataFrame, config: LinearConfig) -> tuple[Figure, str]:
    """A panel per size: distance against step, a line per strength."""
    distance = quantity("value", "|theta(eps) - theta(0)| / |theta(0)|")
    drawn = by_step.with_columns(_size(), pl.col("eps_over_order").alias(STRENGTH))
    figure = lines(drawn, x="step", y=distance, colour=STRENGTH, panel="size")
    return figure, (
        "Relative distance of the adversarial from the clean path by step of gradient descent (Fig. 2 left), mean over "
        f"{config.repeats} data sets with 95 % intervals; {_of(config)}."
    )


def p_values(p_values: pl.DataFrame, eps_star: pl.DataFrame, config: LinearConfig) -> tuple[Figure, str]:
    """Two panels: p-value of parameters and of losses against eps, a line per size."""
    attacked = p_values.filter(pl.col("eps") > 0).with_columns(_size(), by=pl.col("law"))
    by_rank = attacked.select("size", "of", "eps_over_order", value="rank_p", by=pl.lit("rank"))
    drawn = pl.concat([attacked, by_rank.filter(attacked["by"] != "rank")], how="diagonal_relaxed")
    stars = eps_star.select(_size(), "d", "samples", eps_over_order="eps_star_over_order", value=pl.lit(0.0))
    stars = stars.join(attacked.select("d", "samples").unique(), on=["d", "samples"], how="semi")
    strength, p = quantity("eps_over_order", STRENGTH, log=True), quantity("value", "mean p-value", limits=(0, 0.65))
    references = [upright(1), mark(stars, "eps_star by its definition", marker="^")]
    figure = lines(drawn, x=strength, y=p, colour="size", dash="by", panel="of", references=references)
    return figure, (
        f"Mean p-value of {config.repeats} trained models (parameters, and adversarial training loss) among "
        f"{config.null} clean trainings, with 95 % intervals (Fig. 2 right, Fig. 3), by Hotelling's F and by rank; "
        f"{_of(config)}."
    )


def growth(eps_star: pl.DataFrame, growth: pl.DataFrame, config: LinearConfig) -> tuple[Figure, str]:
    """Both critical strengths against d/n on logarithmic axes."""
    by = pl.concat(
        eps_star.select("d_over_n", value=name, low=f"{name}_low", high=f"{name}_high", by=pl.lit(words))
        for name, words in (("eps_star", "losses"), ("parted", "parameters"))
    )
    references = [
        curve(lambda r: np.where(r < 0.6, _first_order(r, config), np.nan), "E Delta / slope of the loss (d < n)"),
        curve(lambda r: np.where((r < 0.6) | (r > 2), r**0.5 / theory.ABSOLUTE, np.nan), "sqrt(pi/2) sqrt(d/n)"),
        curve(lambda r: r**0.5, "sqrt(d/n)"),
    ]
    ratio, strength = quantity("d_over_n", "d / n", log=True), quantity("value", "critical attack strength", log=True)
    figure = points(by, x=ratio, y=strength, colour="by", references=references)
    fitted = growth.filter(pl.col("quantity").str.starts_with("eps_star"), pl.col("leading").is_not_null())
    powers = [f"{row['quantity']} {row['leading']:.2f} for {row['range']}" for row in fitted.iter_rows(named=True)]
    return figure, (
        "eps_star against d/n: by its definition (losses, in expectation) and where the parameters part by one "
        f"standard deviation (Theorem 1), 95 % bootstrap intervals over {config.growth_repeats} data sets; lines: "
        f"derived for small and large d/n; leading powers: {', '.join(powers) or 'none'}; {_of(config)}."
    )


def regimes(per_data_set: pl.DataFrame, config: LinearConfig) -> tuple[Figure, str]:
    """Two panels against E Delta over its deviation: eps_star, of data sets and of expected losses; how often it is."""
    below = per_data_set.filter(pl.col("d_over_n") <= _SHOWN).with_columns(
        panel=pl.lit(_SIZE_OF),
        of=pl.lit("data sets, median"),
        **{name: pl.col(name) / pl.col("deviation") for name in _ENDS},
    )
    expected = below.select(
        "border", "panel", of=pl.lit("expected losses"), value=pl.col("eps_star") / pl.col("deviation")
    )
    exists = {end: f"exists{name}" for end, name in zip(_ENDS, ("", "_low", "_high"), strict=True)}
    shares = below.select("border", "of", panel=pl.lit(_EXISTS), **{end: pl.col(name) for end, name in exists.items()})
    drawn = pl.concat([below.select("border", "panel", "of", *_ENDS), expected, shares], how="diagonal")
    border = quantity("border", "E Delta / its deviation, ~ d sqrt(2/n)", log=True)
    in_deviations = quantity("value", "eps_star / its deviation", log=True)
    law = np.vectorize(theory.median_where_positive)
    references = [
        curve(law, "derived: median of a normal law where > 0", only=_SIZE_OF),
        curve(np.vectorize(NormalDist().cdf), "derived: a normal law", only=_EXISTS),
        upright(1),
    ]
    ys = {_SIZE_OF: in_deviations, _EXISTS: percent("value", "eps_star exists")}
    figure = points(drawn, x=border, y=ys, colour="of", panel="panel", references=references)
    return figure, (
        "eps_star of each data set, to the letter of its definition, and of expected losses (left), and how often the "
        f"former exists (right), over {config.own_repeats} data sets a size with 95 % intervals; all sizes d/n <= "
        f"{_SHOWN:g} fall onto one curve: left of 1, n^-1/2 whatever d, by the luck of the noise; right of it d/n. "
        f"{_of(config)}."
    )


def _first_order(ratios: np.ndarray, config: LinearConfig) -> np.ndarray:
    """eps_star of many samples where it is small; NaN for d >= n."""
    dimensions = np.maximum(1, np.round(np.minimum(ratios, 0.9) * _MANY)).astype(int)
    model = (config.sigma, config.theta0_norm)
    return np.array([theory.eps_star_first_order(_MANY, int(d), *model) for d in dimensions])


def _size() -> pl.Expr:
    return pl.format("d = {}, n = {}", "d", "samples").alias("size")


def _of(config: LinearConfig) -> str:
    return f"noise variance {config.noise_variance:g}, |theta0| = {config.theta0_norm:g}"
