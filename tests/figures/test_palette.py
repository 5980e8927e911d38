"""Colours by meaning: BP and LinBP everywhere the same, names apart for every eye, shades in order."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from numpy.typing import ArrayLike, NDArray

from suite.figures import BP, INK, LINBP, colours, colours_of, dashes, markers, shades

# Machado et al. 2009, severity 1, on linear RGB.
_SIGHTS = {
    "usual": np.eye(3),
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "tritanopia": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}


def lab(colour: str, sight: ArrayLike) -> NDArray[np.float64]:
    """A colour as CIELAB, of which distances are about what one sees: 2 is just noticeable."""
    gamma = np.array(to_rgb(colour))
    linear = np.where(gamma <= 0.04045, gamma / 12.92, ((gamma + 0.055) / 1.055) ** 2.4)
    seen = (np.asarray(sight) @ linear).clip(0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt(to_xyz @ seen / (0.9505, 1, 1.089))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def distance(first: str, second: str, sight: ArrayLike) -> float:
    return float(np.linalg.norm(lab(first, sight) - lab(second, sight)))


@pytest.mark.parametrize("names", [
    ["bp"], ["bp", "linbp"], ["linbp", "bp"], ["guided", "linbp(start=all)", "bp"],
    ["linbp(start=1)", "linbp(start=2)", "bp", "sgm(lam=0.5)"], ["BP", "LinBP"], ["clean", "linbp weights", "bp"],
])  # fmt: skip
def test_bp_is_blue_and_the_first_linbp_vermillion_wherever_they_stand(names: list[str]) -> None:
    found = colours(names)
    assert list(found) == names
    linear = [colour for name, colour in found.items() if name.lower().startswith("linbp")]
    assert all(colour == BP for name, colour in found.items() if name.lower() == "bp")
    assert linear == list(LINBP[: len(linear)])
    assert not {BP, *LINBP} & {colour for name, colour in found.items() if not name.lower().endswith(("bp", ")", "ts"))}


def test_no_other_name_gets_the_colours_of_bp_and_linbp() -> None:
    others = colours([f"rule{index}" for index in range(40)])
    assert not {BP, *LINBP} & {*others.values()}
    assert len({*others.values()}) == 6


def test_a_meaning_keeps_its_colour_in_any_company() -> None:
    alone = colours(["clean"])["clean"]
    assert colours(["x", "y", "adversarial", "clean"])["clean"] == alone
    assert colours(["clean model", "adversarial model"])["clean model"] == alone
    assert colours(["sgm(lam=0.5)"])["sgm(lam=0.5)"] == colours(["bp", "linbp", "sgm"])["sgm"]


def test_names_without_a_meaning_do_not_take_the_colour_of_one_that_is_there() -> None:
    found = colours(["first", "clean", "second", "adversarial", "third"])
    assert len({*found.values()}) == len(found)


def test_every_name_is_coloured_once_however_many_there_are() -> None:
    names = ["bp", *(f"linbp(start={index})" for index in range(30)), *(f"rule{index}" for index in range(30))]
    found = colours(names)
    assert list(found) == names and sum(colour == BP for colour in found.values()) == 1
    assert colours([]) == {}


@pytest.mark.parametrize("sight", _SIGHTS.values(), ids=_SIGHTS)
def test_seven_names_are_apart_for_every_eye(sight: ArrayLike) -> None:
    found = colours(["bp", "linbp", "a", "b", "c", "d", "e"])
    assert min(distance(*pair, sight) for pair in combinations(found.values(), 2)) > 14


@pytest.mark.parametrize("sight", _SIGHTS.values(), ids=_SIGHTS)
def test_shades_of_linbp_are_apart_for_every_eye(sight: ArrayLike) -> None:
    assert min(distance(*pair, sight) for pair in combinations(LINBP, 2)) > 13


def test_shades_go_from_dark_to_light() -> None:
    for count in range(1, 9):
        light = [lab(colour, np.eye(3))[0] for colour in shades(range(count)).values()]
        assert light == sorted(light) and light[-1] < 86  # still seen on white


def test_numbers_are_shades_but_seeds_are_names() -> None:
    assert colours_of("eps", [0.1, 0.2, 0.3]) == shades([0.1, 0.2, 0.3])
    assert colours_of("seed", [0, 1, 2]) == colours([0, 1, 2])
    assert colours_of("gradient", ["bp", "linbp"]) == colours(["bp", "linbp"])
    assert colours_of("joined", [True, False]) == colours([True, False])


def test_the_first_pattern_is_solid_and_the_others_differ() -> None:
    assert dashes("abc") == {"a": "-", "b": "--", "c": ":"}
    assert len({*markers(range(7)).values()}) == 7 and len(dashes(range(50))) == 50
    assert to_rgb(INK)
