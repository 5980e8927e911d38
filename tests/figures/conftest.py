"""What tests of figures share: a table of curves, and what can be read off a figure."""

from collections.abc import Callable

import polars as pl
import pytest
from matplotlib.figure import Figure

Curves = Callable[..., pl.DataFrame]


@pytest.fixture
def curves() -> Curves:
    """Makes a table of rising rates, in [0, 1], with intervals: a row per rule, eps and step."""

    def make(
        gradients: tuple[str, ...] = ("bp", "linbp"), eps: tuple[float, ...] = (0.1,), steps: int = 20
    ) -> pl.DataFrame:
        rows = [
            {"gradient": gradient, "eps": one, "step": step, "value": (value := (step + place) / (steps + 9) * one * 2)}
            | {"low": value - 0.02, "high": value + 0.02}
            for place, gradient in enumerate(gradients)
            for one in eps
            for step in range(steps)
        ]
        return pl.DataFrame(rows)

    return make


@pytest.fixture
def listed() -> Callable[[Figure], list[str]]:
    """Reads what a figure's legend lists."""

    def read(figure: Figure) -> list[str]:
        return [text.get_text() for legend in figure.legends for text in legend.get_texts()]

    return read
