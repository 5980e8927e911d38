"""From one row per epoch and training to outcomes, bands over seeds and paired differences; pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suite.stats import Mean, mean_interval

METRICS = ("train_loss", "train_accuracy", "test_loss", "test_accuracy")
# A training has learnt nothing when its loss ends within a hundredth of what the best constant answer reaches.
STUCK = 0.99


@dataclass(frozen=True)
class Group:
    """Trainings that differ in the seed alone: each metric as (seeds, epochs), NaN where there is none.

    `settings` are what they have in common, by column; `rule`, one of these columns, is what groups are compared in.
    """

    settings: Mapping[str, Any]
    rule: str
    seeds: tuple[int, ...]
    metrics: Mapping[str, NDArray[np.float64]]
    ran: tuple[int, ...]  # epochs that each seed's training ran

    @property
    def epochs(self) -> int:
        """The length of the longest training."""
        return max(self.ran)

    @property
    def name(self) -> str:
        """What it is compared under: its gradient rule, or its strategy."""
        return str(self.settings[self.rule])

    def last(self, metric: str) -> NDArray[np.float64]:
        """(seeds,) values of the last epoch that each training ran."""
        return self.metrics[metric][range(len(self.ran)), np.array(self.ran) - 1]


def groups(rows: Sequence[Mapping[str, Any]], metrics: Sequence[str], *settings: str) -> list[Group]:
    """The table of curves by the columns `settings`, in order of appearance; the last of them is the rule."""
    cells: dict[tuple[Any, ...], dict[int, list[Mapping[str, Any]]]] = {}
    for row in rows:
        cells.setdefault(tuple(row[name] for name in settings), {}).setdefault(row["seed"], []).append(row)
    return [
        Group(
            dict(zip(settings, key, strict=True)),
            settings[-1],
            tuple(trainings),
            {name: _padded([[row[name] for row in training] for training in trainings.values()]) for name in metrics},
            tuple(map(len, trainings.values())),
        )
        for key, trainings in cells.items()
    ]


def outcomes(groups: Iterable[Group], chance: float) -> Iterator[dict[str, Any]]:
    """How each training ended: `converged`, `diverged` (a loss that is not finite) or `stuck` (no better than chance).

    Args:
        chance: loss of the best constant answer, the entropy of the training labels in nats.
    """
    for group in groups:
        last = {metric: group.last(metric) for metric in group.metrics}
        for place, seed in enumerate(group.seeds):
            yield {
                **group.settings,
                "seed": seed,
                "epochs": group.ran[place],
                "outcome": outcome(last["train_loss"][place], chance),
                **{metric: values[place] for metric, values in last.items()},
            }


def outcome(loss: float, chance: float) -> str:
    """What a training's last loss says of it."""
    if not isfinite(loss):
        return "diverged"
    return "stuck" if loss >= STUCK * chance else "converged"


def bands(groups: Iterable[Group]) -> Iterator[dict[str, Any]]:
    """Mean over seeds of each metric at each epoch with Student's 95 % interval; n counts the finite values."""
    for group in groups:
        for metric, values in group.metrics.items():
            for epoch in range(values.shape[1]):
                mean = columns(finite_mean(values[:, epoch]))
                yield {**group.settings, "metric": metric, "epoch": epoch + 1, **mean}


def pairs(groups: Sequence[Group], reference: str) -> Iterator[tuple[Group, Group]]:
    """(the reference's trainings, another rule's) that are alike in everything else."""
    for group in groups:
        for base in groups:
            if base.name == reference != group.name and base.settings == {**group.settings, base.rule: reference}:
                yield base, group


def differences(groups: Sequence[Group], reference: str) -> Iterator[dict[str, Any]]:
    """A rule's metric minus the reference's, paired by seed, at each epoch, with Student's 95 % interval."""
    for base, group in pairs(groups, reference):
        for metric in group.metrics:
            values = difference(base, group, metric)
            for epoch in range(values.shape[1]):
                mean = columns(finite_mean(values[:, epoch]))
                yield {**group.settings, "reference": reference, "metric": metric, "epoch": epoch + 1, **mean}


def difference(base: Group, group: Group, metric: str) -> NDArray[np.float64]:
    """(seeds, epochs) of the second minus the first, over the epochs that both have."""
    epochs = min(base.epochs, group.epochs)
    result: NDArray[np.float64] = group.metrics[metric][:, :epochs] - base.metrics[metric][:, :epochs]
    return result


def finite_mean(values: NDArray[np.float64]) -> Mean:
    """Student's interval for the mean of the finite values."""
    return mean_interval(values[np.isfinite(values)])


def columns(mean: Mean) -> dict[str, Any]:
    """A mean as columns of a table."""
    return {"mean": mean.mean, "low": mean.low, "high": mean.high, "n": mean.n}


def above(mean: Mean, sign: int = 1) -> str:
    """Whether the mean (times the sign) is above zero: `yes`, `no` (it is below), or `undecided` by its interval."""
    low, high = (mean.low, mean.high) if sign > 0 else (-mean.high, -mean.low)
    return "yes" if low > 0 else "no" if high < 0 else "undecided"


def _padded(rows: Sequence[Sequence[float | None]]) -> NDArray[np.float64]:
    values = np.full((len(rows), max(map(len, rows))), np.nan)
    for place, row in enumerate(rows):
        values[place, : len(row)] = [np.nan if value is None else value for value in row]
    return values
