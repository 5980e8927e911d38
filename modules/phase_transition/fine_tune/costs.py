"""The ways to eps_star, and which trainings each of them takes."""

import polars as pl
from polars.dataframe.group_by import GroupBy

CHEAPEST, WHOLE = "1-point", "all points"  # one fine-tuning is enough for the one method, all are for the others


def ways(trainings: pl.DataFrame) -> GroupBy:
    """Trainings grouped by what they are for (`what`), inner attack and gradient rule, in order of appearance.

    The fine-tuning at the middle strength is part of two ways: of the cheapest, whose line goes through it, and of all.
    """
    tuned = pl.col("how") == "fine-tuned"
    strengths = trainings.filter(tuned)["eps"].unique().sort()
    middle = tuned & pl.col("eps").is_in(strengths.slice((len(strengths) - 1) // 2, 1).implode())
    what = (
        pl.when(middle)
        .then(pl.lit([CHEAPEST, WHOLE]))
        .when(tuned)
        .then(pl.lit([WHOLE]))
        .otherwise(pl.concat_list("how"))
    )
    return trainings.with_columns(what=what).explode("what").group_by("what", "attack", "gradient", maintain_order=True)
