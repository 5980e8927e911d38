"""What Li et al. 2022 say of their simulations, judged: LinBP is closer, and the step size is as assumed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import polars as pl

from suite.claims import Claim, bound, direction, order
from suite.statistics import Estimate, PairedTest

ALIKE = "no run differs by more than rounding"
GAP = {"value": "gap", "low": "gap_low", "high": "gap_high", "n": "gap_n"}


def closer(ahead: pl.DataFrame, what: str, source: str, conditions: Sequence[str] = ()) -> Iterator[Claim]:
    """LinBP is closer at the last of these steps, in the mean and in most runs; for each dynamics.

    Args:
        ahead: table of `simulated_runs` for one mode or quantity, whose name is `what`.
        conditions: what the paper assumes and these runs do not fulfil.
    """
    for (dynamics,), rows in ahead.filter(pl.col("step") > 0).group_by("dynamics", maintain_order=True):
        row = rows.row(-1, named=True)
        setting = f"{what}, {dynamics}, step {row['step']}"
        unfit = [*conditions, *([] if row["n"] else [ALIKE])]
        gap = Estimate.read({name: row[column] for name, column in GAP.items()}, of="runs")
        judgement = direction(gap, lost=row["n"] + row["ties"] - gap.n, conditions=unfit)
        telling = rows.filter(pl.col("n") > 0)["gap_low"]
        if unclear := int((~(telling > 0).fill_null(False)).sum()):
            judgement = replace(judgement, note=f"{judgement.note}; not above 0 at {unclear} of {len(telling)} steps")
        yield Claim("mean gap BP - LinBP > 0", source, judgement, setting, gap)
        test = PairedTest(row["linbp_ahead"], row["bp_ahead"], row["p_value"])
        judgement = order(test, lost=row["lost"], conditions=unfit)
        yield Claim("LinBP ahead in > 1/2 of runs", source, judgement, setting, Estimate.read(row, of="runs"))


def assumption(condition: pl.DataFrame, source: str) -> Iterator[Claim]:
    """The step size is as the theorem assumes: its condition holds for all coordinates in every run, to the last step.

    Args:
        condition: table of `simulated_runs`.
    """
    for (units, dynamics), rows in condition.filter(of="runs").group_by("units", "dynamics", maintain_order=True):
        first, last = rows.row(0, named=True), rows.row(-1, named=True)
        violations = round((1 - last["value"]) * last["n"])
        judgement = bound(violations, last["n"], of="runs")
        if violations:
            half = rows.filter(pl.col("value") <= 0.5)["step"]
            by = f", in half by step {half[0]}" if len(half) else ""
            note = f"{judgement.note}; at step 1 in {1 - first['value']:.1%} of runs{by}"
            judgement = replace(judgement, note=note)
        setting = f"all coordinates, {dynamics}, step {last['step']}"
        claim = f"assumed step size ({units}) holds"
        yield Claim(claim, source, judgement, setting, Estimate.read(last, of="runs"))
