"""Lines that a white-box attack warns with, and attacks on which nothing is said."""

import polars as pl
import pytest

from modules.linbp import cautions
from modules.linbp.attack import study
from modules.linbp.attack.config import AttackConfig
from modules.linbp.attack.results import audit, notes


def test_the_papers_five_steps_do_not_reach_its_balls() -> None:
    (line,) = cautions.out_of_reach([0.1, 0.05], [1, 5], 2 / 255)
    assert line == (
        "5 steps of 2/255 cannot reach the border of the ball: eps 0.05, 0.1 does not bind (--step-size 0.05 would)"
    )
    assert [*cautions.out_of_reach([0.03], [5], 2 / 255)] == []  # 10/255 is more


def test_steps_that_just_reach_the_border_are_enough_whatever_the_rounding() -> None:
    assert [*cautions.out_of_reach([0.3, 8 / 255], [3], 0.1)] == []
    assert [*cautions.out_of_reach([8 / 255], [4], 2 / 255)] == []


def test_grey_levels_typed_as_pixels() -> None:
    assert [*cautions.more_than_a_pixel([0.5, 8.0])] == [
        "eps 8 is more than the range of a pixel, which is 1: 8 means 8, not 8/255"
    ]
    assert [*cautions.more_than_a_pixel([1.0])] == []


def test_linbp_from_nowhere_is_bp() -> None:
    said = [*cautions.nothing_linear(["bp", "linbp", "linbp(start=none)", "linbp(start=none)+sgm(lam=0.5)"])]
    assert said == ["linbp(start=none) makes no rectifier linear: there it is bp"]


def test_images_without_a_gradient_are_told_by_rule_and_kind() -> None:
    health = {"bp": {"zero": 0.25, "not_finite": 0.0}, "linbp": {"zero": 0.0, "not_finite": 1.0}}
    zero, broken = cautions.useless_gradients(health)
    assert zero.startswith("under bp the gradient is exactly zero on 25% of the images")
    assert broken.startswith("under linbp the gradient is not finite on 100% of the images")


@pytest.mark.parametrize(("preset", "lines"), [("quick", 0), ("paper", 1), ("code", 1)])
def test_the_default_says_nothing_and_the_papers_settings_that_eps_does_not_bind(preset: str, lines: int) -> None:
    config = AttackConfig.model_validate(study.presets[preset])
    none = pl.DataFrame(
        schema={"id": pl.Int64, "gradient": pl.String, "eps": pl.Float64, "fooled": pl.List(pl.Boolean)}
    )
    flags = audit(none, config, {"steps": range(max(config.steps) + 1), "readings": config.steps})
    assert len([*notes(flags, config)]) == len(flags) == lines
