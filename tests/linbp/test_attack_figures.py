"""Figures of `linbp.attack`, drawn from rows alone."""

import io
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from modules.linbp.attack_figures import adversarial_images, success_by_step
from suite.figures import gradient_colours


def curves(gradients: list[str], strengths: list[float], steps: list[Any]) -> list[dict[str, Any]]:
    return [
        {
            "gradient": g,
            "eps": eps,
            "step": step,
            "rate": 0.1 * i,
            "low": 0.1 * i - 0.05,
            "high": 0.1 * i + 0.05,
            "n": 9,
        }
        for g in gradients
        for eps in strengths
        for i, step in enumerate(steps)
    ]


def written(figure: Figure) -> bytes:
    """Drawing is where matplotlib notices what it cannot draw."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg")
    return buffer.getvalue()


def visible(figure: Figure) -> list[Any]:
    return [axis for axis in figure.axes if axis.get_visible()]


@pytest.mark.parametrize("strengths", [[0.1], [0.1, 0.05], [0.01 * k for k in range(1, 6)]])
def test_a_panel_per_strength_and_a_line_per_rule(strengths: list[float]) -> None:
    gradients = ["bp", "linbp", "linbp(start=all)"]
    figure = success_by_step(curves(gradients, strengths, [0, 1, 2]))
    panels = visible(figure)
    assert [axis.get_title() for axis in panels] == [f"eps = {eps:g}" for eps in sorted(strengths)]
    for axis in panels:
        assert [line.get_label() for line in axis.lines] == gradients
        assert [line.get_color() for line in axis.lines] == list(gradient_colours(gradients).values())
        assert len(axis.collections) == 3  # the bands
        assert axis.get_xlabel() == "step"
        np.testing.assert_allclose(axis.lines[0].get_xydata(), [[0, 0], [1, 10], [2, 20]])
    assert "%" in panels[0].get_ylabel()
    (legend,) = figure.legends  # beside the panels where more than two rules would cover the lines
    assert [text.get_text() for text in legend.get_texts()] == gradients
    assert written(figure)


def test_one_reading_is_seen() -> None:
    """Foolbox with one number of steps gives one point a rule: a line without markers would draw nothing."""
    figure = success_by_step(curves(["bp", "linbp"], [0.1], [10]))
    assert written(figure)
    assert all(line.get_marker() not in ("None", None, "") for line in visible(figure)[0].lines)


def test_an_attack_without_steps_can_be_drawn() -> None:
    """Its rows have no step (None), as those of FGSM or a noise attack."""
    figure = success_by_step(curves(["bp", "linbp"], [0.1, 0.2], [None]))
    assert written(figure) and len(visible(figure)) == 2


def pictures(shape: tuple[int, int, int], ids: list[int], gradients: list[str]) -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    rows = []
    for gradient in gradients:
        for identity in ids:
            clean = np.full(shape, 0.5)
            adversarial = clean + 0.1 * np.sign(rng.normal(size=shape))
            rows.append({
                "id": identity, "label": 3, "gradient": gradient, "eps": 0.1, "prediction": 3 if identity else 8,
                "shape": "x".join(map(str, shape)), "clean": clean.ravel().tolist(),
                "adversarial": adversarial.ravel().tolist(),
            })  # fmt: skip
    return rows


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 6, 5)])
@pytest.mark.parametrize("gradients", [["bp"], ["bp", "linbp"]])
def test_a_row_per_sample_and_two_pictures_per_rule(shape: tuple[int, int, int], gradients: list[str]) -> None:
    rows = pictures(shape, [0, 5, 7], gradients)
    figure = adversarial_images(rows)
    assert len(figure.axes) == 3 * (1 + 2 * len(gradients))
    assert all(len(axis.images) == 1 for axis in figure.axes)
    assert figure.axes[0].get_title() == "label 3"
    assert figure.axes[2].get_title() == "8: fooled"
    assert figure.axes[2 + 1 + 2 * len(gradients)].get_title() == "3: not fooled"
    image = np.asarray(figure.axes[2].images[0].get_array())
    expected = np.reshape(rows[0]["adversarial"], shape).transpose(1, 2, 0).squeeze()
    np.testing.assert_allclose(image, expected)
    assert written(figure)


def test_a_perturbation_has_full_contrast_around_grey() -> None:
    change = np.asarray(adversarial_images(pictures((1, 4, 4), [0], ["bp"])).axes[1].images[0].get_array())
    np.testing.assert_allclose(np.unique(change.round(6)), [0, 1])


def test_no_perturbation_is_plain_grey() -> None:
    rows = pictures((1, 4, 4), [0], ["bp"])
    rows[0]["adversarial"] = rows[0]["clean"]
    figure = adversarial_images(rows)
    np.testing.assert_allclose(np.asarray(figure.axes[1].images[0].get_array()), 0.5)
    assert written(figure)
