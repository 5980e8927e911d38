"""Tables of `linbp.positions` from rows per sample, by hand."""

from math import nan
from typing import Any

import numpy as np
import pytest

from modules.linbp.positions_tables import against_bp, best, diagnostics, losses, success, transfer, why
from suite.stats import mcnemar_exact, paired_difference, wilson

# Six samples, steps 0..2; BP fools samples 0 and 1 within 2, start 0 none, start 1 all.
FOOLED = {"none": ["011", "001", *["000"] * 4], "0": ["000"] * 6, "1": ["001"] * 6}
LOSS = {"none": [0.0, 1.0, 2.0], "0": [0.0, 0.5, 0.5], "1": [0.0, 2.0, 5.0]}
COSINE = {"none": [1.0, 1.0], "0": [0.1, nan], "1": [0.9, 0.8]}
RATIO = {"none": [1.0, 1.0], "0": [10.0, nan], "1": [4.0, 2.0]}


def samples() -> dict[str, list[Any]]:
    table: dict[str, list[Any]] = {
        name: []
        for name in ("start", "fooled_by_step", "transferred", "loss", "cosine", "norm_ratio", "sign_agreement")
    }
    for start, texts in FOOLED.items():
        for i, text in enumerate(texts):
            table["start"].append(start)
            table["fooled_by_step"].append(text)
            # Victim b is wrong about the clean samples 4 and 5.
            table["transferred"].append(text[-1] + ("-" if i > 3 else "1" if start == "1" else "0"))
            table["loss"].append([value + (0.1 * i if k else 0) for k, value in enumerate(LOSS[start])])
            seen = i % 2 == 0
            table["cosine"].append(COSINE[start] if seen else [])
            table["norm_ratio"].append([value * (2 if i == 2 else 1) for value in RATIO[start]] if seen else [])
            table["sign_agreement"].append(COSINE[start] if seen else [])
    return table


def row(rows: list[dict[str, Any]], **cell: Any) -> dict[str, Any]:
    (found,) = [row for row in rows if all(row[name] == value for name, value in cell.items())]
    return found


def test_success_against_bp() -> None:
    rows = list(success(samples(), [2, 1]))
    assert [(r["steps"], r["start"]) for r in rows] == [(k, s) for k in (1, 2) for s in FOOLED]
    assert row(rows, steps=1, start="none")["rate"] == 1 / 6
    found, interval = row(rows, steps=2, start="1"), wilson(6, 6)
    assert (found["rate"], found["low"], found["high"], found["n"]) == (1, interval.low, interval.high, 6)
    difference = paired_difference(2, 4, 0, 0)
    assert (found["difference"], found["difference_low"]) == (difference.difference, difference.low)
    assert (found["only_this"], found["only_bp"], found["p_value"]) == (4, 0, mcnemar_exact(4, 0).p_value)
    assert found["p_holm"] == 2 * found["p_value"]  # two starts, this one first
    assert row(rows, steps=2, start="0")["p_holm"] == 0.5 == row(rows, steps=2, start="0")["p_value"]
    reference = row(rows, steps=2, start="none")
    assert [reference[name] for name in ("difference", "difference_low", "p_value", "p_holm")] == [None] * 4


def test_transfer_counts_what_the_victim_knows() -> None:
    rows = list(transfer(samples(), ["a", "b"]))
    assert row(rows, victim="a", start="1")["n"] == 6 and row(rows, victim="b", start="1")["n"] == 4
    assert [row(rows, victim="b", start=s)["rate"] for s in FOOLED] == [0, 0, 1]


def test_a_victim_that_knows_nothing_has_no_row() -> None:
    table = samples()
    table["transferred"] = [text[0] + "-" for text in table["transferred"]]
    assert {r["victim"] for r in transfer(table, ["a", "b"])} == {"a"}


def test_losses_are_means_paired_with_bp() -> None:
    rows = list(losses(samples()))
    assert len(rows) == 9
    found = row(rows, start="1", step=2)
    assert found["loss"] == pytest.approx(5.25) and found["n"] == 6
    # The samples differ, the pairs do not: an interval for the difference without width.
    assert [found[n] for n in ("difference", "difference_low", "difference_high")] == pytest.approx([3, 3, 3])
    assert found["low"] < 5.25 < found["high"]


def test_diagnostics_are_means_over_watched_samples() -> None:
    rows = list(diagnostics(samples()))
    assert len(rows) == 6
    found = row(rows, start="1", step=0)
    assert (found["n"], found["undefined"]) == (3, 0) and found["cosine"] == pytest.approx(0.9)
    assert found["norm_ratio"] == pytest.approx((4 * 8 * 4) ** (1 / 3))  # geometric
    gone = row(rows, start="0", step=1)
    assert (gone["n"], gone["undefined"]) == (0, 3) and gone["cosine"] != gone["cosine"]


def test_the_best_start_and_whether_it_helps() -> None:
    fooled = {"none": [False] * 20, "0": [True] * 20, "1": [True] * 20, "2": [False] * 19 + [True]}
    rows = [{"steps": 5, **r} for r in against_bp({k: np.array(v) for k, v in fooled.items()})]
    (found,) = best(rows, [], {"none": "", "0": "a", "1": "b", "2": "c"})
    assert (found["verdict"], found["start"], found["path"]) == ("helps", "1", "b")  # of equals the latest
    assert (found["better"], found["worse"], found["from_"], found["to"], found["starts"]) == (2, 0, "0", "1", 3)


def test_none_may_be_the_answer() -> None:
    """Four samples more than BP are not enough: p = 2 / 2^4."""
    rows = list(success(samples(), [2]))
    (found,) = best(rows, [], {"none": "", "0": "a", "1": "b"})
    assert (found["verdict"], found["start"], found["p_holm"]) == ("none", "1", 0.25)
    assert found["better"] == 0 and found["from_"] is None


def test_rank_correlations_over_the_starts() -> None:
    starts = ["none", "0", "1", "2", "3"]
    rates = [{"steps": 2, "start": s, "rate": 0.1 * i} for i, s in enumerate(starts)]
    loss = [{"start": s, "step": 2, "loss": float(i**3)} for i, s in enumerate(starts)]
    angles = [
        {"start": s, "step": step, "cosine": -float(i) if step else 0.5, "norm_ratio": nan}
        for i, s in enumerate(starts)
        for step in (0, 1)
    ]
    found = {row["explanation"]: row["rank_correlation"] for row in why(rates, loss, angles)}
    assert found == {
        "cosine at the clean sample": None,  # constant
        "cosine at the last gradient": pytest.approx(-1),
        "norm ratio at the clean sample": None,  # undefined everywhere
        "loss reached": pytest.approx(1),
    }
