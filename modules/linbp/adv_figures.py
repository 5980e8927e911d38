"""The figure of `linbp.adv_train`, drawn from its table of bands alone: Li et al. 2022, Fig. 7, and clean accuracy."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from modules.linbp.train_figures import line
from suite.figures import gradient_colours, new_figure, style

# Colours as of gradient rules: true gradients blue, the strategies with LinBP in shades of vermillion.
_AS_RULE = {"bp": "bp", "weights": "linbp", "weights+examples": "linbp, examples too"}
_PANELS = {"robust_accuracy": "robust accuracy (%)", "clean_accuracy": "clean accuracy (%)"}


def curves(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Robust and clean accuracy on the test set against the epoch, a line per strategy with its 95 % band."""
    strategies = list(dict.fromkeys(row["strategy"] for row in rows))
    colours = gradient_colours(list(_AS_RULE.values()))
    with style():
        figure, axes = new_figure(1, 2, width=6.4, height=2.9)
        for axis, (metric, label) in zip(axes, _PANELS.items(), strict=True):
            for strategy in strategies:
                chosen = [row for row in rows if (row["strategy"], row["metric"]) == (strategy, metric)]
                line(axis, chosen, 100, colours[_AS_RULE[strategy]], "-", strategy)
            low, high = axis.get_ylim()
            axis.set(xlabel="epoch", ylabel=label, ylim=(max(low, 0), min(high, 101)))
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=len(strategies))
    return figure
