"""From losses along paths to barriers, their means over seeds and the claims of Xing et al. 2022, Sec. 5.2; pure."""

from collections.abc import Iterable, Iterator, Sequence
from math import isfinite
from typing import Any

from modules.phase_transition.rows import Row, grouped
from suite.stats import Mean, mean_interval

NUMBERS = ("barrier", "excess", "low_share", "start_loss", "end_loss", "asymmetry")
_VERDICTS = {"yes": "reproduced", "no": "differs", "undecided": "cannot be told"}


def connectable(ends: Sequence[Row]) -> list[tuple[float, int]]:
    """Strengths and seeds whose two models did not diverge."""
    starts = {row["seed"] for row in ends if row["end"] == "start" and not row["diverged"]}
    others = [row for row in ends if row["end"] == "end" and not row["diverged"]]
    return [(row["eps"], row["seed"]) for row in others if row["seed"] in starts]


def barriers(paths: Iterable[Row], ends: Iterable[Row]) -> Iterator[dict[str, Any]]:
    """A row for each strength, seed and path whose losses are finite.

    barrier: the path's highest loss minus the larger loss of its two ends, >= 0. excess: the most by which the loss is
    above the line between the losses of the two ends, >= barrier. low_share: of the path's points, those
    with a loss below the clean model's test loss R*: the low-loss region by the paper's own measure of a loss that
    training reaches. asymmetry: the loss of the adversarial end minus that of the clean one.
    """
    threshold = {row["seed"]: row["clean_test_loss"] for row in ends if row["end"] == "start"}
    for (eps, seed, path), group in grouped(paths, "eps", "seed", "path").items():
        losses = [row["loss"] for row in group]
        if not all(loss is not None and isfinite(loss) for loss in losses):
            continue
        start, end = losses[0], losses[-1]
        yield {
            "eps": eps,
            "seed": seed,
            "path": path,
            "barrier": max(losses) - max(start, end),
            "excess": max(row["loss"] - (1 - row["t"]) * start - row["t"] * end for row in group),
            "highest_at": group[losses.index(max(losses))]["t"],
            "low_share": sum(loss < threshold[seed] for loss in losses) / len(losses),
            "start_loss": start,
            "end_loss": end,
            "asymmetry": end - start,
            "threshold": threshold[seed],
        }


def means(rows: Iterable[Row]) -> Iterator[dict[str, Any]]:
    """Of `barriers` over seeds, with Student's 95 % intervals: a row for each path and strength."""
    for (path, eps), group in grouped(sorted(rows, key=lambda row: str(row["path"])), "path", "eps").items():
        numbers: dict[str, Any] = {}
        for name in NUMBERS:
            numbers |= _told(name, mean_interval([row[name] for row in group]))
        threshold = mean_interval([row["threshold"] for row in group]).mean
        yield {"path": path, "eps": eps, **numbers, "threshold": threshold, "n": len(group)}


def profiles(paths: Iterable[Row]) -> Iterator[dict[str, Any]]:
    """The loss at each point of each path: mean over seeds with Student's 95 % interval."""
    for (path, eps, t), group in grouped(paths, "path", "eps", "t").items():
        losses = [row["loss"] for row in group if row["loss"] is not None and isfinite(row["loss"])]
        mean = mean_interval(losses)
        yield {"path": path, "eps": eps, "t": t, "mean": mean.mean, "low": mean.low, "high": mean.high, "n": mean.n}


def claims(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """What Sec. 5.2 reads off Fig. 4, as numbers over seeds; no row where a number has fewer than two seeds.

    At the smallest eps > 0 most of the curve lies in the low-loss region. From there to the largest eps the adversarial
    model moves out of the basin: its clean loss rises above the clean model's. Of the way between the paper says
    nothing in numbers: how the excess changes is told without a verdict.
    """
    curve = {(row["eps"], row["seed"]): row for row in rows if row["path"] == "curve"}
    strengths = sorted({eps for eps, _ in curve if eps})
    if not strengths:
        return
    small, large = strengths[0], strengths[-1]
    seeds = [seed for eps, seed in curve if eps == small]
    told = f"eps {small:.4g}: share of the curve with a loss below R*, minus 1/2"
    yield from _claim(told, [curve[small, seed]["low_share"] - 0.5 for seed in seeds], judged=True)
    both = [seed for seed in seeds if (large, seed) in curve]
    if large > small:
        for name, what in (("asymmetry", "loss of the adversarial end minus that of the clean one"),
                           ("excess", "excess of the curve")):  # fmt: skip
            rise = [curve[large, seed][name] - curve[small, seed][name] for seed in both]
            yield from _claim(f"{what}, eps {large:.4g} minus eps {small:.4g}", rise, judged=name == "asymmetry")


def _claim(number: str, values: Sequence[float], *, judged: bool) -> Iterator[dict[str, Any]]:
    """Whether a number is above zero; a verdict where the paper says so."""
    mean = mean_interval(values)
    if mean.n < 2:
        return
    holds = "yes" if mean.low > 0 else "no" if mean.high < 0 else "undecided"
    told = {"mean": mean.mean, "low": mean.low, "high": mean.high, "n": mean.n}
    verdict = _VERDICTS[holds] if judged else ""
    yield {"claim": number, **told, "above_zero": holds, "paper": "Fig. 4" if judged else "", "verdict": verdict}


def _told(name: str, mean: Mean) -> dict[str, float]:
    return {name: mean.mean, f"{name}_low": mean.low, f"{name}_high": mean.high}
