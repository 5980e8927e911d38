"""From a row per epoch and training to generalisation gaps, collapses and the smallest unstable eps; pure."""

from collections.abc import Iterable, Iterator, Sequence
from math import isfinite, nan
from typing import Any

from modules.phase_transition.crossing import crossing, over_seeds
from modules.phase_transition.rows import Row, grouped
from suite.stats import mean_interval, wilson
from suite.training import ONE_STEP, Collapse

MANY_STEPS = "watched_accuracy"  # what Trainings.fit watches, under the config's attack
RULE = Collapse(many=MANY_STEPS, one=ONE_STEP)


def gaps(epochs: Iterable[Row], reference: int) -> Iterator[dict[str, Any]]:
    """Of trainings that are not by one step: gaps at each epoch, mean over seeds with Student's 95 % interval.

    robust_gap: robust test loss minus the training loss of the same epoch, which like Xing et al.'s is the mean over
    the epoch while the weights moved. clean_gap: clean test minus clean training loss, both after the epoch.
    ratio: a training's robust gap in units of what it is at the reference epoch; told where that is above zero.
    """
    trainings = [group for group in _trainings(epochs) if group[0]["kind"] != "one step" and not group[0]["diverged"]]
    values: dict[tuple[Any, ...], list[float]] = {}
    for group in trainings:
        unit = _robust_gap(group[reference - 1])
        for row in group:
            told = {"robust_gap": _robust_gap(row), "clean_gap": row["clean_test_loss"] - row["clean_train_loss"]}
            told |= {"ratio": told["robust_gap"] / unit} if unit > 0 else {}
            for name, value in told.items():
                values.setdefault((name, row["samples"], row["eps"], row["epoch"]), []).append(value)
    for (name, samples, eps, epoch), found in values.items():
        mean = mean_interval(found)
        yield {"measure": name, "samples": samples, "eps": eps, "epoch": epoch,
               "mean": mean.mean, "low": mean.low, "high": mean.high, "n": mean.n}  # fmt: skip


def growth(epochs: Iterable[Row], reference: int) -> Iterator[dict[str, Any]]:
    """A row for each training that is not by one step: its robust gap at the reference epoch, at the end, their ratio.

    The ratio is NaN where the gap at the reference epoch is not above zero.
    """
    for group in _trainings(epochs):
        first, last = group[0], group[-1]
        if first["kind"] == "one step" or first["diverged"]:
            continue
        unit, end = _robust_gap(group[reference - 1]), _robust_gap(last)
        yield {
            "samples": first["samples"],
            "eps": first["eps"],
            "seed": first["seed"],
            "gap_at_reference": unit,
            "gap_at_end": end,
            "growth": end - unit,
            "ratio": end / unit if unit > 0 else nan,
            "clean_gap_at_end": last["clean_test_loss"] - last["clean_train_loss"],
            "clean_accuracy_gained": last["clean_test_accuracy"] - group[reference - 1]["clean_test_accuracy"],
        }


def growth_means(rows: Iterable[Row]) -> Iterator[dict[str, Any]]:
    """Of `growth` over seeds, with Student's 95 % intervals over the finite values; n counts the ratios."""
    names = ("gap_at_reference", "gap_at_end", "growth", "clean_gap_at_end", "ratio")
    for (samples, eps), group in grouped(rows, "samples", "eps").items():
        numbers: dict[str, Any] = {}
        for name in names:
            mean = mean_interval([row[name] for row in group if isfinite(row[name])])
            numbers |= {name: mean.mean, f"{name}_low": mean.low, f"{name}_high": mean.high, "n": mean.n}
        yield {"samples": samples, "eps": eps, **numbers}


def collapses(epochs: Iterable[Row]) -> Iterator[dict[str, Any]]:
    """A row for each adversarial training: whether and when it collapsed, and both accuracies then or at the end.

    fell: the collapse took away robustness that had been there; else there never was any. rise: accuracy under one
    step in that epoch minus that in the epoch that stood many steps best until then.
    """
    for group in _trainings(epochs):
        first = group[0]
        if first["kind"] == "clean" or first["diverged"]:
            continue
        many, one = ([row[name] for row in group] for name in (MANY_STEPS, ONE_STEP))
        at = RULE.first(many, one)
        told = len(group) - 1 if at is None else at
        best = max(range(told + 1), key=lambda epoch: many[epoch])
        yield {
            "kind": first["kind"],
            "samples": first["samples"],
            "eps": first["eps"],
            "seed": first["seed"],
            "collapsed": at is not None,
            "fell": RULE.fell(many, one),
            "epoch": group[told]["epoch"],
            "many_steps": many[told],
            "one_step": one[told],
            "best_many_steps": many[best],
            "rise": one[told] - one[best],
            "watched_loss": group[told]["watched_loss"],
        }


def stability(rows: Iterable[Row]) -> Iterator[dict[str, Any]]:
    """Of `collapses`, for each kind, size and strength: how many of n trainings collapsed, and mean accuracies then."""
    for (kind, samples, eps), group in grouped(rows, "kind", "samples", "eps").items():
        interval = wilson(sum(row["collapsed"] for row in group), len(group))
        means = {name: mean_interval([row[name] for row in group]).mean for name in ("epoch", "many_steps", "one_step")}
        yield {
            "kind": kind,
            "samples": samples,
            "eps": eps,
            "collapsed": sum(row["collapsed"] for row in group),
            "n": len(group),
            "low": interval.low,
            "high": interval.high,
            "fell": sum(row["fell"] for row in group),
            **means,
        }


def unstable(rows: Sequence[Row], epochs: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """For each size and seed: the smallest strength at which one-step training collapsed, beside eps_star.

    outcome: "found"; "above": no strength of the list, so that it is above them; "below": the least one already, so
    that it may be below it. stable_eps: the strength tried next below, or 0; the strength from which on training is
    unstable lies between the two. monotone: all larger strengths of the list collapsed too. eps_star is read off the
    trainings by many steps at the epochs of least watched loss; NaN, with a bound in `eps_star_text`, where they do
    not cross R*.
    """
    by_steps = grouped([row for row in rows if row["kind"] == "one step"], "samples", "seed")
    for (samples, seed), group in by_steps.items():
        ordered = sorted(group, key=lambda row: float(row["eps"]))
        bad = [row["eps"] for row in ordered if row["collapsed"]]
        star = _eps_star([row for row in epochs if (row["samples"], row["seed"]) == (samples, seed)])
        outcome = "above" if not bad else "below" if bad[0] == ordered[0]["eps"] else "found"
        yield {
            "samples": samples,
            "seed": seed,
            "unstable_eps": bad[0] if bad else None,
            "stable_eps": max((row["eps"] for row in ordered if not bad or row["eps"] < bad[0]), default=0.0),
            "outcome": outcome,
            "largest_tried": ordered[-1]["eps"],
            "monotone": all(row["collapsed"] for row in ordered if bad and row["eps"] >= bad[0]),
            **star,
        }


def unstable_texts(rows: Iterable[Row]) -> dict[int, str]:
    """The smallest unstable eps of each size in words, over seeds."""
    texts = {}
    for (samples,), group in grouped(rows, "samples").items():
        found = sorted({row["unstable_eps"] for row in group if row["unstable_eps"] is not None})
        stable = sum(row["unstable_eps"] is None for row in group)
        text = " to ".join(f"{eps:.4g}" for eps in dict.fromkeys((found[0], found[-1]))) if found else ""
        if stable:
            text = f"{text}, " if text else ""
            text += f"above {group[0]['largest_tried']:.4g} for {stable} of {len(group)} seeds"
        texts[samples] = text
    return texts


def _eps_star(rows: Sequence[Row]) -> dict[str, Any]:
    """Of one size and seed: the crossing of the running training loss with the objective on the clean test samples."""
    chosen = [row for row in rows if row["selected"] and row["kind"] != "one step" and not row["diverged"]]
    clean = [row for row in chosen if not row["eps"]]
    if not clean or len(chosen) < 2:
        return {"eps_star": nan, "eps_star_text": "not told"}
    losses = [row["train_loss"] for row in chosen]
    found = crossing([row["eps"] for row in chosen], losses, clean[0]["robust_test_loss"])
    return {"eps_star": found.estimate, "eps_star_text": str(over_seeds([found]))}


def _robust_gap(row: Row) -> float:
    return float(row["robust_test_loss"] - row["train_loss"])


def _trainings(epochs: Iterable[Row]) -> list[list[Row]]:
    return list(grouped(epochs, "kind", "samples", "eps", "seed").values())
