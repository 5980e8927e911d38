"""Files: the same bytes in every process, layout solved once, nothing left behind."""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import polars as pl
import pytest
from matplotlib.layout_engine import ConstrainedLayoutEngine
from PIL import Image

from suite.figures import lines, panels, percent, render, spread, style
from suite.figures.quantities import label, named, quantity, written

Curves = Callable[..., pl.DataFrame]

_SCRIPT = """
import hashlib
import polars as pl
from suite.figures import adversarial_examples, heat_map, level, lines, mark, percent, points, quantity, render
frame = pl.DataFrame([
    {"gradient": g, "eps": e, "step": s, "value": s * e / 9, "low": s * e / 10, "high": s * e / 8}
    for g in ("bp", "linbp", "sgm") for e in (0.1, 0.2) for s in range(9)
])
images = pl.DataFrame({"id": [0], "label": [1], "prediction": [2], "gradient": ["bp"], "clean": [[0.1, 0.9]],
                       "adversarial": [[0.2, 0.8]], "shape": ["1x1x2"]})
made = [
    lines(frame, x="step", y=percent("value"), colour="gradient", panel="eps", references=[level(0.1, "chance")]),
    points(frame, x="gradient", y=quantity("value", log=True), colour="eps", marker="gradient"),
    heat_map(frame.filter(eps=0.1), x="step", y="gradient", value="value", text=True),
    adversarial_examples(images),
]
for figure in made:
    print({kind: hashlib.sha256(content).hexdigest() for kind, content in render(figure, "name").items()})
"""


def test_the_same_figures_are_the_same_bytes_in_every_process() -> None:
    runs = [
        subprocess.run(
            [sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "SOURCE_DATE_EPOCH": seed},
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    ]  # fmt: skip
    assert runs[0] == runs[1] and runs[0].count("svg") == 4


def test_a_figure_rendered_twice_is_the_same_and_a_salt_names_its_parts(curves: Curves) -> None:
    figure = lines(curves(), x="step", y="value", colour="gradient")
    first = render(figure, "one")
    assert render(figure, "one") == first
    assert render(lines(curves(), x="step", y="value", colour="gradient"), "one") == first
    assert render(figure, "two")["svg"] != first["svg"] and render(figure, "two")["png"] == first["png"]


def test_files_are_svg_and_png_at_160_dots_an_inch(curves: Curves) -> None:
    figure = lines(curves(), x="step", y=percent("value"), colour="gradient")
    files = render(figure)
    assert list(files) == ["svg", "png"] and files["svg"].startswith(b"<?xml")
    width, height = Image.open(io.BytesIO(files["png"])).size
    assert (width, height) == pytest.approx(160 * figure.get_size_inches(), abs=1)


def test_the_layout_is_solved_once_and_kept(curves: Curves, monkeypatch: pytest.MonkeyPatch) -> None:
    solved, solve = list[int](), ConstrainedLayoutEngine.execute

    def counted(self: ConstrainedLayoutEngine, figure: Any) -> Any:
        solved.append(1)
        return solve(self, figure)

    monkeypatch.setattr(ConstrainedLayoutEngine, "execute", counted)
    figure = lines(curves(eps=(0.1, 0.2)), x="step", y="value", colour="gradient", panel="eps")
    figure.savefig(io.BytesIO())
    assert len(solved) == 1  # what each plain save costs
    solved.clear()
    again = lines(curves(eps=(0.1, 0.2)), x="step", y="value", colour="gradient", panel="eps")
    render(again)
    assert len(solved) == 1
    for one, other in zip(figure.axes, again.axes, strict=True):
        assert one.get_position().bounds == pytest.approx(other.get_position().bounds, abs=0.005)


def test_forms_and_files_leave_the_settings_alone(curves: Curves) -> None:
    before = dict(mpl.rcParams)
    render(lines(curves(), x="step", y="value", colour="gradient"))
    assert dict(mpl.rcParams) == before
    assert "matplotlib.pyplot" not in sys.modules or not mpl.pyplot.get_fignums()


def test_panels_come_row_by_row_and_share_what_is_asked() -> None:
    with style():
        figure, axes = panels(2, 3, share_x=True)
    assert axes == figure.axes and len(axes) == 6
    axes[0].set_xlim(3, 5)
    assert axes[5].get_xlim() == (3, 5) and axes[5].get_ylim() == (0, 1)


@pytest.mark.parametrize(("values", "most", "expected"), [
    ([1, 2, 3], 4, [1, 2, 3]), ([1, 2, 3, 4, 5], 3, [1, 3, 5]), ([], 3, []), ([1, 2, 3], 1, [1]),
])  # fmt: skip
def test_of_many_values_the_ends_and_some_between(values: list[int], most: int, expected: list[int]) -> None:
    assert spread(values, most) == expected


def test_words_for_columns_and_values() -> None:
    assert (label("d"), label("test_loss"), label("input_scale")) == ("dimension d", "test loss (nats)", "input scale")
    assert named("eps", 8 / 255) == "eps = 8/255" and named("gradient", "bp") == "bp"
    assert (named("white_box", True), named("white_box", False)) == ("white box", "not white box")
    assert [written(number) for number in (100, 1.0, 0.05, 1 / 3, 1e-7)] == ["100", "1", "0.05", "1/3", "1e-07"]
    assert percent("value").label == "%" and percent("test_accuracy").label == "test accuracy (%)"
    assert percent("value", "success rate").label == "success rate (%)" and quantity("loss").label == "loss (nats)"
