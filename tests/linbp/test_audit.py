"""Signs that an attack's numbers mean less than they seem to, on rows made by hand."""

from typing import Any

import polars as pl
import pytest

from modules.linbp import audit
from modules.linbp.audit import Flag

STEPS = (0, 1, 2, 3, 4)


def rows(fooled_from: dict[float, list[int | None]], gradient: str = "bp") -> pl.DataFrame:
    """A row per eps and image: fooled from this step on; None for never."""
    return pl.DataFrame(
        [
            {"id": i, "gradient": gradient, "eps": eps, "fooled": [first is not None and k >= first for k in STEPS]}
            for eps, images in fooled_from.items()
            for i, first in enumerate(images)
        ]
    )


def names(flags: Any) -> list[tuple[str, float | None]]:
    return [(flag.flag, flag.eps) for flag in flags]


def test_an_honest_attack_raises_no_flag() -> None:
    samples = rows({0.1: [1] * 10 + [None] * 30, 0.2: [1] * 25 + [None] * 15})
    assert names(audit.weaker_with_more(samples, STEPS)) == [] == names(audit.still_rising(samples, STEPS))


def test_a_larger_ball_that_fools_fewer_is_flagged_once_it_cannot_be_chance() -> None:
    def larger_ball(lost: int) -> list[tuple[str, float | None]]:
        return names(audit.weaker_with_more(rows({0.2: [1] * (20 - lost) + [None] * lost, 0.1: [1] * 20}), STEPS))

    assert larger_ball(12) == [("weaker than in a smaller ball", 0.2)]
    assert larger_ball(3) == []


def test_one_step_that_beats_many_is_flagged() -> None:
    samples = pl.DataFrame(
        [{"id": i, "gradient": "bp", "eps": 0.1, "fooled": [False, i < 15, False, False, False]} for i in range(30)]
    )
    (flag,) = audit.weaker_with_more(samples, STEPS)
    assert (flag.flag, flag.gradient, flag.eps) == ("one step beats many", "bp", 0.1)
    assert "15 images are fooled before and not after" in flag.evidence
    assert names(audit.weaker_with_more(samples, (None,))) == []


def test_images_that_fool_strangers_more_than_their_own_model_are_flagged() -> None:
    def shown(at_home: int, abroad: int) -> pl.DataFrame:
        return pl.DataFrame(
            {
                "id": i,
                "method": "ifgsm",
                "eps": 0.1,
                "surrogate": "a",
                "gradient": "bp",
                "victim": victim,
                "fooled": i < n,
            }
            for victim, n in (("a", at_home), ("b", abroad), ("c", 3))
            for i in range(40)
        )

    (flag,) = audit.transfer_beats_white_box(shown(10, 30))
    assert (flag.flag, flag.gradient, flag.eps) == ("transfer beats the white box", "bp", 0.1)
    assert "fools b alone on 20 of 40 images and a alone on 0 (p = 3.8e-06)" in flag.evidence  # 2 x 2^-20, of two tests
    assert [*audit.transfer_beats_white_box(shown(10, 13))] == []
    assert [*audit.transfer_beats_white_box(shown(40, 30))] == []


def test_an_attack_that_goes_on_fooling_in_its_last_quarter_is_not_done() -> None:
    assert names(audit.still_rising(rows({0.1: [4] * 5 + [1] * 95}), STEPS)) == [("not converged", 0.1)]
    assert names(audit.still_rising(rows({0.1: [4] * 2 + [1] * 98}), STEPS)) == []  # 2 % are left to it
    assert names(audit.still_rising(rows({0.1: [4] * 5}), (0, 1, 2))) == []  # too few steps for quarters


@pytest.mark.parametrize(
    ("probe", "flags"),
    [
        ({"probabilities": False, "stochastic": 0.0}, []),
        ({"probabilities": True, "stochastic": 0.5}, ["probabilities", "stochastic"]),
    ],
)
def test_odd_outputs(probe: dict[str, Any], flags: list[str]) -> None:
    assert [flag.flag for flag in audit.outputs(probe)] == flags


def test_an_attack_without_a_bound_that_fails() -> None:
    probes = {
        "bp": {"fooled": 32, "not_risen": 0, "images": 32},
        "linbp": {"fooled": 30, "not_risen": 1, "images": 32},
    }
    (flag,) = audit.unbounded(probes)
    assert flag.gradient == "linbp" and "fools 30 of 32 images only, and the loss of 1 does not rise" in flag.evidence


def test_flags_stand_beside_the_rows_that_they_concern() -> None:
    flags = audit.table([
        Flag("everywhere", "", None, "e", "r"), Flag("one rule", "linbp", None, "e", "r"),
        Flag("one eps", "bp", 0.2, "e", "r"), Flag("one eps", "bp", 0.2, "again", "r"),
    ])  # fmt: skip
    cells = pl.DataFrame({"gradient": ["bp", "bp", "linbp"], "eps": [0.1, 0.2, 0.1], "value": [0.1, 0.2, 0.3]})
    assert audit.beside(cells, flags)["audit"].to_list() == [
        "everywhere",
        "everywhere, one eps",
        "everywhere, one rule",
    ]
    assert audit.beside(cells, audit.table([]))["audit"].to_list() == [""] * 3
    assert [*audit.lines(flags)][2] == "one eps (bp, eps 0.2): e; r"
