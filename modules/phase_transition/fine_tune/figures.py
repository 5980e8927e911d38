"""Figures of `phase_transition.fine_tune`: losses with the curves through them, and eps_star by method."""

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from modules.phase_transition.crossings import RUNNING, counts
from modules.phase_transition.fine_tune.claims import CLOSE
from modules.phase_transition.fine_tune.config import FineTuneConfig
from modules.phase_transition.fine_tune.extrapolation import METHODS, curve
from suite.figures import curve as drawn
from suite.figures import level, points, quantity, upright
from suite.statistics import mean

_, _LOSS, _THRESHOLD = RUNNING
_SCRATCH = "from scratch"
_WIDER = 1.25  # the curves are drawn a quarter beyond the last point


def losses(trainings: pl.DataFrame, config: FineTuneConfig) -> tuple[Figure, str] | None:
    """Running training loss against eps, a panel per inner attack and gradient rule: points, curves and threshold."""
    rows = trainings.filter(counts(_LOSS))
    clean, tuned = rows.filter(how="clean"), rows.filter(how="fine-tuned")
    if clean.is_empty() or tuned.is_empty():
        return None
    panels = tuned.select(_kind()).unique(maintain_order=True)
    beside = rows.filter(pl.col("how") != "fine-tuned").drop("attack").join(panels, how="cross")
    every = pl.concat(
        frame.select("kind", "eps", pl.col(_LOSS).alias("loss"), by=pl.lit(by))
        for frame, by in ((beside, _SCRATCH), (tuned.with_columns(_kind()), "fine-tuned"))
    )
    means = every.group_by("kind", "by", "eps", maintain_order=True).agg(mean("loss")).unnest("estimate")
    fits = _curves(means, float(clean[_LOSS].mean()))  # type: ignore[arg-type]
    threshold = clean.select(mean(_THRESHOLD)).unnest("estimate")
    figure = points(
        means,
        x=quantity("eps", f"eps ({config.norm})"),
        y=quantity("value", "adversarial training loss (nats)", limits=(0, None)),
        colour="by",
        panel="kind",
        references=[
            level(threshold, "clean test loss"),
            *(drawn(fits.filter(method=method), method) for method in METHODS),
        ],
    )
    return figure, f"Adversarial training loss against eps; curves through the means, and beyond: {_about(config)}."


def eps_star(eps_star: pl.DataFrame, config: FineTuneConfig) -> tuple[Figure, str] | None:
    """eps_star by each method, rule and attack over seeds, beside the value from scratch and a quarter around it."""
    rows = eps_star.filter(measure=RUNNING[0])
    if rows.is_empty():
        return None
    first = rows.head(1).with_columns(low=(1 - CLOSE) * pl.col("scratch"), high=(1 + CLOSE) * pl.col("scratch"))
    own = first.drop_nulls("scratch").select(
        pl.lit(_SCRATCH).alias("method"), "gradient", "attack",
        eps_star="scratch", low="scratch_low", high="scratch_high",
    )  # fmt: skip
    tuned = rows.rename({"eps_star_low": "low", "eps_star_high": "high"}).select(own.columns)
    figure = points(
        pl.concat([own, tuned]),
        x=quantity("eps_star", f"eps_star ({config.norm})", limits=(0, None)),
        y=quantity("method", ""),
        colour="gradient",
        marker="attack" if config.tune_attack else None,
        references=[upright(first.select("low", "high", eps_star="scratch"), _SCRATCH)],
    )
    return figure, (
        "eps_star by method, where every seed has one; the band is within 25 % of the value from scratch: "
        f"{_about(config)}."
    )


def _kind() -> pl.Expr:
    """The name of a panel."""
    return pl.format("{}, {}", "gradient", "attack").alias("kind")


def _curves(means: pl.DataFrame, clean_loss: float) -> pl.DataFrame:
    """Each method's curve through the fine-tuned means, from 0 to a quarter beyond the last of them."""
    parts = []
    for (kind,), tuned in means.filter(by="fine-tuned").sort("eps").group_by("kind", maintain_order=True):
        strengths = tuned["eps"].to_list()
        at = np.linspace(0, _WIDER * strengths[-1], 100)
        for method in METHODS:
            fitted = curve(method, clean_loss, strengths, tuned["value"].to_list())(at)
            parts.append(
                pl.DataFrame({"eps": at, "value": fitted}).with_columns(kind=pl.lit(kind), method=pl.lit(method))
            )
    return pl.concat(parts)


def _about(config: FineTuneConfig) -> str:
    seeds = f"{config.seeds} seed{'s' * (config.seeds > 1)}"
    setting = f"{config.model} on {config.dataset}, {config.loss}, {config.norm} {config.attack}, {seeds}"
    return f"{setting}; bars are 95 % intervals (Student) over seeds"
