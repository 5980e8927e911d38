"""The two figures of `linbp.attack`, drawn from its tables alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from suite.figures import band, gradient_colours, new_figure, style
from suite.refs import format_number

Rows = Sequence[Mapping[str, Any]]


def success_by_step(rows: Rows) -> Figure:
    """Success rate against the step, a line per gradient rule, a panel per eps; bands are 95 % Wilson intervals."""
    strengths = sorted({row["eps"] for row in rows})
    stepless = any(row["step"] is None for row in rows)
    colours = gradient_colours(list(dict.fromkeys(row["gradient"] for row in rows)))
    columns = min(len(strengths), 4)
    lines = -(-len(strengths) // columns)
    with style():
        aside = 1.6 if len(colours) > 2 else 0  # inches for a legend beside the panels
        figure, axes = new_figure(lines, columns, width=1.2 + 2.6 * columns + aside, height=0.5 + 2.5 * lines)
        for axis, eps in zip(axes, strengths, strict=False):
            for gradient, colour in colours.items():
                cell = [row for row in rows if row["gradient"] == gradient and row["eps"] == eps]
                steps = [row["step"] or 0 for row in cell]
                rate, low, high = ([100 * row[name] for row in cell] for name in ("rate", "low", "high"))
                band(axis, steps, rate, low, high, colour=colour, label=gradient)
            axis.set(title=f"eps = {format_number(eps)}", xlabel="step", ylim=(-2, 102))
            if stepless:
                axis.set(xlabel="the whole attack", xticks=[])
        axes[0].set_ylabel("success rate (%)")
        if len(colours) > 2:
            figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper")
        else:
            axes[0].legend(loc="best")
        for axis in axes[len(strengths) :]:
            axis.set_visible(False)
    return figure


def adversarial_images(rows: Rows) -> Figure:
    """A row per sample: the clean image, then for each gradient rule the perturbation and the adversarial image."""
    gradients = list(dict.fromkeys(row["gradient"] for row in rows))
    ids = list(dict.fromkeys(row["id"] for row in rows))
    with style():
        figure, axes = new_figure(
            len(ids),
            1 + 2 * len(gradients),
            width=1.3 * (1 + 2 * len(gradients)),
            height=0.35 + 1.45 * len(ids),
        )
        panels = iter(axes)
        for identity in ids:
            mine = {row["gradient"]: row for row in rows if row["id"] == identity}
            first = mine[gradients[0]]
            _panel(next(panels), _image(first, "clean"), f"label {first['label']}")
            for gradient in gradients:
                row = mine[gradient]
                clean, adversarial = _image(row, "clean"), _image(row, "adversarial")
                _panel(
                    next(panels), 0.5 + (adversarial - clean) / (2 * _scale(clean, adversarial)), f"{gradient}: change"
                )
                fooled = "fooled" if row["prediction"] != row["label"] else "not fooled"
                _panel(next(panels), adversarial, f"{row['prediction']}: {fooled}")
        figure.suptitle(f"clean, perturbation, adversarial at eps = {format_number(rows[0]['eps'])}", fontsize=9)
    return figure


def _image(row: Mapping[str, Any], name: str) -> np.ndarray:
    shape = tuple(int(length) for length in row["shape"].split("x"))
    image: np.ndarray = np.asarray(row[name], dtype=np.float64).reshape(shape).transpose(1, 2, 0)
    return image


def _scale(clean: np.ndarray, adversarial: np.ndarray) -> float:
    """The largest change in the image: full contrast of the perturbation's panel."""
    return float(np.abs(adversarial - clean).max()) or 1.0


def _panel(axis: Any, image: np.ndarray, title: str) -> None:
    axis.imshow(image.squeeze().clip(0, 1), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axis.set_title(title, fontsize=7)
    axis.set_axis_off()
