"""What rounding costs an attack, on the images that the exact attack meets, too."""

import polars as pl


def counted(pairs: pl.DataFrame, cell: list[str]) -> pl.DataFrame:
    """One row a cell, in order: its `n` pairs, successes of the `exact` attack, those `lost` and others `gained`.

    Args:
        pairs: a row for each success or failure; `fooled` of the exact attack, `fooled_rounded` of the rounded one.
        cell: columns that tell cells apart.
    """
    fooled, rounded = pl.col("fooled"), pl.col("fooled_rounded")
    return pairs.group_by(cell, maintain_order=True).agg(
        n=pl.len().cast(pl.Int64), exact=fooled.sum(), lost=(fooled & ~rounded).sum(), gained=(rounded & ~fooled).sum()
    )
