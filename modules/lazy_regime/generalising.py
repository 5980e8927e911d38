"""What the paper's figures assume of every net: that it generalises (Wang et al. 2022, Sec. 5.1)."""

import polars as pl

TEST_ERROR = 0.02  # the paper's own bound is lost from our copy of its text


def not_generalising(nets: pl.DataFrame) -> list[str]:
    """The condition that these nets (a row each, `accuracy` on test points) do not fulfil, in words; else empty."""
    wrong = len(nets) - nets.select(pl.col("accuracy") >= 1 - TEST_ERROR).sum().item()
    return [f"{wrong} of {len(nets)} nets have a test error above {TEST_ERROR:.0%}"] if wrong else []
