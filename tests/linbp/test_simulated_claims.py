"""Claims of the simulated studies: what the judges say of made-up tables, and when they refuse."""

from typing import Any

import polars as pl
import pytest

from modules.linbp.simulated_claims import ALIKE, assumption, closer
from suite.claims import Claim
from suite.statistics import mcnemar_of, rate_of


def share(step: int, linbp: int, bp: int, lost: int = 0, **gap: Any) -> dict[str, Any]:
    """A row of the table: runs with LinBP and with BP ahead, runs lost on both sides, and the gap of the others."""
    test, row = mcnemar_of(linbp, bp), rate_of(linbp, linbp + bp).columns()
    counts = {"linbp_ahead": linbp, "bp_ahead": bp, "p_value": test.p_value, "ties": lost, "lost": lost}
    means = {"gap": 1.0, "gap_low": 0.5, "gap_high": 1.5, "gap_n": linbp + bp} | gap
    return {"dynamics": "simulated", "step": step, **means, **row, **counts}


def judged(gap: dict[str, Any], ahead: tuple[int, int], lost: int = 0) -> list[Claim]:
    """The claims at step 2; at step 1 LinBP is ahead in both ways."""
    rows = [share(1, 27, 3), share(2, *ahead, lost, **{f"gap_{end}": value for end, value in gap.items()})]
    return list(closer(pl.DataFrame(rows), "raw", "Fig. 1"))


@pytest.mark.parametrize(
    ("gap", "ahead", "verdicts"),
    [
        ({}, (27, 3), ["reproduced", "reproduced"]),
        ({"low": -0.1}, (18, 12), ["cannot be told", "cannot be told"]),
        ({"low": -3.0, "high": -1.0}, (3, 27), ["differs", "differs"]),
        ({"low": None, "high": None}, (27, 3), ["cannot be told", "reproduced"]),
        ({"low": 1e-17}, (0, 0), ["cannot be told", "cannot be told"]),
        ({}, (4, 0), ["reproduced", "cannot be told"]),  # p = 1/8, though Wilson's interval is above one half
    ],
)
def test_a_verdict_follows_from_the_interval_and_from_the_test(
    gap: dict[str, Any], ahead: tuple[int, int], verdicts: list[str]
) -> None:
    claims = judged(gap, ahead)
    assert [claim.judgement.verdict for claim in claims] == verdicts
    assert {claim.setting for claim in claims} == {"raw, simulated, step 2"}
    unclear = "low" in gap and ahead != (0, 0)
    assert ("not above 0 at 1 of 2 steps" in claims[0].judgement.note) == unclear
    assert all((ALIKE in claim.judgement.note) == (ahead == (0, 0)) for claim in claims)


def test_runs_that_diverge_are_not_overlooked() -> None:
    """With 40 % of the runs lost the mean of the others says nothing; those lost on both sides count for the weaker."""
    mean, most = judged({"n": 18}, (27, 0), lost=3)
    assert mean.judgement.verdict == "cannot be told" and "12 of 30 runs are lost" in mean.judgement.note
    assert most.judgement.verdict == "reproduced"
    assert judged({}, (16, 3), lost=12)[1].judgement.verdict == "cannot be told"


def test_dynamics_are_judged_apart() -> None:
    behind = {"dynamics": "expected", "gap": -1.0, "gap_low": -2.0, "gap_high": -0.5}
    ahead = pl.DataFrame([share(2, 9, 0), share(2, 9, 0) | behind])
    verdicts = {c.setting: c.judgement.verdict for c in closer(ahead, "l2", "Theorem 1") if "gap" in c.claim}
    assert verdicts == {"l2, simulated, step 2": "reproduced", "l2, expected, step 2": "differs"}


def condition(*holding: int, of: int) -> pl.DataFrame:
    rows = [{"step": step, "of": "runs", **rate_of(count, of).columns()} for step, count in enumerate(holding, 1)]
    return pl.DataFrame([{"units": "d2", "dynamics": "simulated", **row} for row in rows])


def test_an_assumption_is_judged_at_the_last_step_and_dated() -> None:
    (claim,) = assumption(condition(9, 4, 1, of=10), "Eq. 21")
    assert (claim.setting, claim.measured and claim.measured.value) == ("all coordinates, simulated, step 3", 0.1)
    assert claim.judgement.verdict == "differs"
    assert claim.judgement.note == "9 of 10 runs violate it; at step 1 in 10.0% of runs, in half by step 2"
    (claim,) = assumption(condition(60, 60, of=60), "Eq. 21")
    assert claim.judgement.verdict == "reproduced"
    (claim,) = assumption(condition(10, 10, of=10), "Eq. 21")
    assert claim.judgement.verdict == "cannot be told"  # ten runs do not exclude that one in five violates it
