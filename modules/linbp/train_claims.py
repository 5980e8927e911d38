"""What Li et al. 2022 say about training with LinBP, as tests on numbers: over seeds, with intervals."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modules.linbp.train_tables import METRICS, Group, above, columns, difference, finite_mean, outcome, pairs
from suite.stats import Mean, wilson

EARLY = 4  # "early" is the first quarter of the epochs: "the early dozens" of 50, "just got started" of 100
# Within these the end is called comparable: a percentage point of accuracy, a tenth of the reference's loss.
SAME_ACCURACY, SAME_LOSS = 0.01, 0.1

_MNIST, _CIFAR = ("mlp", "lenet5"), ("resnet50", "densenet161", "mobilenetv2")
_VERDICTS = {"yes": "reproduced", "no": "differs", "undecided": "cannot be told"}


def claims(groups: Sequence[Group], reference: str, chance: float, dataset: str | None) -> Iterator[dict[str, Any]]:
    """A row for each model, factor, rule and claim: the measured difference, whether the claim holds, the verdict.

    Args:
        reference: the gradient rule that the others are compared with.
        chance: loss of the best constant answer.
        dataset: reference of the data set; None where data or schedule are not the paper's, so that nothing there
            can be compared.

    A claim holds ("yes") when the 95 % interval says so, does not ("no") when it says the contrary.
    """
    for base, group in pairs(groups, reference):
        settings = {**group.settings, "reference": reference}
        for claim, metric, mean, holds in [*_convergence(base, group, chance), *_comparison(base, group)]:
            figure = _figure(group, reference, claim, metric) if _on_its_data(group.settings["model"], dataset) else ""
            yield {
                **settings,
                "claim": claim,
                "metric": metric,
                **columns(mean),
                "holds": holds,
                "paper": figure,
                "verdict": _VERDICTS[holds] if figure else "",
            }


def _comparison(base: Group, group: Group) -> Iterator[tuple[str, str, Mean, str]]:
    early = max(1, round(max(base.epochs, group.epochs) / EARLY))
    for metric in METRICS:
        values = difference(base, group, metric)
        sign = -1 if metric.endswith("loss") else 1
        first = finite_mean(values[:, :early].mean(1))
        yield "better early", metric, first, above(first, sign)
        if base.epochs != group.epochs:  # one of them was given up: there is no common end
            continue
        last = finite_mean(values[:, -1])
        yield "better at the end", metric, last, above(last, sign)
        margin = SAME_LOSS * _level(base.metrics[metric]) if metric.endswith("loss") else SAME_ACCURACY
        yield "comparable at the end", metric, last, _within(last, margin)


def _convergence(base: Group, group: Group, chance: float) -> Iterator[tuple[str, str, Mean, str]]:
    """Shares of seeds, with Wilson's interval; a claim on all of them holds when it does for each."""
    ours, theirs = _converged(group, chance), _converged(base, chance)
    for claim, found in (("both converge", ours & theirs), ("only the reference converges", theirs & ~ours)):
        share = wilson(int(found.sum()), len(found))
        holds = "yes" if found.all() else "undecided" if found.any() else "no"
        yield claim, "share of seeds", Mean(share.rate, share.low, share.high, share.n), holds


def _converged(group: Group, chance: float) -> NDArray[np.bool_]:
    return np.array([outcome(loss, chance) == "converged" for loss in group.last("train_loss")])


def _level(values: NDArray[np.float64]) -> float:
    """The reference's last value, mean over seeds."""
    last = values[:, -1]
    return float(last[np.isfinite(last)].mean()) if np.isfinite(last).any() else np.nan


def _within(mean: Mean, margin: float) -> str:
    if -margin <= mean.low and mean.high <= margin:
        return "yes"
    return "no" if mean.low > margin or mean.high < -margin else "undecided"


def _on_its_data(model: str, dataset: str | None) -> bool:
    """Whether the paper trained this model on these data; the CIFAR-10 of a folder or zip counts."""
    return dataset is not None and (
        (model in _MNIST and dataset == "mnist") or (model not in _MNIST and "cifar10" in dataset)
    )


def _figure(group: Group, reference: str, claim: str, metric: str) -> str:
    """Where the paper makes this claim; empty where it does not."""
    if (reference, group.name) != ("bp", "linbp"):
        return ""
    model, factor, test = group.settings["model"], group.settings["factor"], metric.startswith("test")
    made: dict[str, str] = {}
    if factor == 1 and model in _MNIST:
        figure = "Fig. 4" if test else "Fig. 3"
        made = dict.fromkeys(("both converge", "better early", "better at the end"), figure)
    elif factor == 1 and model in _CIFAR:
        figure = "Fig. 6" if test else "Fig. 5"
        made = dict.fromkeys(("both converge", "better early", "comparable at the end"), figure)
    elif (model, factor) == ("vgg16", 1):
        made = {"only the reference converges": "footnote 3"}
    elif (model, factor) == ("lenet5", 10):
        made = {"only the reference converges": "Fig. 8"}
    elif model in _MNIST and factor == 0.1 and not test:
        made = {"both converge": "Fig. 8", "better early": "Fig. 8"}
    elif (model, factor) == ("mlp", 10) and not test:
        made = {"both converge": "Fig. 8", "comparable at the end": "Fig. 8"}
    return made.get(claim, "")
