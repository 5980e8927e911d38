"""Figures of `linbp.attack`: success against step, and what adversarial images look like."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from matplotlib.figure import Figure

from suite.figures import adversarial_examples, lines, percent
from suite.refs import format_number


def success_by_step(by_step: pl.DataFrame, facts: Mapping[str, Any]) -> tuple[Figure, str]:
    """Success against step, a panel per eps, a line per rule."""
    rate = percent("value", "success rate", limits=(-2, 102))
    whole = by_step["step"].has_nulls()  # attacks without steps have one rate each
    figure = lines(
        by_step.with_columns(step=pl.col("step").fill_null(0)), x="step", y=rate, colour="gradient", panel="eps"
    )
    what = "Success rate of the whole attack" if whole else "Success rate against step"
    return figure, f"{what}, n = {facts['attacked']}; bands are 95 % Wilson intervals."


def adversarial_images(
    classes: Sequence[str] | None, examples: pl.DataFrame | None = None
) -> tuple[Figure, str] | None:
    """A few samples: clean, perturbation and adversarial image under each rule."""
    if examples is None:
        return None
    title = f"clean, perturbation, adversarial at eps = {format_number(examples['eps'][0])}"
    figure = adversarial_examples(examples, classes=classes or (), title=title)
    return figure, "Perturbations are shown at full contrast around grey."
