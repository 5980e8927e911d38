"""From a row per epoch and training to eps_star by each method, and its means over seeds; pure."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from math import inf, isfinite, nan
from typing import Any

from modules.phase_transition.crossing import Crossing
from modules.phase_transition.crossing import over_seeds as crossings_over_seeds
from modules.phase_transition.epsilon_star_tables import MEASURES, crossings
from modules.phase_transition.extrapolation import METHODS, curve
from modules.phase_transition.rows import Row, grouped, known, whole_mean, whole_ratio
from suite.stats import Mean, mean_interval

_NOTHING = {"scratch": None, "scratch_outcome": "", "scratch_at_least": None, "scratch_at_most": None}


def trainings(epochs: Iterable[Row]) -> list[dict[str, Any]]:
    """The selected epoch of each training."""
    return [dict(row) for row in epochs if row["selected"]]


def estimates(rows: Sequence[Row], loss: str) -> Iterator[dict[str, Any]]:
    """A row for each measure, inner attack, gradient rule, seed and method: eps_star by fine-tuning and from scratch.

    Diverged trainings are left out; without its clean training a seed has no threshold and no row.

    Args:
        rows: of `trainings`.
        loss: the objective, see `options.loss_call`.
    """
    from_scratch = _from_scratch(rows, loss)
    for measure, column, threshold_column in MEASURES:
        for clean in (row for row in rows if row["how"] == "clean" and _counts(row, column)):
            seed, threshold = clean["seed"], clean[threshold_column]
            scratch = from_scratch.get((measure, seed), _NOTHING)
            for (attack, gradient), points in _tunings(rows, seed).items():
                used = [(row["eps"], row[column]) for row in points if _counts(row, column)]
                for method in METHODS:
                    found = _estimate(method, clean[column], used, threshold)
                    both = found["eps_star"] is not None and scratch["scratch"]
                    yield {
                        "measure": measure,
                        "attack": attack,
                        "gradient": gradient,
                        "seed": seed,
                        "method": method,
                        "threshold": threshold,
                        "clean_loss": clean[column],
                        **found,
                        "points": len(used),
                        "left_out": len(points) - len(used),
                        **scratch,
                        "ratio": found["eps_star"] / scratch["scratch"] if both else None,
                    }


def over_seeds(estimates: Iterable[Row]) -> Iterator[dict[str, Any]]:
    """Means over seeds with Student's 95 % intervals of eps_star, geometric ones of its ratio to that from scratch.

    A mean is given only where every seed has the number. `found` counts the seeds that have an eps_star, `beyond` those
    of them that were extrapolated, `falling` the seeds whose losses fall somewhere.
    """
    for (measure, attack, gradient, method), group in grouped(
        estimates, "measure", "attack", "gradient", "method"
    ).items():
        star = whole_mean([row["eps_star"] for row in group])
        ratio = whole_ratio([row["ratio"] for row in group])
        scratch = crossings_over_seeds([_crossing(row) for row in group if row["scratch_outcome"]])
        found = sum(row["eps_star"] is not None for row in group)
        beyond = sum(row["where"] == "beyond" for row in group)
        yield {
            "measure": measure,
            "attack": attack,
            "gradient": gradient,
            "method": method,
            "threshold": mean_interval([row["threshold"] for row in group]).mean,
            "eps_star": star.mean,
            "low": star.low,
            "high": star.high,
            "found": found,
            "beyond": beyond,
            "falling": sum(not row["monotone"] for row in group),
            "n": len(group),
            "text": _text(star, found, beyond, len(group)),
            "scratch": scratch.mean,
            "scratch_low": scratch.low,
            "scratch_high": scratch.high,
            "scratch_text": str(scratch) if scratch.n else "",
            "ratio": ratio.mean,
            "ratio_low": ratio.low,
            "ratio_high": ratio.high,
        }


def _text(star: Mean, found: int, beyond: int, n: int) -> str:
    if found < n:
        return f"found for {found} of {n} seeds"
    interval = f" [{star.low:.4g}, {star.high:.4g}]" if isfinite(star.low) else ""
    return f"{star.mean:.4g}{interval}" + (f", extrapolated for {beyond} of {n} seeds" if beyond else "")


def _estimate(
    method: str, clean_loss: float, points: Sequence[tuple[float, float]], threshold: float
) -> dict[str, Any]:
    """eps_star by one method from (eps, loss) pairs, where it lies, and whether the losses rise with eps."""
    if not points:
        return {"eps_star": None, "where": "no training left", "monotone": True}
    eps, losses = zip(*sorted(points), strict=True)
    found = curve(method, clean_loss, eps, losses).crossing(threshold)
    monotone = all(one <= other for one, other in pairwise((clean_loss, *losses)))
    return {"eps_star": known(found.eps), "where": found.where, "monotone": monotone}


def _from_scratch(rows: Sequence[Row], loss: str) -> dict[tuple[str, int], dict[str, Any]]:
    """By measure and seed."""
    return {
        (row["measure"], row["seed"]): {
            "scratch": known(row["eps_star"]),
            "scratch_outcome": row["outcome"],
            "scratch_at_least": row["at_least"],
            "scratch_at_most": known(row["at_most"]),
        }
        for row in crossings([row for row in rows if row["how"] != "fine-tuned"], loss)
    }


def _crossing(row: Row) -> Crossing:
    star, most = (nan if row["scratch"] is None else row["scratch"]), row["scratch_at_most"]
    return Crossing(row["scratch_outcome"], star, row["scratch_at_least"], inf if most is None else most, True)


def _tunings(rows: Sequence[Row], seed: int) -> dict[tuple[Any, ...], list[Row]]:
    return grouped([row for row in rows if row["how"] == "fine-tuned" and row["seed"] == seed], "attack", "gradient")


def _counts(row: Row, column: str) -> bool:
    return not row["diverged"] and row[column] is not None and isfinite(row[column])
