"""What each way to eps_star costs, from a row per training; pure.

The paper counts epochs: 40 of fine-tuning for 200 from scratch, at each strength. Here passes are counted, gradients of
one image's loss, and seconds; all trainings of one way against all of the other.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import nan
from typing import Any

from modules.phase_transition.rows import Row, known

Way = tuple[str, str, str]  # what, inner attack, gradient rule
CLEAN: Way = ("clean", "", "")
CHEAPEST, WHOLE = "1-point", "all points"  # one fine-tuning is enough for the one method, all are for the others


def costs(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """Trainings and passes of each way to eps_star, all seeds together; clean training, which all need, by itself.

    `share` is of all trainings from scratch by passes, `share_with_clean` when clean training is counted on both sides,
    `share_each` of one training in one from scratch.
    """
    passes = _sums(rows, {row["part"]: float(row["passes"]) for row in rows})
    counts = _sums(rows, {row["part"]: 1.0 for row in rows})
    clean, scratch = passes[CLEAN], passes.get(_scratch_way(passes), nan)
    for way, total in passes.items():
        one = scratch / counts.get(_scratch_way(passes), nan)
        yield {
            **dict(zip(("what", "attack", "gradient"), way, strict=True)),
            "trainings": int(counts[way]),
            "passes": int(total),
            "share": known(total / scratch),
            "share_with_clean": known((total + clean) / (scratch + clean)) if way != CLEAN else None,
            "share_each": known(total / counts[way] / one),
        }


def seconds(rows: Sequence[Row], measured: Mapping[str, float]) -> dict[str, dict[str, float | None]]:
    """As `costs`, of the seconds that each part took: None where they are not known."""
    sums = _sums(rows, measured)
    scratch = sums.get(_scratch_way(sums), nan)
    return {
        " ".join(word for word in way if word): {"seconds": known(total), "share": known(total / scratch)}
        for way, total in sums.items()
    }


def _sums(rows: Sequence[Row], of: Mapping[str, float]) -> dict[Way, float]:
    """What the parts of each way to eps_star have together; NaN where one of them is not known."""
    sums: dict[Way, float] = {}
    for row in rows:
        ways = [CLEAN if row["how"] == "clean" else ("from scratch", row["attack"], row["gradient"])]
        if row["how"] == "fine-tuned":
            strengths = sorted({other["eps"] for other in rows if other["how"] == "fine-tuned"})
            middle = row["eps"] == strengths[(len(strengths) - 1) // 2]
            ways = [(what, row["attack"], row["gradient"]) for what in ([CHEAPEST] if middle else []) + [WHOLE]]
        for way in ways:
            sums[way] = sums.get(way, 0.0) + of[row["part"]]
    return sums


def _scratch_way(sums: Mapping[Way, float]) -> Way:
    """The trainings from scratch, if there are any: of one attack and rule."""
    return next((way for way in sums if way[0] == "from scratch"), ("", "", ""))
