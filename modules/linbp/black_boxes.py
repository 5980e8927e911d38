"""What adversarial sets did to the models that they were shown to: a row for each image, set and model."""

from collections.abc import Sequence

import polars as pl


def by_victim(samples: pl.DataFrame, models: pl.DataFrame, of_set: Sequence[str]) -> pl.DataFrame:
    """One row per image, set and model that it was shown to: id, the columns of the set, victim, fooled.

    Args:
        samples: a row per image and set; `fooled` holds a boolean for each of the models.
        models: their `name`, in that order.
        of_set: columns that tell sets apart.
    """
    victims = pl.lit(models["name"].to_list(), dtype=pl.List(pl.String))
    return samples.select("id", *of_set, "fooled", victim=victims).explode("fooled", "victim")


def black_boxes(shown: pl.DataFrame) -> pl.DataFrame:
    """Those rows in which the victim is not the surrogate."""
    return shown.filter(pl.col("victim") != pl.col("surrogate"))
