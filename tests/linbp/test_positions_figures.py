"""Figures of `linbp.positions`, drawn from rows alone."""

import io
from math import nan
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from modules.linbp.positions_figures import along_path, by_position


def tables(count: int, spacing: int = 1, stages: int = 3, undefined: bool = False) -> dict[str, list[dict[str, Any]]]:
    names = [str(spacing * i) for i in range(count)]
    differences = {"difference": 0.1, "difference_low": 0.0, "difference_high": 0.2}
    none = dict.fromkeys(differences)
    rates = [{"start": "none", "rate": 0.2, **none}, *({"start": s, "rate": 0.3, **differences} for s in names)]
    angle = nan if undefined else 0.3
    return {
        "starts": [
            {"start": s, "path": f"layer{i * stages // count}.{i}", "stage": f"layer{i * stages // count}"}
            for i, s in enumerate(names)
        ],
        "success": [{"steps": k, **row} for k in (1, 5) for row in rates],
        "transfer": [{"victim": v, **row} for v in ("resnet20", "resnet32") for row in rates],
        "diagnostics": [
            {
                "start": s, "step": step, "cosine": angle, "cosine_low": angle, "cosine_high": angle,
                "norm_ratio": 3.0, "norm_ratio_low": 2.0, "norm_ratio_high": 4.0,
            }
            for s in ("none", *names) for step in range(5)
        ],
        "loss": [
            {"start": s, "step": step, "loss": 1.0 * step, "low": 0.5, "high": 2.0, "difference": 0.1 * step}
            for s in ("none", *names) for step in range(6)
        ],
    }  # fmt: skip


def written(figure: Figure) -> bytes:
    """Drawing is where matplotlib notices what it cannot draw."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg")
    return buffer.getvalue()


def test_panels_lines_and_their_values() -> None:
    figure = by_position(**tables(5), default=2)
    success, transfer, cosine, ratio, loss = figure.axes
    assert [line.get_label() for line in success.lines[:3:2]] == ["K = 1", "K = 5"]
    np.testing.assert_allclose(success.lines[0].get_xydata(), [[i, 10] for i in range(5)])
    assert {"resnet20", "resnet32"} <= {line.get_label() for line in transfer.lines}
    assert {"clean sample", "iterate 4"} <= {line.get_label() for line in cosine.lines}
    assert ratio.get_yscale() == "log" and "nats" in loss.get_ylabel()
    np.testing.assert_allclose(loss.lines[0].get_ydata(), 1.0)  # after one step; BP's level is the dashed line
    assert [text.get_text() for text in loss.get_xticklabels()] == [f"layer{i * 3 // 5}.{i}" for i in range(5)]
    for axis in figure.axes:
        assert [2, 2] in [list(line.get_xdata()) for line in axis.lines]  # the zoo's start
    assert written(figure)


def test_many_starts_are_named_by_stage_at_its_first() -> None:
    axis = by_position(**tables(30, spacing=2), default=None).axes[-1]
    assert [text.get_text() for text in axis.get_xticklabels()] == ["layer0 (0)", "layer1 (20)", "layer2 (40)"]
    assert list(axis.get_xticks()) == [0, 20, 40]


def test_many_stages_are_thinned_out() -> None:
    axis = by_position(**tables(50, stages=50), default=None).axes[-1]
    assert len(axis.get_xticks()) <= 12


@pytest.mark.parametrize("count", [1, 2, 30])
def test_without_victims_and_without_angles(count: int) -> None:
    rows = tables(count, undefined=True)
    figure = by_position(**{**rows, "transfer": []}, default=None)
    assert len(figure.axes) == 4 and written(figure)
    assert written(along_path(rows["starts"], rows["diagnostics"], rows["loss"]))


def test_along_the_path_a_column_per_start_and_a_row_per_step() -> None:
    rows = tables(4, spacing=3)
    figure = along_path(rows["starts"], rows["diagnostics"], rows["loss"])
    cosine, loss = (np.asarray(axis.images[0].get_array()) for axis in figure.axes[:2])
    assert cosine.shape == (5, 4) and loss.shape == (6, 4)
    np.testing.assert_allclose(loss[:, 0], [0.1 * step for step in range(6)])
    assert written(figure)
