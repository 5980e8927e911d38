"""How often each image fools other models under each gradient, as frames and as arrays."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modules.linbp.black_boxes import black_boxes, by_victim
from modules.linbp.rules.catalogue import BOTH

SET = ["surrogate", "gradient", "method", "eps", "passes"]
"""What one set of adversarial images was made with."""


def at_largest(samples: pl.DataFrame) -> pl.DataFrame:
    """The sets of the largest budget."""
    return samples.filter(pl.col("passes") == pl.col("passes").max())


def shares(samples: pl.DataFrame, models: pl.DataFrame, *by: str) -> pl.DataFrame:
    """`share` of the pairs of an attack (method, eps) and a black box that an image fools, for each id and `by`."""
    boxes = black_boxes(by_victim(samples, models, SET))
    return boxes.group_by("id", *by, maintain_order=True).agg(share=pl.col("fooled").mean())


def answering_alike(samples: pl.DataFrame, models: pl.DataFrame) -> list[list[str]]:
    """Models that give every image the class that a surrogate does, in groups; who is never fooled is in none."""
    said, fooled = (np.array(samples[name].to_list()) for name in ("predictions", "fooled"))
    groups = np.unique(said, axis=1, return_inverse=True)[1].ravel().tolist()
    known = [(name, groups[place]) for place, name in enumerate(models["name"]) if fooled[:, place].any()]
    together = [[name for name, each in known if each == group] for group in {group for _, group in known}]
    surrogates = {*samples["surrogate"]}
    return sorted(names for names in together if len(names) > 1 and surrogates & {*names})


def placed(arms: pl.DataFrame, place: str) -> pl.DataFrame:
    """The arms at one of the two places: `surrogate, rule, gradient`."""
    return arms.filter(pl.col("place").is_in([place, BOTH])).select("surrogate", "rule", "gradient")


def common(arms: pl.DataFrame) -> list[str]:
    """Rules that all surrogates of these arms have, in order."""
    count = arms["surrogate"].n_unique()
    return [rule for rule in arms["rule"].unique(maintain_order=True) if arms.filter(rule=rule).height == count]


def cube(by_pair: pl.DataFrame, arms: pl.DataFrame) -> tuple[list[str], NDArray[np.float64]]:
    """The rules that all surrogates of the arms have, and (pairs, images, rules) shares.

    Args:
        by_pair: `share` by id, surrogate, victim and gradient; every pair has the same images.
        arms: surrogate, rule, gradient: each rule at most once a surrogate.
    """
    names = common(arms)
    rows = arms.filter(pl.col("rule").is_in(names)).join(by_pair, on=["surrogate", "gradient"], maintain_order="left")
    wide = rows.pivot("rule", index=["surrogate", "victim", "id"], values="share").sort("surrogate", "victim", "id")
    pairs = wide.select("surrogate", "victim").n_unique()
    return names, wide.select(names).to_numpy().reshape(pairs, -1, len(names))
