"""What Li et al. 2022 say about training with LinBP, judged over seeds."""

from collections.abc import Iterator
from math import nan
from typing import Any

import polars as pl

from modules.linbp.train.config import TrainConfig, format_factor
from suite.claims import CANNOT_TELL, Claim, Judgement, direction, equivalence, majority
from suite.statistics import Estimate

# Within these the end is called comparable: a percentage point of accuracy, a tenth of the reference's loss. Ours.
SAME_ACCURACY, SAME_LOSS = 0.01, 0.1

_MNIST, _CIFAR = ("mlp", "lenet5"), ("resnet50", "densenet161", "mobilenetv2")
_TRAIN, _TEST = ("train_loss", "train_accuracy"), ("test_loss", "test_accuracy")
_COMPARABLE = "comparable at the end"
_CLAIMS = {"early": ("better early",), "at the end": ("better at the end", _COMPARABLE)}  # by window of epochs
# models, factor, claims, metrics, where the paper makes them
_COMPARISONS = (
    (_MNIST, 1.0, ["better early", "better at the end"], _TRAIN, "Fig. 3"),
    (_MNIST, 1.0, ["better early", "better at the end"], _TEST, "Fig. 4"),
    (_CIFAR, 1.0, ["better early", _COMPARABLE], _TRAIN, "Fig. 5"),
    (_CIFAR, 1.0, ["better early", _COMPARABLE], _TEST, "Fig. 6"),
    (_MNIST, 0.1, ["better early"], _TRAIN, "Fig. 8"),
    (("mlp",), 10.0, [_COMPARABLE], _TRAIN, "Fig. 8"),
)
_OUTCOMES = (
    (_MNIST, 1.0, "both converge", "Fig. 3"),
    (_CIFAR, 1.0, "both converge", "Fig. 5"),
    (("vgg16",), 1.0, "only the reference converges", "footnote 3"),
    (("lenet5",), 10.0, "only the reference converges", "Fig. 8"),
    (_MNIST, 0.1, "both converge", "Fig. 8"),
    (("mlp",), 10.0, "both converge", "Fig. 8"),
)


def of_outcomes(config: TrainConfig, convergence: pl.DataFrame) -> Iterator[Claim]:
    """Which of both converge, in most seeds."""
    places = {(model, factor, claim): where for models, factor, claim, where in _OUTCOMES for model in models}
    for row in _of_linbp(convergence):
        if where := places.get((row["model"], row["factor"], row["claim"])):
            holds = [seed < round(row["value"] * row["n"]) for seed in range(row["n"])]
            judgement = majority(holds, of="seeds", conditions=_unfit(config, row))
            yield Claim(row["claim"], where, judgement, _setting(row, "share"), Estimate.read(row, of="seeds"))


def of_differences(config: TrainConfig, comparisons: pl.DataFrame, bands: pl.DataFrame) -> Iterator[Claim]:
    """LinBP is better early and better, or as good, at the end.

    A seed with which a training has diverged leaves nothing to say of the means of the others.
    """
    places = {
        (model, factor, claim, metric): where
        for models, factor, claims, metrics, where in _COMPARISONS
        for model in models
        for claim in claims
        for metric in metrics
    }
    for row in _of_linbp(comparisons):
        is_loss = row["metric"].endswith("loss")
        measured = Estimate.read(row, of="seeds", unit="nats" if is_loss else "")
        given: dict[str, Any] = {"lost": row["lost"], "conditions": _unfit(config, row)}
        for claim in _CLAIMS[row["window"]]:
            where = places.get((row["model"], row["factor"], claim, row["metric"]))
            if where is None:
                continue
            if claim == _COMPARABLE:
                margin = SAME_LOSS * _level(bands, row) if is_loss else SAME_ACCURACY
                judgement = equivalence(measured, -margin, margin, **given)
            else:
                judgement = direction(measured, -1 if is_loss else 1, **given)
            yield Claim(claim, where, judgement, _setting(row, row["metric"]), measured)


def of_best_rates(best_rates: pl.DataFrame) -> Iterator[Claim]:
    """LinBP is ahead where either rule has its own best learning rate: then it is not merely a larger step.

    Ours, of any model and data: the paper compares at one rate.
    """
    for row in _of_linbp(best_rates.filter(pl.col("metric").is_in(("train_loss", "test_accuracy")))):
        is_loss = row["metric"].endswith("loss")
        measured = Estimate.read(row, of="seeds", unit="nats" if is_loss else "")
        judgement = direction(measured, -1 if is_loss else 1, lost=row["lost"])
        if row["at_end"]:
            judgement = Judgement(CANNOT_TELL, "a rate at an end of the grid is the best: a better one may lie beyond")
        setting = f"{row['model']}, each at its best rate, {row['metric'].replace('_', ' ')}"
        yield Claim(f"better {row['window']}", "ours", judgement, setting, measured)


def _of_linbp(table: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """The paper compares these two rules alone."""
    return table.filter(gradient="linbp", reference="bp").iter_rows(named=True)


def _setting(row: dict[str, Any], what: str) -> str:
    return f"{row['model']}, x{format_factor(row['factor'])}, {what.replace('_', ' ')}"


def _level(bands: pl.DataFrame, row: dict[str, Any]) -> float:
    """The reference's last value, mean over seeds."""
    cell = {name: row[name] for name in ("model", "factor", "metric")}
    last = bands.filter(gradient=row["reference"], **cell)["value"][-1]
    return nan if last is None else float(last)


def _unfit(config: TrainConfig, row: dict[str, Any]) -> list[str]:
    """In what the training is not the paper's; the CIFAR-10 of a folder or zip counts."""
    on_mnist, limits = row["model"] in _MNIST, (config.train_limit, config.test_limit)
    is_its_data = config.dataset == "mnist" if on_mnist else "cifar10" in config.dataset
    return (
        ["other data"] * (not is_its_data)
        + ["another number of epochs"] * (config.epochs is not None)
        + ["a part of the data"] * (limits != (None, None))
        + ["no longer training at the smaller rate"] * (row["factor"] < 1 and not config.stretch)
    )
