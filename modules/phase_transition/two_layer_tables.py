"""From distances per seed to means, powers of the width and verdicts on Proposition 1; pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from modules.phase_transition.linear_claims import verdict
from modules.phase_transition.linear_tables import Columns, Row, gap, groups
from suite.stats import mean_interval

QUANTITIES = {
    "path": "coefficients, all steps",
    "end": "coefficients, last step",
    "path_from_zero": "coefficients, all steps, from the path started at 0",
    "end_from_zero": "coefficients, last step, from the path started at 0",
    "prediction": "predictions, last step",
    "loss": "training loss over that of 0, last step",
}
CLAIMED = ("path", "path_from_zero", "end_from_zero", "loss")
CONVERGES = -0.25  # largest power of h that counts as converging: a decade of width brings less than a factor 1.8
_CELL = ("d", "n", "scale", "activation", "eps", "eps_over_order")


def by_width(distances: Columns) -> Iterator[Row]:
    """Geometric means over seeds of the relative distances, with 95 % intervals, by width."""
    for key, cell in groups(distances, *_CELL, "h"):
        kept = cell["gone"] == 0
        for quantity in QUANTITIES:
            mean = mean_interval(np.log(cell[quantity][kept].clip(1e-300)))
            values = (gap(float(np.exp(value))) for value in (mean.mean, mean.low, mean.high))
            row = dict(zip((*_CELL, "h"), key, strict=True)) | {"quantity": quantity}
            yield row | dict(zip(("distance", "low", "high"), values, strict=True)) | {
                "seeds": mean.n, "diverged": int((~kept).sum()),
            }  # fmt: skip


def powers(distances: Columns) -> Iterator[Row]:
    """The power p of distance = constant h^p: a least-squares slope of logarithms for each seed, and their mean.

    Seeds of which a training diverged are left out.
    """
    for key, cell in groups(distances, *_CELL):
        seeds = len(np.unique(cell["repeat"]))
        order = np.lexsort((cell["repeat"], cell["h"]))
        gone = (cell["gone"][order] != 0).reshape(-1, seeds).any(0)
        x = np.log(np.unique(cell["h"]))
        centred = x - x.mean()
        for quantity in QUANTITIES:
            y = np.log(cell[quantity][order].reshape(-1, seeds)[:, ~gone].clip(1e-300))
            mean = mean_interval(centred @ y / (centred**2).sum() if len(x) > 1 else np.array([]))
            yield dict(zip(_CELL, key, strict=True)) | {
                "quantity": quantity, "power": gap(mean.mean), "low": gap(mean.low), "high": gap(mean.high),
                "seeds": mean.n,
            }  # fmt: skip


def claims(powers: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    """Proposition 1: the net comes to the linear model as h grows; reproduced where the power is below CONVERGES."""
    for row in powers:
        if row["quantity"] not in CLAIMED:
            continue
        attacked = f"eps = {row['eps_over_order']:.3g} sqrt(d/n)" if row["eps_over_order"] else "clean"
        yield {
            "claim": f"the net comes to the linear model: {QUANTITIES[row['quantity']]}", "source": "Prop. 1",
            "d": row["d"], "samples": row["n"], "a": "|a_j| ~ 1" if row["scale"] == "one" else "|a| = 1",
            "activation": row["activation"], "training": attacked, "value": row["power"], "low": row["low"],
            "high": row["high"], "n": row["seeds"], "verdict": verdict(row["low"], row["high"], below=CONVERGES),
        }  # fmt: skip
