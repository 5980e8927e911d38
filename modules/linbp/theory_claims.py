"""What the paper says about its simulations, as tests on numbers: claim, measured value, interval, verdict."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from modules.linbp.simulation import TRAJECTORIES
from modules.linbp.theory_tables import half_way
from suite.stats import mcnemar_exact, wilson

Rows = Sequence[Mapping[str, Any]]

ALIKE = "cannot be told: no run differs by more than rounding"


def of_the_attack(ahead: Rows, condition: Rows, first: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Theorem 1, Fig. 1 and the remarks after the theorem.

    Args:
        ahead: rows per mode, dynamics and step.
        condition: rows of Eq. 21, empty without raw updates.
        first: per run, length and cosine with the residual of the first gradients.
    """
    for mode in dict.fromkeys(row["mode"] for row in ahead):
        yield from closer([row for row in ahead if row["mode"] == mode], mode, "Theorem 1, Fig. 1")
    longer = first["linbp length"] > first["bp length"]
    straighter = first["linbp cosine"] > first["bp cosine"]
    yield _share("LinBP's first gradient is longer", "Sec. 3.1", "raw", longer)
    yield _share("LinBP's first gradient points better at the residual", "Sec. 3.1", "raw", straighter)
    yield from assumption(condition, "Eq. 21")


def of_the_training(by_step: Rows, ahead: Rows, condition: Rows) -> Iterator[dict[str, Any]]:
    """Theorem 2 and Fig. 2: at the last step, and "at the early stage", where BP has gone half the way or nearly.

    Args:
        by_step, ahead: rows per quantity, dynamics and step.
        condition: rows of Eq. 22.
    """
    for until in sorted({half_way(by_step), max(row["step"] for row in by_step)}):
        for quantity, source in {"l1 distance": "Theorem 2, Fig. 2b", "loss": "Fig. 2a"}.items():
            rows = [row for row in ahead if row["quantity"] == quantity and row["step"] <= until]
            yield from closer(rows, quantity, source)
    yield from assumption(condition, "Eq. 22")


def closer(ahead: Rows, what: str, source: str) -> Iterator[dict[str, Any]]:
    """LinBP is ahead at the last of these steps: in the mean, and in more than half of the runs; for each dynamics.

    The mean is reproduced when its interval is above 0, the share when its is above 1/2; below, they differ.
    """
    for dynamics in TRAJECTORIES:
        rows = [row for row in ahead if row["dynamics"] == dynamics and row["step"] > 0]
        if not rows:
            continue
        row = rows[-1]
        where = {"source": source, "of": what, "dynamics": dynamics, "step": row["step"]}
        gap = {"value": row["gap"], "low": row["gap_low"], "high": row["gap_high"], "n": row["gap_n"], "p_value": None}
        verdict = _verdict(row["gap_low"], row["gap_high"], 0) if row["n"] else ALIKE
        telling = [earlier for earlier in rows if earlier["n"]]
        unclear = sum(not (earlier["gap_low"] or -1) > 0 for earlier in telling)
        if unclear:
            verdict += f"; not above 0 at {unclear} of {len(telling)} steps read"
        yield {"claim": "mean gap BP - LinBP > 0", **where, **gap, "verdict": verdict}
        share = {"value": row["share"], "low": row["low"], "high": row["high"], "n": row["n"]}
        verdict = _verdict(row["low"], row["high"], 0.5) if row["n"] else ALIKE
        yield {
            "claim": "LinBP ahead in > 1/2 of runs", **where, **share, "p_value": row["p_value"], "verdict": verdict
        }  # fmt: skip


def assumption(condition: Rows, source: str) -> Iterator[dict[str, Any]]:
    """The theorem's assumption holds for all coordinates: in which share of runs, at the last step that resolves it.

    Reproduced would be in every run; else the verdict says when it is broken.
    """
    for key in dict.fromkeys((row["trajectory"], row["units"]) for row in condition):
        rows = [row for row in condition if (row["trajectory"], row["units"]) == key]
        last = rows[-1]
        half = next((f", in half by step {row['step']}" for row in rows if row["runs"] <= 0.5), "")
        broken = f"differs: broken at step 1 in {1 - rows[0]['runs']:.1%} of runs{half}"
        yield {
            "claim": f"assumed step size ({key[1]}) holds", "source": source, "of": "all coordinates",
            "dynamics": key[0], "step": last["step"], "value": last["runs"], "low": last["runs_low"],
            "high": last["runs_high"], "n": last["n"], "p_value": None,
            "verdict": "reproduced: in every run" if last["runs"] == 1 else broken,
        }  # fmt: skip


def _share(claim: str, source: str, what: str, true: "np.ndarray[Any, np.dtype[np.bool_]]") -> dict[str, Any]:
    count = int(np.sum(true))
    interval = wilson(count, len(true))
    return {
        "claim": claim, "source": source, "of": what, "dynamics": "simulated", "step": 0,
        "value": interval.rate, "low": interval.low, "high": interval.high, "n": interval.n,
        "p_value": mcnemar_exact(count, len(true) - count).p_value,
        "verdict": _verdict(interval.low, interval.high, 0.5),
    }  # fmt: skip


def _verdict(low: float | None, high: float | None, against: float) -> str:
    """Where an interval lies; no interval, or one that holds the value, decides nothing."""
    if low is not None and low > against:
        return "reproduced"
    if high is not None and high < against:
        return "differs"
    return "cannot be told"
