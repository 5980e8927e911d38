"""Galleries: the pictures are the pixels of the table, and the filters what tells its rows apart."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from suite.host.report.allowance import Allowance
from suite.host.report.gallery import Gallery, gallery, is_gallery
from suite.host.report.tables import Head

CLEAN, OTHER = [0.0, 0.5, 1.0, 0.2], [0.1, 0.4, 1.0, 0.2]


def made(rows: list[dict[str, Any]], left: int = 10**6) -> Gallery:
    base = {
        "id": 0,
        "label": 7,
        "gradient": "bp",
        "prediction": 7,
        "shape": "1x2x2",
        "clean": CLEAN,
        "adversarial": OTHER,
    }
    whole = [base | row for row in rows]
    head = Head({name: [row[name] for row in whole] for name in whole[0]}, len(whole))
    return gallery("examples", head, Path("examples.parquet"), Allowance(500, left))


def pixels(uri: str) -> Any:
    """What a browser decodes."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.removeprefix("data:image/png;base64,"))))).tolist()


def test_which_tables_hold_pixels() -> None:
    assert is_gallery(["id", "shape", "clean", "adversarial"])
    assert not is_gallery(["id", "clean", "adversarial"])


def test_pictures_are_the_pixels() -> None:
    (card,) = made([{"prediction": 3}]).cards
    clean, change, adversarial = (pixels(uri) for _, _, uri in card.pictures)
    assert clean == [[0, 128], [255, 51]]
    assert adversarial == [[26, 102], [255, 51]]
    assert change == [[255, 0], [128, 128]]  # +0.1 is white, -0.1 black, none grey
    assert card.pictures[1][0] == "change, ±0.1"
    assert card.outcome == "true class 7, predicted 3: fooled"
    assert [text for _, text, _ in card.pictures] == [
        "Clean image, sample 0, bp, true class 7",
        "Change at full contrast, sample 0, bp",
        "Adversarial image, sample 0, bp, true class 7, predicted 3: fooled",
    ]


def test_colours_and_no_change() -> None:
    channels = [1.0, 0.0, 0.0] * 4  # 3 x 2 x 2
    (card,) = made([{"shape": "3x2x2", "clean": channels, "adversarial": channels}]).cards
    clean, change, _ = (np.asarray(pixels(uri)) for _, _, uri in card.pictures)
    assert clean.tolist() == (255 * np.reshape(channels, (3, 2, 2)).transpose(1, 2, 0)).tolist()
    assert set(change.flatten()) == {128}


def test_one_sample_under_several_rules_stands_together() -> None:
    found = made([{"id": i, "gradient": rule, "prediction": i} for rule in ("bp", "linbp") for i in (7, 2)])
    assert [card.title for card in found.cards] == [
        "sample 7, bp",
        "sample 7, linbp",
        "sample 2, bp",
        "sample 2, linbp",
    ]
    assert found.filters == {"id": ["7", "2"], "gradient": ["bp", "linbp"], "outcome": ["not fooled", "fooled"]}
    assert found.cards[2].values == ("2", "bp", "fooled")


@pytest.mark.parametrize("first", [None, 0.1])
def test_gaps_are_choices_too(first: float | None) -> None:
    """Wherever the gap stands, the column can be filtered by."""
    second = 0.1 if first is None else None
    found = made([{"id": 7, "eps": first}, {"id": 7, "eps": second}])
    told = ["-", "0.1"] if first is None else ["0.1", "-"]
    assert found.filters == {"eps": told}
    assert [card.values for card in found.cards] == [(value,) for value in told]
    assert {card.title for card in found.cards} == {"sample 7, bp", "sample 7, bp, eps 0.1"}


def test_without_class_or_prediction_there_is_no_outcome() -> None:
    found = made([{"label": None}, {"prediction": None}, {"prediction": 3}])
    assert [card.outcome for card in found.cards] == [
        "predicted 7",
        "true class 7",
        "true class 7, predicted 3: fooled",
    ]
    assert found.filters == {"outcome": ["-", "fooled"]}


@pytest.mark.parametrize(
    "row",
    [{"shape": "2x2"}, {"shape": "2x2x1"}, {"shape": "1x3x3"}, {"shape": "wide"}, {"shape": None}, {"clean": None},
     {"clean": [0.0, None, 1.0, 1.0]}, {"adversarial": [0.0, float("nan"), 1.0, 1.0]}, {"clean": []}],
)  # fmt: skip
def test_rows_that_are_no_pictures_are_counted(row: dict[str, Any]) -> None:
    found = made([row, {}])
    assert (len(found.cards), found.left_out) == (1, 1)


def test_a_page_without_room() -> None:
    assert (made([{}, {}], left=0).cards, made([{}, {}], left=0).left_out) == ((), 2)
