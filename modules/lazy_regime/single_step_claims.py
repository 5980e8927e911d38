"""What the paper says of Fig. 2, 3 and 7, as tests on numbers, beside what was measured."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import kurtosis, skew

from modules.lazy_regime.single_step_tables import POWERS, Row, Rows, directions, numbers, slopes
from suite.stats import Mean, mean_interval

if TYPE_CHECKING:
    from modules.lazy_regime.single_step import SingleStepConfig

_PLOTTED = {"gradient": "|grad f|", "eta": "eta", "delta_over_norm": "|delta| / |x|"}
_ROUNDING = 1e-4  # of a float32 distance, relatively
_GAUSSIAN = {"skewness": 0.5, "excess kurtosis": 1.0}  # up to these, a histogram looks Gaussian


def claims(found: Rows, points: Mapping[str, Any], config: "SingleStepConfig") -> Iterator[Row]:
    """All claims: `claim`, `source`, `published`, `measured`, `low`, `high`, `n`, `verdict`."""
    true = [row for row in found if row["direction"] == "bp"]
    yield from _by_dimension(true, config)
    yield from _by_radius(true, config)
    yield from _shapes(points)
    yield from _theorem(true)
    yield from _compared(found, config)


def _by_dimension(true: Rows, config: "SingleStepConfig") -> Iterator[Row]:
    """At every C0: which one the figure shows is lost."""
    figure = "Fig. 5" if config.unit_norm and not config.biases else "Fig. 2"
    for row in slopes(true, "d"):
        if row["quantity"] in _PLOTTED:
            yield {
                "claim": f"{_PLOTTED[row['quantity']]} ~ d^{POWERS[row['quantity']]:g} at C0 = {row['c0']:g}, "
                f"m = {row['m']}",
                "source": f"{figure}, Theorem 3.1", "published": f"{POWERS[row['quantity']]:g}",
                "measured": row["power"], **{name: row[name] for name in ("low", "high", "n")}, "verdict": row["found"],
            }  # fmt: skip


def _by_radius(true: Rows, config: "SingleStepConfig") -> Iterator[Row]:
    figure = "Fig. 6" if config.unit_norm and not config.biases else "Fig. 3"
    widest = [row for row in slopes(true, "c0") if row["m"] == max(config.widths)]
    for name, title in _PLOTTED.items():
        known = [row for row in widest if row["quantity"] == name and row["found"] != "cannot be told"]
        grows = sum(row["found"] == "grows" for row in known)
        falls = any(row["found"] == "falls" for row in known)
        yield {
            "claim": f"{title} grows with C0 at m = {max(config.widths)}: share of d", "source": figure,
            "published": "1", "measured": grows / len(known) if known else None, "low": None, "high": None,
            "n": len(known),
            "verdict": "differs" if falls else "reproduced" if known and grows == len(known) else "cannot be told",
        }  # fmt: skip


def _shapes(points: Mapping[str, Any]) -> Iterator[Row]:
    """Skewness and excess kurtosis over the test points of each net, averaged over nets; 0 and 0 for a Gaussian."""
    values = numbers(points)
    used = (values["direction"] == "bp") & (values["margin"] > 0) & np.isfinite(values["delta"])
    for name in ("delta", "gradient", "eta"):
        of_nets = [values[name][used & (values["run"] == run)] for run in np.unique(values["run"])]
        of_nets = [sample for sample in of_nets if len(sample) > 20 and np.ptp(sample) > 1e-6 * sample.mean()]
        for moment, function in (("skewness", skew), ("excess kurtosis", kurtosis)):
            mean = mean_interval([float(function(sample)) for sample in of_nets])
            yield {
                "claim": f"the histogram of {name} is Gaussian: {moment}", "source": "Fig. 7", "published": "0",
                "measured": None if not mean.n else mean.mean, "low": None if mean.n < 2 else mean.low,
                "high": None if mean.n < 2 else mean.high, "n": mean.n,
                "verdict": _within(mean, _GAUSSIAN[moment]),
            }  # fmt: skip


def _within(mean: Mean, tolerance: float) -> str:
    """Whether the whole interval is nearer to 0 than the tolerance, or all of it further on one side."""
    if mean.n < 2 or mean.low <= -tolerance <= mean.high or mean.low <= tolerance <= mean.high:
        return "cannot be told"
    return "reproduced" if -tolerance < mean.low and mean.high < tolerance else "differs"


def _theorem(true: Rows) -> Iterator[Row]:
    right = sum(row["n"] for row in true)
    flipped = sum(round(row["flipped"] * row["n"]) for row in true if row["n"])
    inside = sum(row["distance"] <= row["c0"] * (1 + _ROUNDING) for row in true)
    counts = [
        ("a single gradient step flips the sign at every point", "Theorem 3.1", flipped, right),
        ("the returned nets are in the lazy ball", "Sec. 5.1", inside, len(true)),
    ]
    for claim, source, count, n in counts:  # without intervals: points share nets, and nets of all C0 a trajectory
        yield {
            "claim": claim, "source": source, "published": "1", "measured": count / n if n else None,
            "low": None, "high": None, "n": n,
            "verdict": "cannot be told" if not n else "reproduced" if count == n else "differs",
        }  # fmt: skip
    worst = max(true, key=lambda row: 1 - row["accuracy"])
    yield {
        "claim": f"largest test error of a net (C0 = {worst['c0']:g}, d = {worst['d']}, m = {worst['m']})",
        "source": "Sec. 5.1", "published": "a bound that the text copy lost", "measured": 1 - worst["accuracy"],
        "low": None, "high": None, "n": len(true), "verdict": "cannot be told",
    }  # fmt: skip


def _compared(found: Rows, config: "SingleStepConfig") -> Iterator[Row]:
    """The rule's direction against the gradient's at the largest d and C0.

    LinBP's direction v = W^T a / sqrt m has cosine 1 / sqrt 2 to the gradient of a wide net at initialisation, of which
    half of the neurons count at random: |grad f|^2 = d / 2, |v|^2 = d, v . grad f = d / 2. So f falls sqrt 2 times
    slower.
    """
    d, c0 = max(row["d"] for row in found), max(config.c0s)
    for row in directions(found):
        if (row["d"], row["c0"]) == (d, c0):
            known = row["low"] is not None
            yield {
                "claim": f"|delta| along {row['direction']} over that along the gradient at d = {d}, C0 = {c0:g}, "
                f"m = {row['m']}",
                "source": "own derivation, linbp on a random net", "published": f"{2**0.5:.4f}",
                "measured": row["ratio"], "low": row["low"], "high": row["high"], "n": row["n"],
                "verdict": "cannot be told" if not known
                else "reproduced" if row["low"] <= 2**0.5 <= row["high"] else "differs",
            }  # fmt: skip
