"""Trainings are what claims count: the points of a net, and a net in balls of several C0, are not independent."""

from math import nan

import polars as pl

from suite.claims import Claim, bound
from suite.statistics import Estimate

TRAINING = ("d", "m", "run")


def always(
    claim: str, source: str, rows: pl.DataFrame, holds: str, *, of: str, setting: str = "", rate: float = 0.05
) -> Claim:
    """A statement about every row (a net or a point of one): one training with a violation refutes it.

    Args:
        rows: with the columns `TRAINING`, and a boolean one named `holds`.
        of: what the rows are.
        rate: see `suite.claims.bound`.
    """
    violated = rows.group_by(TRAINING).agg((~pl.col(holds)).any())[holds]
    share = float(rows[holds].mean()) if len(rows) else nan  # type: ignore[arg-type]
    return Claim(
        claim, source, bound(int(violated.sum()), len(violated), of="trainings", rate=rate), setting,
        measured=Estimate(share, nan, nan, len(rows), of), published=1,
    )  # fmt: skip
