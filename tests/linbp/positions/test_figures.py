"""Figures of `linbp.positions`, drawn from tables alone."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure

from modules.linbp.positions.config import PositionsConfig
from modules.linbp.positions.figures import along_path, by_position
from suite.figures import render

CONFIG = PositionsConfig(steps=(1, 5), victims=("resnet20", "resnet32"))


def tables(count: int, spacing: int = 1, stages: int = 3, undefined: bool = False) -> dict[str, pl.DataFrame]:
    names = [str(spacing * i) for i in range(count)]
    compared = {"value": 0.3, "difference": 0.1, "difference_low": 0.0, "difference_high": 0.2}
    bp = {"value": 0.2, "difference": None, "difference_low": None, "difference_high": None}
    rates = [{"start": "none", **bp}, *({"start": start, **compared} for start in names)]
    angle = None if undefined else 0.3
    return {
        "starts": pl.DataFrame([
            {"start": start, "path": f"layer{i * stages // count}.{i}", "stage": f"layer{i * stages // count}"}
            for i, start in enumerate(names)
        ]),
        "success": pl.DataFrame([{"steps": k, **row} for k in (1, 5) for row in rates], infer_schema_length=None),
        "transfer": pl.DataFrame(
            [{"victim": v, **row} for v in ("resnet20", "resnet32") for row in rates], infer_schema_length=None
        ),
        "diagnostics": pl.DataFrame([
            {
                "start": start, "step": step, "cosine": angle, "cosine_low": angle, "cosine_high": angle,
                "norm_ratio": 3.0, "norm_ratio_low": 2.0, "norm_ratio_high": 4.0,
            }
            for start in ("none", *names) for step in range(5)
        ]).with_columns(pl.col("cosine", "cosine_low", "cosine_high").cast(pl.Float64)),
        "loss": pl.DataFrame([
            {"start": start, "step": step, "value": 1.0 * step, "low": 0.5, "high": 2.0, "difference": 0.1 * step,
             "difference_low": 0.0, "difference_high": 0.1 * step}
            for start in ("none", *names) for step in range(6)
        ]),
    }  # fmt: skip


def drawn(figure_and_caption: tuple[Figure, str]) -> Figure:
    """Rendering is where matplotlib notices what it cannot draw."""
    assert all(render(figure_and_caption[0]).values())
    return figure_and_caption[0]


def positions(rows: dict[str, pl.DataFrame], default: int | None) -> Figure:
    return drawn(by_position(**rows, config=CONFIG, facts={"attacked": 6, "watched": 3, "default_start": default}))


def written(axes: Any) -> list[str]:
    return [text.get_text() for text in axes.get_xticklabels() if text.get_text()]


def test_panels_lines_and_their_values() -> None:
    figure = positions(tables(5), default=2)
    success, transfer, cosine, ratio, loss = figure.axes
    for axes, values in (
        (success, [10, 10]),
        (transfer, [10, 10]),
        (cosine, [0.3, 0.3]),
        (ratio, [3, 3]),
        (loss, [1, 5]),
    ):
        lines = [line for line in axes.lines if len(line.get_xdata()) == 5]
        assert [line.get_xdata().tolist() for line in lines] == [[0, 1, 2, 3, 4]] * 2
        np.testing.assert_allclose([line.get_ydata()[0] for line in lines], values)
        assert [2, 2] in [list(line.get_xdata()) for line in axes.lines]  # the zoo's start
    assert ratio.get_yscale() == "log" and "nats" in loss.get_ylabel() and "points" in success.get_ylabel()
    levels = [line.get_ydata()[0] for line in loss.lines if list(line.get_xdata()) == [0, 1]]
    assert levels == [1, 5]  # BP's
    assert written(loss) == [f"layer{i * 3 // 5}.{i}" for i in range(5)]
    (legend,) = figure.legends
    words = {text.get_text() for text in legend.get_texts()}
    assert words == {
        "step = 0", "step = 1", "step = 4", "step = 5", "resnet20", "resnet32", "BP", "the model zoo's start"
    }  # fmt: skip


def test_many_starts_are_named_by_stage_at_its_first() -> None:
    axes = positions(tables(30, spacing=2), default=None).axes[-1]
    assert written(axes) == ["layer0 (0)", "layer1 (20)", "layer2 (40)"]
    assert list(axes.get_xticks()) == [0, 20, 40]


def test_many_stages_are_thinned_out() -> None:
    axes = positions(tables(50, stages=50), default=None).axes[-1]
    assert len(written(axes)) <= 12


@pytest.mark.parametrize("count", [1, 2, 30])
def test_without_victims_and_without_angles(count: int) -> None:
    rows = tables(count, undefined=True)
    figure = positions({name: table for name, table in rows.items() if name != "transfer"}, default=None)
    assert [axes.get_ylabel().split("\n")[0] for axes in figure.axes] == [
        "success",
        "cosine with",
        "norm over",
        "loss reached",
    ]
    assert figure.axes[0].get_gridspec().nrows == 4  # and no room is left where the victims' panel would be
    assert drawn(along_path(rows["starts"], rows["diagnostics"], rows["loss"]))


def test_along_the_path_a_column_per_start_and_a_row_per_step() -> None:
    rows = tables(4, spacing=3)
    figure = drawn(along_path(rows["starts"], rows["diagnostics"], rows["loss"]))
    cosine, loss = (np.asarray(axes.collections[0].get_array()) for axes in figure.axes[:2])
    assert cosine.shape == (5, 4) and loss.shape == (6, 4)
    np.testing.assert_allclose(loss[:, 0], [0.1 * step for step in range(6)])
    assert written(figure.axes[1]) == [f"layer{i * 3 // 4}.{i}" for i in range(4)]
