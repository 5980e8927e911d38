"""Verdicts of runs: the rows of their table of claims, in words and numbers."""

from collections.abc import Callable
from pathlib import Path

import pytest

from suite.claims import CANNOT_TELL, REPRODUCED, Claim, Judgement, claims_table
from suite.errors import SuiteError
from suite.host.store import RunDirectory
from suite.host.verdicts import Verdict, of_row, verdicts
from suite.statistics import Estimate
from suite.tables import frame_bytes

MEASURED = Claim(
    "it grows", "Fig. 1", Judgement(REPRODUCED, "inside"), "d = 20", Estimate(0.5, 0.4, 0.6, 9, "nets"), published=0.45
)
IN_WORDS = Claim("it holds", "", Judgement(CANNOT_TELL, "too few"))


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., RunDirectory]:
    """A stored run with a table of claims, or without."""

    def make(*claims: Claim, status: str = "finished") -> RunDirectory:
        made = RunDirectory(tmp_path)
        made.open()
        made.write({
            "study": "a.b", "key": "c", "status": status, "seed": 0, "device": "cpu", "config": {}, "inputs": {},
            "versions": {}, "code": {"digest": ""}, "facts": {},
            "timings": {"started": "2026-01-01T00:00:00+00:00", "seconds": 1.0},
            "tables": {}, "models": {},
        })  # fmt: skip
        if claims:
            files = {"tables/claims.parquet": frame_bytes(claims_table(claims))}
            tables = {"claims": {"file": "tables/claims.parquet", "rows": len(claims)}}
            made.replace_results(
                files, {"code": "", "headline": {}, "tables": tables, "shown": [], "figures": {}, "notes": []}
            )
        made.close()
        return made

    return make


def test_claims_in_order_with_all_that_is_known(run: Callable[..., RunDirectory]) -> None:
    assert verdicts(run(MEASURED, IN_WORDS)) == [
        Verdict("it grows; d = 20 (Fig. 1)", 0.45, 0.5, 0.4, 0.6, 9, "nets", "reproduced", "inside", "it grows"),
        Verdict("it holds", None, None, None, None, None, "", "cannot be told", "too few", "it holds"),
    ]


def test_no_claims_and_no_finished_run_have_no_verdicts(run: Callable[..., RunDirectory]) -> None:
    assert verdicts(run()) == []
    assert verdicts(run(MEASURED, status="failed")) == []


def test_a_damaged_table_is_an_error_with_its_remedy(run: Callable[..., RunDirectory]) -> None:
    made = run(MEASURED)
    (made.path / "results/tables/claims.parquet").write_bytes(b"PAR1")
    with pytest.raises(SuiteError, match=r"claims\.parquet is missing or damaged \(suite analyse makes it again\)"):
        verdicts(made)


def test_every_row_of_a_table_of_claims_reads(run: Callable[..., RunDirectory]) -> None:
    rows = claims_table([MEASURED, IN_WORDS]).to_dicts()
    assert [of_row(row).verdict for row in rows] == ["reproduced", "cannot be told"]
