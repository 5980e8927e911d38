"""From one row per epoch of adversarial training to outcomes, bands and claims; pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from modules.linbp.train_tables import Group, above, columns, difference, finite_mean, outcome
from modules.linbp.train_tables import bands as bands_over_seeds
from suite.stats import Mean, wilson
from suite.training import MANY_STEPS, ONE_STEP, Collapse

METRICS = ("train_loss", "train_accuracy", "clean_loss", "clean_accuracy", "robust_accuracy")
LATE = 4  # "the latter epochs" are the last quarter
# (better, than): what Sec. 4.2 and Fig. 7 say of robust accuracy, over all epochs and in the latter ones.
_PAPER = {
    ("weights", "bp"): ("over all epochs", "in the last quarter"),
    ("weights+examples", "bp"): ("over all epochs", "in the last quarter"),
    ("weights+examples", "weights"): ("in the last quarter",),
}
_VERDICTS = {"yes": "reproduced", "no": "differs", "undecided": "cannot be told"}

Rows = Sequence[Mapping[str, Any]]


def outcomes(rows: Rows, chance: float) -> Iterator[dict[str, Any]]:
    """The last epoch of each training: accuracies on n test images with Wilson's 95 % intervals, and how it ended.

    `collapsed` are trainings that catastrophic overfitting ended, where it was looked for.
    `apgd` columns are empty where APGD was not asked for.
    """
    last = {(row["strategy"], row["seed"]): row for row in rows}
    for row in last.values():
        intervals: dict[str, Any] = {}
        for metric in ("clean_accuracy", "robust_accuracy", "apgd_accuracy"):
            told: tuple[Any, ...] = (None, None, None)
            if row[metric] is not None:
                interval = wilson(round(row[metric] * row["n"]), row["n"])
                told = (interval.rate, interval.low, interval.high)
            intervals |= zip((metric, f"{metric}_low", f"{metric}_high"), told, strict=True)
        loss = float("nan") if row["train_loss"] is None else row["train_loss"]
        yield {
            "strategy": row["strategy"],
            "seed": row["seed"],
            "epochs": row["epoch"],
            "outcome": "collapsed" if _collapsed(row) else outcome(loss, chance),
            "train_loss": row["train_loss"],
            **intervals,
            "n": row["n"],
        }


def bands(groups: Iterable[Group], rows: Rows) -> Iterator[dict[str, Any]]:
    """Each metric at each epoch: mean over seeds with Student's interval; for one seed, accuracies with Wilson's.

    Column `over` says which, `n` over how many.
    """
    images = rows[0]["n"]
    for row in bands_over_seeds(groups):
        accuracy = row["metric"] in ("clean_accuracy", "robust_accuracy")
        if row["n"] == 1 and accuracy:
            interval = wilson(round(row["mean"] * images), images)
            yield {**row, "low": interval.low, "high": interval.high, "n": images, "over": "test images"}
        else:
            yield {**row, "over": "seeds"}


def claims(groups: Sequence[Group], as_published: bool) -> Iterator[dict[str, Any]]:
    """Whether a strategy's robust and clean accuracy are higher than another's, paired by seed.

    Args:
        groups: the trainings by strategy.
        as_published: whether settings and data are those of Fig. 7; verdicts are given then only.
    """
    for (better, than), windows in _PAPER.items():
        pair = {group.name: group for group in groups}
        if better not in pair or than not in pair:
            continue
        for metric in ("robust_accuracy", "clean_accuracy"):
            values = difference(pair[than], pair[better], metric)
            late = max(1, round(values.shape[1] / LATE))
            for window, first in (("over all epochs", 0), ("in the last quarter", values.shape[1] - late)):
                mean: Mean = finite_mean(values[:, first:].mean(1))
                holds = above(mean)
                figure = "Fig. 7" if as_published and metric == "robust_accuracy" and window in windows else ""
                yield {
                    "strategy": better,
                    "reference": than,
                    "claim": f"higher {window}",
                    "metric": metric,
                    **columns(mean),
                    "holds": holds,
                    "paper": figure,
                    "verdict": _VERDICTS[holds] if figure else "",
                }


def _collapsed(row: Mapping[str, Any]) -> bool:
    return ONE_STEP in row and Collapse().first([row[MANY_STEPS]], [row[ONE_STEP]]) is not None
