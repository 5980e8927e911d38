"""Figures of the simulated studies draw what their tables hold."""

import numpy as np
import polars as pl

from modules.linbp.simulated_figures import ahead_by_step, condition_by_step


def rows(settings: dict[str, str], shares: list[float | None]) -> pl.DataFrame:
    values = pl.Series("value", shares, pl.Float64)
    frame = pl.DataFrame({"step": range(len(shares)), "value": values, "low": values - 0.1, "high": values + 0.1})
    return frame.with_columns(**{name: pl.lit(text) for name, text in settings.items()})


def test_ahead_is_a_line_for_each_setting_and_dynamics() -> None:
    both = [rows({"mode": "raw", "dynamics": dynamics}, [None, 0.6, 0.7]) for dynamics in ("simulated", "expected")]
    (axes,) = ahead_by_step(pl.concat(both), "mode").axes
    np.testing.assert_allclose(axes.lines[0].get_xydata(), [[0, np.nan], [1, 60], [2, 70]])
    assert [line.get_linestyle() for line in axes.lines[:2]] == ["-", "--"]


def test_the_condition_has_a_panel_for_coordinates_and_one_for_runs() -> None:
    both = [rows({"units": "d2", "dynamics": "simulated", "of": of}, [1.0, 0.5]) for of in ("coordinates", "runs")]
    figure = condition_by_step(pl.concat(both), "Eq. 21")
    assert "Eq. 21" in figure.axes[0].get_ylabel() and "runs" in figure.axes[1].get_ylabel()
    np.testing.assert_allclose(figure.axes[1].lines[0].get_ydata(), [100, 50])
