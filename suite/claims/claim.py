"""A claim, its judgement, and the table of them."""

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from suite.statistics import Estimate

REPRODUCED = "reproduced"
DIFFERS = "differs"
CANNOT_TELL = "cannot be told"

SCHEMA = {
    "claim": pl.String, "setting": pl.String, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64,
    "n": pl.Int64, "of": pl.String, "unit": pl.String, "published": pl.Float64, "source": pl.String,
    "verdict": pl.String, "note": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class Judgement:
    """One of the three words, and why. Raises ValueError for any other word."""

    verdict: str
    note: str = ""

    def __post_init__(self) -> None:
        if self.verdict not in (REPRODUCED, DIFFERS, CANNOT_TELL):
            raise ValueError(f"{self.verdict!r} is no verdict")


@dataclass(frozen=True)
class Claim:
    """What a paper says, what was measured of it, and the judgement.

    Args:
        claim: in the paper's words or ours, without the setting.
        source: the place in the paper: "Table 1", "Theorem 3.1".
        setting: where it was measured: "eps = 0.05, K = 10"; empty where that is everywhere.
        measured: None where there is no one number.
        published: the number that the paper gives, in the unit of `measured`; None where it says it in words.
    """

    claim: str
    source: str
    judgement: Judgement
    setting: str = ""
    measured: Estimate | None = None
    published: float | None = None


def claims_table(claims: Iterable[Claim]) -> pl.DataFrame:
    """A row for each claim, in the columns of SCHEMA, also where there is none; what does not exist is null.

    `published` holds numbers alone, so that reports can draw them; a paper's words belong in `claim`.
    """
    return pl.DataFrame([_row(claim) for claim in claims], schema=SCHEMA)


def _row(claim: Claim) -> dict[str, object]:
    numbers = claim.measured and claim.measured.columns() | {"of": claim.measured.of, "unit": claim.measured.unit}
    return {
        "claim": claim.claim, "setting": claim.setting, **(numbers or {}), "published": claim.published,
        "source": claim.source, "verdict": claim.judgement.verdict, "note": claim.judgement.note,
    }  # fmt: skip
