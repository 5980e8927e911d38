"""Images: what is shown where, perturbations at full contrast, names of classes."""

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure

from suite.errors import SuiteError
from suite.figures import Picture, adversarial_examples, image_grid, perturbation, render


def examples(channels: int = 3, ids: int = 2) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    shape = (channels, 4, 5)
    rows = []
    for identity in range(ids):
        clean = rng.uniform(0.2, 0.8, shape)
        for gradient in ("bp", "linbp(start=layer3)"):
            adversarial = clean + 0.1 * np.sign(rng.normal(size=shape))
            rows.append({
                "id": identity, "label": identity, "gradient": gradient, "prediction": int(gradient == "bp"),
                "clean": clean.ravel().tolist(), "adversarial": adversarial.ravel().tolist(),
                "shape": "x".join(map(str, shape)),
            })  # fmt: skip
    return pl.DataFrame(rows)


def shown(figure: Figure) -> list[np.ndarray]:
    return [np.asarray(image.get_array()) for axes in figure.axes for image in axes.images]


def words(figure: Figure) -> list[str]:
    """Headings, then what is below each image, in order."""
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_a_perturbation_is_at_full_contrast_around_grey() -> None:
    clean = np.full((1, 2, 2), 0.3)
    change = np.array([[[0.01, -0.02], [0.0, 0.005]]])
    np.testing.assert_allclose(perturbation(clean, clean + change), [[[0.75, 0], [0.5, 0.625]]], atol=1e-12)
    assert (perturbation(clean, clean) == 0.5).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_a_row_per_sample_clean_change_adversarial(channels: int) -> None:
    frame = examples(channels)
    figure = adversarial_examples(frame)
    images = shown(figure)
    assert len(images) == 2 * 5
    clean = np.array(frame["clean"][0]).reshape(channels, 4, 5).transpose(1, 2, 0).squeeze()
    np.testing.assert_allclose(images[0], clean)
    assert {*np.round(images[1].ravel(), 9)} == {0.0, 1.0}
    assert words(figure)[:5] == ["clean", "change", "bp", "change", "linbp\n(start=layer3)"]
    assert words(figure)[5:10] == ["0", "", "1", "", "0 (not fooled)"]


def test_classes_are_named_where_their_names_are_given() -> None:
    figure = adversarial_examples(examples(), classes=["cat", "dog"])
    assert words(figure)[5:10:2] == ["cat", "dog", "cat (not fooled)"]
    assert words(adversarial_examples(examples(ids=3), classes=["cat"]))[15::5] == ["2"]


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_images_of_all_kinds_are_drawn(channels: int) -> None:
    frame = examples(channels, ids=1)
    (image, *_) = shown(figure := adversarial_examples(frame))
    assert image.shape == (4, 5, *{1: (), 2: (4,), 3: (3,), 4: (4,)}[channels])
    if channels == 2:  # grey with alpha
        grey, alpha = np.array(frame["clean"][0]).reshape(2, 4, 5)
        np.testing.assert_allclose(np.moveaxis(image, 2, 0), [grey, grey, grey, alpha])
    assert render(figure)


def test_class_names_are_no_formulas_and_have_room() -> None:
    figure = adversarial_examples(examples(ids=1), classes=[r"$\frac$", "a" * 100])
    assert words(figure)[5:8:2] == [r"$\frac$", f"{'a' * 23}…"]
    assert render(figure) and render(adversarial_examples(examples(ids=1), classes=["猫", "犬"]))


def test_images_may_be_nested_and_a_missing_one_leaves_its_place_empty() -> None:
    nested = examples().with_columns(
        pl.Series(name, np.array(examples()[name].to_list()).reshape(-1, 3, 4, 5)) for name in ("clean", "adversarial")
    )
    for first, second in zip(shown(adversarial_examples(nested.drop("shape"))), shown(adversarial_examples(examples())),
                             strict=True):  # fmt: skip
        np.testing.assert_array_equal(first, second)
    assert len(shown(adversarial_examples(examples().head(3)))) == 8


def test_a_grid_of_any_images() -> None:
    picture = Picture(np.array([[0.0, 2.0], [np.nan, 1.0]]), "words")
    figure = image_grid([[picture, None]], ["one", "two"], title="title")
    (image,) = shown(figure)
    np.testing.assert_array_equal(image, [[0, 1], [0.5, 1]])
    assert figure.get_suptitle() == "title" and render(figure)
    with pytest.raises(SuiteError, match="length"):
        image_grid([[picture], [picture, picture]])
    with pytest.raises(SuiteError, match="length"):
        image_grid([[picture]], ["one", "two"])


def test_images_keep_their_shape_and_do_not_meet() -> None:
    """In inches: every place is square, images of another shape are centred in it, words are below theirs."""
    wide, high = Picture(np.zeros((2, 4)), "wide"), Picture(np.zeros((3, 4, 2)), "high")
    figure = image_grid([[wide, high], [high, wide]], title="title")
    (axes,) = figure.axes
    places = [image.get_extent() for image in axes.images]
    sides = [(right - left, bottom - top) for left, right, bottom, top in places]
    np.testing.assert_allclose([width / height for width, height in sides], [2, 0.5, 0.5, 2])
    assert axes.get_xlim() == (0, figure.get_figwidth()) and axes.get_ylim() == (figure.get_figheight(), 0)
    for (left, right, bottom, _), text in zip(places, axes.texts, strict=True):
        assert text.get_position()[0] == pytest.approx((left + right) / 2) and text.get_position()[1] >= bottom
    assert places[0][1] < places[1][0] and places[1][2] < places[3][3]


def test_no_samples_are_said() -> None:
    for figure in (adversarial_examples(examples().clear()), image_grid([])):
        assert [text.get_text() for text in figure.axes[0].texts] == ["no data"]
