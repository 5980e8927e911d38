"""Figures of `linbp.attack`, drawn from tables alone."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure

from modules.linbp.attack.figures import adversarial_images, success_by_step
from suite.figures import BP, LINBP, render

FACTS = {"attacked": 9}


def curves(gradients: list[str], strengths: list[float], steps: list[Any]) -> pl.DataFrame:
    rows = [
        {"gradient": g, "eps": eps, "step": step, "value": i / 10, "low": i / 10 - 0.05, "high": i / 10 + 0.05, "n": 9}
        for g in gradients
        for eps in strengths
        for i, step in enumerate(steps)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema_overrides={"step": pl.Int64})


def drawn(figure_and_caption: tuple[Figure, str] | None) -> Figure:
    """Rendering is where matplotlib notices what it cannot draw."""
    assert figure_and_caption is not None
    assert all(render(figure_and_caption[0]).values())
    return figure_and_caption[0]


@pytest.mark.parametrize("strengths", [[0.1], [0.1, 0.05], [0.01 * k for k in range(1, 6)]])
def test_a_panel_per_strength_and_a_line_per_rule(strengths: list[float]) -> None:
    gradients = ["bp", "linbp", "linbp(start=all)"]
    figure = drawn(success_by_step(curves(gradients, strengths, [0, 1, 2]), FACTS))
    assert [axis.get_title() for axis in figure.axes] == [f"eps = {eps:g}" for eps in sorted(strengths)]
    for axis in figure.axes:
        assert [line.get_label() for line in axis.lines] == gradients
        assert [line.get_color() for line in axis.lines] == [BP, *LINBP[:2]]
        assert len(axis.collections) == 3  # the bands
        np.testing.assert_allclose(axis.lines[0].get_xydata(), [[0, 0], [1, 10], [2, 20]])
    assert figure.axes[-1].get_xlabel() == "step" and "%" in figure.axes[0].get_ylabel()
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == gradients


def test_one_reading_is_seen() -> None:
    """Foolbox with one number of steps gives one point a rule: a line without markers would draw nothing."""
    figure = drawn(success_by_step(curves(["bp", "linbp"], [0.1], [10]), FACTS))
    assert all(line.get_marker() not in ("None", None, "") for line in figure.axes[0].lines)


def test_an_attack_without_steps_can_be_drawn() -> None:
    """Its rows have no step (None), as those of FGSM or a noise attack."""
    made = success_by_step(curves(["bp", "linbp"], [0.1, 0.2], [None]), FACTS)
    assert len(drawn(made).axes) == 2
    assert made[1].startswith("Success rate of the whole attack, n = 9")
    assert success_by_step(curves(["bp"], [0.1], [0, 1]), FACTS)[1].startswith("Success rate against step, n = 9")


def pictures(shape: tuple[int, int, int], ids: list[int], gradients: list[str]) -> pl.DataFrame:
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
    return pl.DataFrame(rows)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 6, 5)])
@pytest.mark.parametrize("gradients", [["bp"], ["bp", "linbp"]])
def test_a_row_per_sample_and_two_pictures_per_rule(shape: tuple[int, int, int], gradients: list[str]) -> None:
    table = pictures(shape, [0, 5, 7], gradients)
    figure = drawn(adversarial_images(None, table))
    (axes,), columns = figure.axes, 1 + 2 * len(gradients)
    assert len(axes.images) == 3 * columns
    words = [text.get_text() for text in axes.texts[columns:]]  # behind the headings
    assert (words[0], words[2], words[2 + columns]) == ("3", "8", "3 (not fooled)")
    image = np.asarray(axes.images[2].get_array())
    expected = np.reshape(table["adversarial"][0], shape).transpose(1, 2, 0).squeeze()
    np.testing.assert_allclose(image, expected)
    named = drawn(adversarial_images([f"class {k}" for k in range(10)], table))
    assert [named.axes[0].texts[columns + place].get_text() for place in (0, 2)] == ["class 3", "class 8"]


def test_a_perturbation_has_full_contrast_around_grey() -> None:
    figure = drawn(adversarial_images(None, pictures((1, 4, 4), [0], ["bp"])))
    np.testing.assert_allclose(np.unique(np.asarray(figure.axes[0].images[1].get_array()).round(6)), [0, 1])


def test_no_perturbation_is_plain_grey() -> None:
    table = pictures((1, 4, 4), [0], ["bp"]).with_columns(adversarial="clean")
    np.testing.assert_allclose(np.asarray(drawn(adversarial_images(None, table)).axes[0].images[1].get_array()), 0.5)


def test_without_examples_there_are_no_images() -> None:
    assert adversarial_images(None) is None
