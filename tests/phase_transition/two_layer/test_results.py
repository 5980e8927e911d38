"""Powers of the width from distances of known law, and what is judged of Proposition 1."""

import numpy as np
import polars as pl
import pytest

from modules.phase_transition.two_layer.results import QUANTITIES, by_width, claims, notes, powers

CELL = {"d": 4, "samples": 12, "scale": "one", "activation": "tanh", "eps": 0.0, "eps_over_order": 0.0}


def distances(gone: bool) -> pl.DataFrame:
    """3 / h up to a per cent, by width in any order; the loss stays 1/2; seed 5 may diverge at width 16."""
    rng = np.random.default_rng(0)
    rows = [
        CELL | {"h": h, "repeat": repeat, "gone": gone and repeat == 5 and h == 16}
        | dict.fromkeys(QUANTITIES, 3 / h * np.exp(0.01 * rng.standard_normal())) | {"loss": 0.5}
        for h in (64, 16, 256)
        for repeat in range(6)
    ]  # fmt: skip
    return pl.DataFrame(rows)


def judged(table: pl.DataFrame) -> dict[str, str]:
    found = claims(powers(table))
    return {claim.claim.split(": ")[1]: claim.judgement.verdict for claim in found}


def test_a_power_is_found_and_judged() -> None:
    found = {row["quantity"]: row for row in powers(distances(False)).to_dicts()}
    assert found["path"]["value"] == pytest.approx(-1, abs=0.02)
    assert (found["path"]["n"], found["path"]["lost"]) == (6, 0)
    assert found["loss"]["value"] == pytest.approx(0, abs=1e-12)
    assert judged(distances(False))[QUANTITIES["path"]] == "reproduced"
    assert judged(distances(False))[QUANTITIES["loss"]] == "differs"


def test_a_seed_that_diverged_is_lost_and_could_turn_the_answer() -> None:
    table = distances(True)
    found = {row["quantity"]: row for row in powers(table).to_dicts()}
    assert (found["path"]["n"], found["path"]["lost"]) == (5, 1)
    assert set(judged(table).values()) == {"cannot be told"}
    rows = by_width(table).filter(pl.col("quantity") == "path").to_dicts()
    assert [(row["h"], row["n"], row["diverged"]) for row in rows] == [(64, 6, 0), (16, 5, 1), (256, 6, 0)]
    assert list(notes(by_width(table))) == ["1 trainings diverged and are left out; a smaller --step keeps them"]
    none = powers(table.with_columns(gone=pl.lit(True))).to_dicts()
    assert all((row["value"], row["n"], row["lost"]) == (None, 0, 6) for row in none)


def test_one_width_has_no_power() -> None:
    assert set(powers(distances(False).filter(pl.col("h") == 16))["value"]) == {None}
