"""`linbp.adv_train` analysed: from one row per training and epoch to outcomes, bands, differences and claims."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from modules.linbp import learning_curves
from modules.linbp.adv_train.config import AdvTrainConfig, attack_in_words
from modules.linbp.learning_curves import LATE, WHOLE
from suite.claims import Claim, direction
from suite.statistics import Estimate, counted_rate, named
from suite.tables import Shown

SETTINGS = ("model", "strategy")
METRICS = ("train_loss", "train_accuracy", "clean_loss", "clean_accuracy", "robust_accuracy")
ACCURACIES = ("clean_accuracy", "robust_accuracy", "apgd_accuracy")  # on the test set
WINDOWS = {"over all epochs": WHOLE, "in the last quarter": LATE}
# (strategy, reference): where Sec. 4.2 and Fig. 7 say that the strategy's robust accuracy is the higher one
PAPER = {
    ("weights", "bp"): ("over all epochs", "in the last quarter"),
    ("weights+examples", "bp"): ("over all epochs", "in the last quarter"),
    ("weights+examples", "weights"): ("in the last quarter",),
}


def outcomes(curves: pl.DataFrame, facts: Mapping[str, Any]) -> pl.DataFrame:
    """The last epoch of each training: accuracies on n test images with Wilson's intervals, and how it ended.

    `collapsed` are trainings that catastrophic overfitting ended, where it was looked for. APGD's columns are null
    where it was not asked for.
    """
    last = learning_curves.last_epochs(curves, SETTINGS)
    collapsed = pl.col("collapsed") if "collapsed" in last.columns else pl.lit(False)
    ended = pl.when(collapsed).then(pl.lit("collapsed")).otherwise(learning_curves.outcome(facts["chance_loss"]))
    accuracies = [named(_of_images(pl.col(name).cast(pl.Float64), "n"), name) for name in ACCURACIES]
    table = last.select("strategy", "seed", "epochs", ended.alias("outcome"), "train_loss", *accuracies, "n")
    return table.unnest(*ACCURACIES)


def bands(curves: pl.DataFrame) -> pl.DataFrame:
    """Each metric at each epoch: mean over seeds with Student's interval; for one seed, accuracies with Wilson's.

    `over` says which, and n over how many.
    """
    is_alone = (pl.col("n") == 1) & pl.col("metric").is_in(ACCURACIES)
    table = learning_curves.bands(curves, METRICS, SETTINGS).with_columns(
        over=pl.when(is_alone).then(pl.lit("test images")).otherwise(pl.lit("seeds")),
        estimate=pl.when(is_alone)
        .then(_of_images(pl.col("value"), pl.lit(curves["n"][0])))
        .otherwise(pl.struct("value", "low", "high", "n")),
    )
    return table.drop("value", "low", "high", "n").unnest("estimate")


def differences(curves: pl.DataFrame, config: AdvTrainConfig) -> pl.DataFrame | None:
    """Each strategy minus the first at each epoch, paired by seed."""
    if len(config.strategies) == 1:
        return None
    return learning_curves.differences(_pairs(curves, METRICS, config.strategies[0]), SETTINGS)


def comparisons(curves: pl.DataFrame, config: AdvTrainConfig) -> pl.DataFrame | None:
    """A strategy's accuracies minus another's, for the pairs that the paper compares, over two windows of epochs."""
    tables = [
        learning_curves.compared(_pairs(curves, ACCURACIES[:2], reference), SETTINGS, WINDOWS)
        for reference in config.strategies
    ]
    compared = pl.DataFrame([*PAPER], schema=["strategy", "reference"], orient="row")
    table = compared.join(pl.concat(tables), on=["strategy", "reference"], maintain_order="left_right")
    return table if len(table) else None


def claims(config: AdvTrainConfig, comparisons: pl.DataFrame | None = None) -> Iterator[Claim]:
    """Whether a strategy's robust accuracy is higher than another's, by trainings of the same seeds."""
    for row in () if comparisons is None else comparisons.filter(metric="robust_accuracy").iter_rows(named=True):
        if row["window"] in PAPER[row["strategy"], row["reference"]]:
            measured = Estimate.read(row, of="seeds")
            judgement = direction(measured, lost=row["lost"], conditions=_unfit(config))
            setting = f"{row['strategy']} against {row['reference']}"
            yield Claim(f"robust accuracy higher {row['window']}", "Fig. 7", judgement, setting, measured)


def headline(config: AdvTrainConfig, outcomes: pl.DataFrame) -> dict[str, Any]:
    """The robust accuracy of the first seed's trainings, or how they ended."""
    return {
        f"robust accuracy of {row['strategy']}": Estimate(
            row["robust_accuracy"], row["robust_accuracy_low"], row["robust_accuracy_high"], row["n"], "images"
        )
        if row["outcome"] == "converged"
        else row["outcome"]
        for row in outcomes.filter(seed=config.seed).iter_rows(named=True)
    }


def shown(config: AdvTrainConfig, comparisons: pl.DataFrame | None = None) -> Iterator[Shown]:
    """How each training ended, the comparisons, and the claims."""
    title = f"{config.model} on {config.dataset} against {attack_in_words(config)}: the last epoch of each training"
    accuracies = ["clean_accuracy", *_with_limits("robust_accuracy")]
    accuracies += _with_limits("apgd_accuracy") if config.apgd_steps else []
    columns = ("strategy", "seed", "epochs", "outcome", *accuracies, "n")
    yield Shown("outcomes", f"{title}, 95 % intervals", columns)
    if comparisons is not None:
        yield Shown("comparisons", "A strategy minus another, paired by seed: mean, 95 % interval")
        yield Shown("claims", "What Li et al. say, judged over seeds")


def _pairs(curves: pl.DataFrame, metrics: tuple[str, ...], reference: str) -> pl.DataFrame:
    return learning_curves.pairs(curves, metrics, SETTINGS, reference)


def _of_images(accuracy: pl.Expr, n: str | pl.Expr) -> pl.Expr:
    return counted_rate((accuracy * (pl.col(n) if isinstance(n, str) else n)).round(), n)


def _with_limits(column: str) -> list[str]:
    return [column, f"{column}_low", f"{column}_high"]


def _unfit(config: AdvTrainConfig) -> list[str]:
    """In what the trainings are not those of Fig. 7; the CIFAR-10 of a folder or zip counts."""
    is_its_attack = (config.eps, config.step_size, config.steps, config.norm) == (8 / 255, 2 / 255, 5, "linf")
    is_its_training = (config.model, config.gradient, config.learning_rate) == ("mobilenetv2", "linbp", 0.01)
    is_whole = not (config.epochs or config.train_limit or config.test_limit)
    return (
        ["other data"] * ("cifar10" not in config.dataset)
        + ["another model, rule or learning rate"] * (not is_its_training)
        + ["another attack"] * (not is_its_attack)
        + ["fewer epochs or samples"] * (not is_whole)
    )
