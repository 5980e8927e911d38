"""Figures of `linbp.transfer`, drawn from tables alone."""

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from modules.linbp.transfer.config import TransferConfig
from modules.linbp.transfer.figures import by_eps, matrix
from suite.figures import colours, render

RULES = ["bp", "linbp(start=layer3)", "sgm(lam=0.5)"]
CONFIG, FACTS = TransferConfig(), {"attacked": 9}


def cells(surrogates: list[str], strengths: list[float], gradients: list[str], methods: list[str]) -> pl.DataFrame:
    """Rows of `success` with victims a, b and c; rates count up."""
    victims = ("a", "b", "c")
    places = [
        (m, s, e, g, v) for m in methods for e in strengths for s in surrogates for g in gradients for v in victims
    ]
    return pl.DataFrame([
        {
            "method": method, "eps": eps, "surrogate": surrogate, "gradient": gradient, "victim": victim,
            "white_box": surrogate == victim, "value": place / len(places), "low": 0.0, "high": 1.0, "n": 9,
        }
        for place, (method, surrogate, eps, gradient, victim) in enumerate(places)
    ])  # fmt: skip


def drawn(figure_and_caption: tuple[Figure, str]) -> Figure:
    """Rendering is where matplotlib notices what it cannot draw."""
    assert all(render(figure_and_caption[0]).values())
    return figure_and_caption[0]


@pytest.mark.parametrize("strengths", [[0.1], [2 / 255, 4 / 255, 8 / 255]])
@pytest.mark.parametrize("surrogates", [["a"], ["a", "b"]])
def test_a_panel_per_method_and_strength_with_every_rate_and_interval_in_its_cell(
    surrogates: list[str], strengths: list[float]
) -> None:
    methods = ["ifgsm", "ifgsm+ila"]
    table = cells(surrogates, strengths, RULES, methods)
    figure = drawn(matrix(table, CONFIG, FACTS))
    grid = np.array(figure.axes[:-1]).reshape(len(strengths), len(methods))
    assert [axes.get_title() for axes in grid[0]] == methods
    for (row, column), axes in np.ndenumerate(grid):
        shown = table.filter(method=methods[column], eps=strengths[row])
        values = np.asarray(axes.collections[0].get_array())
        assert values.shape == (len(surrogates) * 3, 3)
        np.testing.assert_allclose(values.ravel(), 100 * shown["value"])
        texts = {text.get_text() for text in axes.texts}
        assert {f"{100 * value:.0f}" for value in shown["value"]} | {"0–100"} <= texts
        frames = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
        assert len(frames) == 3 * len(surrogates)  # one white box a line
    labels = [label.get_text() for label in grid[0, 0].get_yticklabels()]
    assert labels == (RULES if len(surrogates) == 1 else [f"{s}: {rule}" for s in surrogates for rule in RULES])
    assert [label.get_text() for label in grid[-1, 0].get_xticklabels()] == ["a", "b", "c"]
    assert "%" in figure.axes[-1].get_ylabel()


@pytest.mark.parametrize("strengths", [[0.1], [0.1, 0.2, 0.3]])
@pytest.mark.parametrize("rules", [RULES[:2], RULES])
def test_a_panel_per_method_and_pair_and_a_line_per_rule(strengths: list[float], rules: list[str]) -> None:
    methods = ["ifgsm", "mifgsm"]
    table = cells(["a", "b"], strengths, rules, methods)
    figure = drawn(by_eps(table, CONFIG, FACTS))
    grid = np.array(figure.axes).reshape(6, len(methods))
    assert [axes.get_title() for axes in grid[0]] == methods
    beside = [axes.texts[0].get_text() for axes in grid[:, -1]]
    assert beside == ["a (white box)", "a → b", "a → c", "b → a", "b (white box)", "b → c"]
    for axes in grid.flat:
        assert [line.get_label() for line in axes.lines] == rules
        assert [line.get_color() for line in axes.lines] == list(colours(rules).values())
        assert len(axes.collections) == len(rules)
    curve = table.filter(method="ifgsm", surrogate="a", victim="b", gradient="bp").select("eps", 100 * pl.col("value"))
    np.testing.assert_allclose(grid[1, 0].lines[0].get_xydata(), curve.rows())


def test_captions_say_what_success_is() -> None:
    table = cells(["a"], [0.1], RULES, ["fgsm"])
    assert matrix(table, CONFIG, FACTS)[1].startswith("Share of 9 samples that are fooled, with 95 % Wilson intervals")
    aimed = TransferConfig(target_shift=1)
    assert (
        by_eps(table, aimed, FACTS)[1] == "Share of 9 samples that say the target, with 95 % Wilson intervals as bands."
    )
