"""From a row per epoch and training to losses at the selected epochs, crossings, eps_star and its ratios; pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import exp, inf, isfinite, log, nan
from typing import Any

from modules.phase_transition.crossing import Crossing, Summary, crossing, over_seeds
from modules.phase_transition.options import attack_call, loss_call
from modules.phase_transition.published_losses import Printed, mnist_width
from modules.phase_transition.rows import Row, grouped
from suite.stats import mean_interval

RUNNING = ("running", "train_loss", "clean_test_objective")
MEASURES = (RUNNING, ("attacked", "attacked_train_loss", "clean_test_objective"))
"""(name, column of the training loss, column of the threshold): the paper's mean over the selected epoch while the
weights moved, and what its definition says, the loss of the selected weights under attack with true gradients."""
AS_PRINTED = ("running, R* by cross-entropy", "train_loss", "clean_test_loss")
"""Xing et al.'s table of MART compares its objective with the clean test cross-entropy (Table B.5)."""

FACTORS = ("model", "samples", "gradient")


def kind_name(row: Row) -> str:
    """Model, training samples, and the gradient rule where it is not the true one."""
    rule = f", {row['gradient']}" if row["gradient"] not in ("", "bp") else ""
    return f"{row['model']}, n = {row['samples']}{rule}"


def losses(epochs: Iterable[Row]) -> list[dict[str, Any]]:
    """The selected epoch of each training."""
    return [{"kind": kind_name(row), **row} for row in epochs if row["selected"]]


def crossings(rows: Sequence[Row], loss: str) -> Iterator[dict[str, Any]]:
    """A row for each kind, seed and measure: where its training loss reaches the threshold.

    Diverged trainings are left out; without its clean training a seed has no threshold, and the outcome is so called.

    Args:
        rows: of `losses`.
        loss: the objective, see `options.loss_call`.
    """
    measures = (*MEASURES, AS_PRINTED) if loss_call(loss).name == "mart" else MEASURES
    clean = {(row["model"], row["samples"], row["seed"]): row for row in rows if not row["eps"]}
    for key, group in grouped([row for row in rows if row["eps"]], *FACTORS, "seed").items():
        model, samples, _, seed = key
        base = clean[model, samples, seed]
        for measure, column, threshold_column in measures:
            points = {row["eps"]: row[column] for row in (base, *group) if _counts(row, column)}
            threshold = base[threshold_column] if 0.0 in points else None
            its = Crossing("none", nan, 0.0, inf, True)
            if threshold is not None:
                its = crossing([*points], [*points.values()], threshold)
            yield {
                "kind": kind_name(group[0]),
                **dict(zip((*FACTORS, "seed"), key, strict=True)),
                "measure": measure,
                "threshold": threshold,
                "eps_star": its.estimate,
                "outcome": its.outcome,
                "at_least": its.low,
                "at_most": its.high,
                "monotone": its.monotone,
                "strengths": len(points),
                "left_out": len(group) + 1 - len(points),
            }


def found(row: Row) -> Crossing:
    """What a row of `crossings` says."""
    return Crossing(row["outcome"], row["eps_star"], row["at_least"], row["at_most"], row["monotone"])


def over_kinds(rows: Iterable[Row], printed: Callable[[str, int, str], Printed | None]) -> Iterator[dict[str, Any]]:
    """eps_star of each kind and measure over seeds, beside the printed one.

    Args:
        rows: of `crossings`.
        printed: (model, samples, gradient) to what the paper has.
    """
    for key, group in grouped(rows, *FACTORS, "measure").items():
        model, samples, gradient, measure = key
        left = [row for row in group if row["outcome"] != "none"]
        summary = over_seeds([found(row) for row in left])
        known = printed(model, samples, gradient) if measure == RUNNING[0] else None
        yield {
            "kind": group[0]["kind"],
            **dict(zip((*FACTORS, "measure"), key, strict=True)),
            "threshold": mean_interval([row["threshold"] for row in left]).mean,
            "eps_star": summary.mean,
            "low": summary.low,
            "high": summary.high,
            "outcome": summary.outcome,
            "at_least": summary.at_least,
            "at_most": summary.at_most,
            "isotonic": summary.isotonic,
            "n": summary.n,
            "eps_star_255": str(summary.times(255)),
            "published": known.eps_star / 255 if known else None,
            "published_255": known.eps_star if known else None,
            "verdict": _verdict(known, summary) if known else "",
        }


def comparisons(rows: Sequence[Row], dataset: str) -> Iterator[dict[str, Any]]:
    """eps_star of a kind over that of another which differs in one factor, by seed: geometric mean with interval.

    The first value of each factor is the reference. Student's interval of the logarithms; seeds whose crossings are
    not both bracketed are left out. `published` is the direction that Xing et al. report.
    """
    kinds = {key: {row["seed"]: row["eps_star"] for row in group if row["outcome"] == "bracketed" and row["eps_star"]}
             for key, group in grouped(rows, *FACTORS, "measure").items()}  # fmt: skip
    first = {name: next(iter(rows))[name] for name in FACTORS} if rows else {}
    for place, factor in enumerate(FACTORS):
        for key, strengths in kinds.items():
            base = (*key[:place], first[factor], *key[place + 1 :])
            if base == key or base not in kinds:
                continue
            seeds = [seed for seed in strengths if seed in kinds[base]]
            ratio = mean_interval([log(strengths[seed] / kinds[base][seed]) for seed in seeds])
            direction = "larger" if ratio.low > 0 else "smaller" if ratio.high < 0 else "undecided"
            paper = _direction(factor, first[factor], key[place], dataset)
            yield {
                "factor": factor,
                "value": str(key[place]),
                "reference": str(first[factor]),
                "at": ", ".join(str(value) for other, value in enumerate(key[:3]) if other != place),
                "measure": key[3],
                "ratio": exp(ratio.mean),
                "low": exp(ratio.low),
                "high": exp(ratio.high),
                "n": ratio.n,
                "direction": direction,
                "published": paper,
                "verdict": _agreement(direction, paper),
            }


def costs(epochs: Iterable[Row], attack: str) -> Iterator[dict[str, Any]]:
    """For each kind and seed, clean training ("") apart: trainings, and passes, the gradients of one image's loss.

    Passes are those of training and of its inner attack, whatever the rule; what is only watched is not counted.

    Args:
        epochs: a row per epoch of every training.
        attack: the inner attack, see `options.attack_call`.
    """
    inner = int(attack_call(attack).arguments.get("steps", 1))
    for key, group in grouped(epochs, *FACTORS, "seed").items():
        named = dict(zip((*FACTORS, "seed"), key, strict=True))
        passes = sum(row["samples"] * (1 + inner * (row["eps"] > 0)) for row in group)
        yield {**named, "trainings": len({row["eps"] for row in group}), "passes": passes}


def means(rows: Iterable[Row]) -> Iterator[dict[str, Any]]:
    """Over seeds, for each kind and strength: the selected epoch, losses with Student's intervals, accuracies.

    Diverged trainings are left out; clean ones stand once for all gradient rules.
    """
    for (kind, eps), group in grouped([row for row in rows if not row["diverged"]], "kind", "eps").items():
        result: dict[str, Any] = {"kind": kind, "eps": eps, "epoch": mean_interval([r["epoch"] for r in group]).mean}
        for column in ("train_loss", "attacked_train_loss", "watched_loss", "clean_test_loss"):
            mean = mean_interval([row[column] for row in group])
            result |= {column: mean.mean, f"{column}_low": mean.low, f"{column}_high": mean.high}
        for column in ("train_accuracy", "watched_accuracy", "clean_test_accuracy"):
            result[column] = mean_interval([row[column] for row in group]).mean
        yield {**result, "n": len(group)}


def _counts(row: Row, column: str) -> bool:
    return not row["diverged"] and row[column] is not None and isfinite(row[column])


def _verdict(known: Printed, summary: Summary) -> str:
    """The printed number is truncated or rounded from what its losses give: either may lie in the interval."""
    if not known.same_settings or not isfinite(summary.low):
        return "cannot be told"
    inside = any(summary.low <= value / 255 <= summary.high for value in (known.eps_star, known.recomputed))
    return "reproduced" if inside else "differs"


def _direction(factor: str, reference: Any, value: Any, dataset: str) -> str:
    """What Xing et al. find: smaller with more samples (Sec. 5.3.2), on MNIST larger with more units (Table 3)."""
    if factor == "samples":
        return "smaller" if value > reference else "larger"
    if factor != "model" or dataset != "mnist" or not mnist_width(value) * mnist_width(reference):
        return ""
    return "larger" if mnist_width(value) > mnist_width(reference) else "smaller"


def _agreement(direction: str, paper: str) -> str:
    if not paper:
        return ""
    return "cannot be told" if direction == "undecided" else "reproduced" if direction == paper else "differs"
