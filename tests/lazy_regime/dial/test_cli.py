"""`suite run lazy_regime.dial` as typed: rows that agree with each other, portions, protocols, refused input."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modules.lazy_regime.nets import portions
from tests.conftest import Finished

pytestmark = pytest.mark.usefixtures("undrawn")

FinishedStudy = Callable[..., Finished]
NAME = "lazy_regime.dial"
SMALL = "--size 4 --widths 40,80 --c0s 0,2 --networks 3 --epochs 40 --steps 5 --test-limit 20"


@pytest.mark.drawn
def test_the_dial_goes_from_initialisation_to_no_ball(finished_study: FinishedStudy) -> None:
    done = finished_study(NAME, SMALL)
    nets = done.rows("nets")
    assert len(nets) == 2 * 3 * 3 and [row["c0"] for row in nets[:9]] == [0] * 3 + [2] * 3 + [None] * 3
    for row in nets:
        assert row["c0"] is None or row["distance"] <= row["c0"] * (1 + 1e-5)
        assert (row["drift"] == 0) == (row["c0"] == 0)
        assert row["many_steps"] <= row["single_step"]
        flips = [flip for flip in done.rows("flips") if all(flip[name] == row[name] for name in ("m", "c0", "run"))]
        sizes = {(flip["attack"], flip["gradient"]): flip["size"] for flip in flips}
        assert sizes["one step", "bp"] == row["single_step"] and sizes["nearest found", "bp"] == row["many_steps"]
        assert sizes["PGD", "linbp"] == pytest.approx(sizes["one step", "linbp"], rel=0.011)  # its field is constant
        assert sizes["PGD", "bp"] < 1.02 * sizes["one step", "bp"]
    by_c0 = {(row["m"], row["c0"]): row for row in done.rows("dial")}
    drifts = [row["drift"] for row in nets if (row["m"], row["c0"]) == (80, None)]
    assert by_c0[80, None]["drift"] == pytest.approx(np.mean(drifts)) and by_c0[80, None]["nets"] == 3
    assert any("linbp" in row["claim"] for row in done.rows("claims"))
    assert done.manifest["facts"] == {"d": 16, "points": 20}
    assert all(Path(file).stat().st_size > 5_000 for file in done.shown["figures"].values())


def test_nets_in_portions_are_the_same_nets(finished_study: FinishedStudy, monkeypatch: Any) -> None:
    assert [list(runs) for runs in portions(5, 2**26)] == [[0, 1], [2, 3], [4]] and len(portions(3, 2**40)) == 3
    typed = f"{SMALL} --widths 40"
    together = finished_study(NAME, typed).rows("nets")
    monkeypatch.setattr("modules.lazy_regime.dial.measure.portions", lambda networks, _: portions(networks, 2**27))
    apart = {(r["m"], r["c0"], r["run"]): r for r in finished_study(NAME, typed, "--fresh").rows("nets")}
    for row in together:
        assert apart[row["m"], row["c0"], row["run"]] == {name: pytest.approx(value) for name, value in row.items()}


def test_the_released_protocol_and_no_other_rule(finished_study: FinishedStudy) -> None:
    done = finished_study(NAME, SMALL, "--widths 40 --biases --no-unit-norm --stop outside --gradient bp")
    assert not any("step is longer than the gradient's" in row["claim"] for row in done.rows("claims"))
    assert all(row["rule_step"] == row["single_step"] for row in done.rows("nets"))
    assert {row["gradient"] for row in done.rows("flips")} == {"bp"}


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("--classes 3", "two different"),
        ("--size 28", "8 x 8"),
        ("--c0s -0.1", "greater than or equal to 0"),
        ("--widths 0", "greater than 0"),
        ("--gradient nothing", "nothing"),
        ("--gradient linbp(start=7)", "out of range"),
    ],
)
def test_bad_input_is_refused_in_one_line_and_leaves_nothing(
    refused: Callable[..., str], typed: str, says: str
) -> None:
    assert says in refused(NAME, typed)
