"""Fig. 1 from a made-up table."""

import numpy as np
import polars as pl
import pytest

from modules.linbp.theory_attack.config import TheoryAttackConfig
from modules.linbp.theory_attack.figures import TITLES, condition_by_step, distance_by_step
from suite.figures import BP


@pytest.mark.parametrize("modes", [["raw"], ["raw", "l2", "sign"]])
def test_fig_1_has_a_panel_per_mode_and_the_expected_dynamics_below(modes: list[str]) -> None:
    rows = [
        (mode, dynamics, gradient, step, 10.0 - step, 8.0, 12.0, -float(step), -step - 0.5, -step + 0.5, 4)
        for mode in modes
        for dynamics in ("simulated", "expected")
        for gradient in ("bp", "linbp")
        for step in range(3)
    ]
    names = ["mode", "dynamics", "gradient", "step", "value", "low", "high", "change", "change_low", "change_high", "n"]
    figure, caption = distance_by_step(pl.DataFrame(rows, schema=names, orient="row"), TheoryAttackConfig())
    above, below = figure.axes[: len(modes)], figure.axes[len(modes) :]
    assert [axes.get_title() for axes in above] == [TITLES[mode] for mode in modes]
    drawn = [[line.get_linestyle() for line in axes.lines if len(line.get_xdata())] for axes in (above[0], below[0])]
    assert drawn == [["-", "-"], ["-", "--", "-", "--"]]
    np.testing.assert_allclose(below[0].lines[0].get_xydata(), [[0, 10], [1, 9], [2, 8]])
    (band, *_) = above[0].collections  # of the change: half a unit around the mean
    np.testing.assert_allclose(band.get_paths()[0].get_extents().intervaly, [7.5, 10.5])
    assert above[0].lines[0].get_color() == BP and "1000 runs, protocol paper" in caption


def test_without_raw_updates_there_is_no_condition_to_draw() -> None:
    assert condition_by_step(TheoryAttackConfig(modes=("sign",))) is None
