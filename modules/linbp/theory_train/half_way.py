"""The step at which BP has gone half the way to the teacher: what is early in a training."""

import polars as pl


def half_way(by_step: pl.DataFrame) -> int:
    """The step read at which BP's mean distance to the teacher is nearest to half of that at the start."""
    bp = by_step.filter(pl.col("n") > 0, quantity="l1 distance", dynamics="simulated", gradient="bp")
    far = (pl.col("value") - pl.col("value").first() / 2).abs()
    return int(bp.sort(far, maintain_order=True)["step"][0])
