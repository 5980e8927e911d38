"""Figures of `linbp.transfer`, drawn from rows alone."""

import io
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from modules.linbp.transfer_figures import heat_map, success_by_eps
from suite.figures import gradient_colours

RULES = ["bp", "linbp(start=layer3)", "sgm(lam=0.5)"]


def cells(surrogates: list[str], strengths: list[float], gradients: list[str]) -> list[dict[str, Any]]:
    """Rows of `success` with victims a, b and c; rates count up."""
    places = [(s, e, g, v) for e in strengths for s in surrogates for g in gradients for v in ("a", "b", "c")]
    return [
        {
            "method": "ifgsm", "eps": eps, "surrogate": surrogate, "gradient": gradient, "victim": victim,
            "white_box": surrogate == victim, "rate": place / len(places), "low": 0.0, "high": 1.0, "n": 9,
        }
        for place, (surrogate, eps, gradient, victim) in enumerate(places)
    ]  # fmt: skip


def written(figure: Figure) -> bytes:
    """Drawing is where matplotlib notices what it cannot draw."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg")
    return buffer.getvalue()


@pytest.mark.parametrize("strengths", [[0.1], [2 / 255, 4 / 255, 8 / 255]])
@pytest.mark.parametrize("surrogates", [["a"], ["a", "b"]])
def test_a_panel_per_strength_with_every_rate_and_interval_in_its_cell(
    surrogates: list[str], strengths: list[float]
) -> None:
    rows = cells(surrogates, strengths, RULES)
    figure = heat_map(rows)
    panels = figure.axes[: len(strengths)]
    assert [axis.get_title()[:6] for axis in panels] == ["eps = "] * len(strengths)
    for axis, eps in zip(panels, strengths, strict=True):
        mine = [row for row in rows if row["eps"] == eps]
        image = np.asarray(axis.images[0].get_array())
        assert image.shape == (len(surrogates) * 3, 3)
        np.testing.assert_allclose(image.ravel(), [100 * row["rate"] for row in mine])
        texts = [text.get_text() for text in axis.texts]
        assert texts[::2] == [f"{100 * row['rate']:.0f}" for row in mine]
        assert set(texts[1::2]) == {"0–100"}
        frames = [patch for patch in axis.patches if isinstance(patch, Rectangle)]
        assert len(frames) == 3 * len(surrogates)  # one white box a line
    labels = [label.get_text() for label in panels[0].get_yticklabels()]
    assert labels == (RULES if len(surrogates) == 1 else [f"{s}: {rule}" for s in surrogates for rule in RULES])
    assert [label.get_text() for label in panels[-1].get_xticklabels()] == ["a", "b", "c"]
    assert "%" in figure.axes[-1].get_ylabel() and written(figure)


@pytest.mark.parametrize("strengths", [[0.1], [0.1, 0.2, 0.3]])
@pytest.mark.parametrize("rules", [RULES[:2], RULES])
def test_a_panel_per_pair_and_a_line_per_rule(strengths: list[float], rules: list[str]) -> None:
    rows = cells(["a", "b"], strengths, rules)
    figure = success_by_eps(rows)
    assert len(figure.axes) == 6
    assert [axis.get_title() for axis in figure.axes[:2]] == ["a → a (white box)", "a → b"]
    for axis in figure.axes:
        assert [line.get_label() for line in axis.lines] == rules
        assert [line.get_color() for line in axis.lines] == list(gradient_colours(rules).values())
        assert len(axis.collections) == len(rules)
    curve = figure.axes[1].lines[0].get_xydata()
    expected = [[row["eps"], 100 * row["rate"]] for row in rows if (row["surrogate"], row["victim"]) == ("a", "b")]
    np.testing.assert_allclose(curve, expected[:: len(rules)])
    assert written(figure)
