"""What the paper says of Fig. 4, as tests on numbers: claim, measured value, interval, verdict."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from modules.lazy_regime.adv_train_tables import ACROSS, ALONG, PREDICTED, Row, grouped
from suite.stats import mean_interval

Rows = Sequence[Mapping[str, Any]]

SHARP = 2.0  # factor in eps or radius between accuracies of 90 % and 10 % up to which a drop counts as sharp
HELD = 0.1  # share of neurons on the surface of the ball from which on it is the ball that limits a net
COMPLETE, GONE = 0.95, 0.05  # robust accuracy that counts as complete robustness, and as none
HARM = 0.01  # of clean accuracy, that counts as harm
_SOURCES = {"dimension": "Fig. 4 left", "width": "Fig. 4 right"}


def claims(nets: Rows, transitions: Rows, powers: Rows, orders: Rows) -> Iterator[Row]:
    """Powers, sharpness, both ends, clean accuracy, and what the released order does to the transition."""
    for row in powers:
        yield _row(
            f"the transition follows {row['variable']}^{PREDICTED:g}", row, row["power"], row["low"], row["high"],
            row["runs"], row["found"],
        )  # fmt: skip
        if row["upper_from"] is not None:
            yield _row(
                f"the same from {row['variable']} = {row['upper_from']} on", row, row["upper"], row["upper_low"],
                row["upper_high"], row["runs"], row["upper_found"],
            )  # fmt: skip
    for (panel, order), mine in grouped(transitions, "panel", "order"):
        where = {"panel": panel, "order": order}
        widths = [row["width"] for row in mine if row["width"] is not None]
        known = [row for row in mine if row["at"] is not None]
        share = f"{len(known)} of {len(mine)} values of {ACROSS[panel]} have a transition on the grid"
        yield _row(f"a transition at every {ACROSS[panel]}", where, len(known) / len(mine), n=len(mine),
                   verdict="reproduced" if len(known) == len(mine) else f"cannot be told: {share}")  # fmt: skip
        if widths:
            widest = max(widths)
            yield _row(
                f"sharp: accuracy goes from 90 % to 10 % within a factor {SHARP:g} of {ALONG[panel]} (largest)",
                where, widest, n=len(widths), verdict="reproduced" if widest <= SHARP else "differs",
            )  # fmt: skip
        if known:
            free = [str(row[ACROSS[panel]]) for row in known if row["touching"] < HELD]
            yield _row(
                "the ball is what limits the nets at the transition: share of neurons on its surface (least)",
                where, min(row["touching"] for row in known), n=len(known),
                verdict=f"not at {ACROSS[panel]} = {', '.join(free)}" if free else f"so at every {ACROSS[panel]}",
            )  # fmt: skip
    yield from _ends(nets)
    yield from _clean(nets)
    yield from _survival(powers, orders)
    yield from _weaker(nets)


def _ends(nets: Rows) -> Iterator[Row]:
    """Robust accuracy at the easy end of each grid is complete, at the hard end it is gone: the worst cell of all."""
    for (panel, order), mine in grouped(nets, "panel", "order"):
        along, where = ALONG[panel], {"panel": panel, "order": order}
        least, most = (end(row[along] for row in mine) for end in (min, max))
        easy, hard = (least, most) if panel == "dimension" else (most, least)
        worst = min(row["robust"] for row in mine if row[along] == easy)
        best = max(row["robust"] for row in mine if row[along] == hard)
        count = len({row[ACROSS[panel]] for row in mine}) * len({row["run"] for row in mine})
        yield _row(f"robust (>= {COMPLETE:g}) at {along} = {easy:g}: the least of all nets", where, worst, n=count,
                   verdict="reproduced" if worst >= COMPLETE else "differs")  # fmt: skip
        yield _row(f"not robust (<= {GONE:g}) at {along} = {hard:g}: the most of all nets", where, best, n=count,
                   verdict="reproduced" if best <= GONE else "differs")  # fmt: skip


def _clean(nets: Rows) -> Iterator[Row]:
    """The projection does not hurt the test accuracy: clean accuracy at the smallest radius against the largest."""
    for (panel, order), mine in grouped(nets, "panel", "order"):
        radii = sorted({row["radius"] for row in mine})
        if panel != "width" or len(radii) < 2:
            continue
        clean = {(row["radius"], row["m"], row["run"]): row["clean"] for row in mine}
        cells = {key[1:] for key in clean}
        runs = sorted({run for _, run in cells})
        lost = mean_interval(
            [np.mean([clean[radii[-1], m, r] - clean[radii[0], m, r] for m, r in cells if r == run]) for run in runs]
        )
        verdict = "cannot be told"
        if lost.n > 1:
            verdict = "differs" if lost.low > HARM else "reproduced" if lost.high <= HARM else verdict
        claim = (
            f"projection does not hurt test accuracy: clean accuracy lost at radius {radii[0]:g} against {radii[-1]:g}"
        )
        yield _row(claim, {"panel": panel, "order": order}, lost.mean, lost.low, lost.high, lost.n, verdict)


def _survival(powers: Rows, orders: Rows) -> Iterator[Row]:
    """How far another order moves the transition, and what is left of it in the ball."""
    in_first = {(row["panel"], row["order"]): row["found"] for row in powers}
    for row in orders:
        if row["m"] is None:
            known = row["low"] is not None and row["high"] is not None
            verdict = ("moved" if row["low"] > 1 or row["high"] < 1 else "not moved") if known else "cannot be told"
            yield _row(
                f"radius of the transition, {row['order']} over {row['against']}, mean over widths",
                {"panel": "width", "order": row["order"]}, row["ratio"], row["low"], row["high"], row["pairs"],
                f"{verdict}; m^{PREDICTED:g} in order {row['against']}: {in_first['width', row['against']]}",
            )  # fmt: skip


def _weaker(nets: Rows) -> Iterator[Row]:
    """Where another rule crafts the examples: accuracy under its attack minus accuracy under that by true gradients."""
    for (panel, order), mine in grouped(nets, "panel", "order"):
        gaps = [np.mean([row["by_rule"] - row["robust"] for row in rows]) for _, rows in grouped(mine, "run")]
        gap = mean_interval(gaps)
        if any(row["by_rule"] != row["robust"] for row in mine):
            verdict = "cannot be told"
            if gap.n > 1 and not gap.low <= 0 <= gap.high:
                verdict = "weaker" if gap.low > 0 else "stronger"
            yield _row("the rule's attack against that of true gradients: accuracy, mean over cells",
                       {"panel": panel, "order": order}, gap.mean, gap.low, gap.high, gap.n, verdict)  # fmt: skip


def _row(
    claim: str,
    where: Mapping[str, Any],
    value: float | None,
    low: float | None = None,
    high: float | None = None,
    n: int = 0,
    verdict: str = "",
) -> Row:
    low, high = (None if limit is None or np.isnan(limit) else float(limit) for limit in (low, high))
    return {
        "claim": claim, "source": _SOURCES[where["panel"]], "order": where["order"],
        "value": None if value is None else float(value), "low": low, "high": high, "n": n, "verdict": verdict,
    }  # fmt: skip
