"""From rows per sample to the matrix of success rates, intervals and paired tests; pure, so it can be made again."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from suite.stats import holm, mcnemar_exact, mean_interval, wilson

Columns = Mapping[str, Sequence[Any]]
Rows = Sequence[Mapping[str, Any]]

CLAIM = 0.05  # adjusted p-value below which one rule is called ahead of another


class Cell(NamedTuple):
    """What one set of adversarial images was made with."""

    method: str
    eps: float
    surrogate: str
    gradient: str


def short_names(references: Sequence[str]) -> dict[str, str]:
    """A readable name for each model reference: what stands before `@`, or all of it where that names several."""
    short = [ref.partition("@")[0] for ref in references]
    return {ref: name if short.count(name) == 1 else ref for ref, name in zip(references, short, strict=True)}


def fooled_cells(samples: Columns) -> dict[Cell, np.ndarray]:
    """(N, V) booleans for each cell, V models; every cell has the same samples in the same order."""
    columns = [samples[name] for name in Cell._fields]
    keys = [np.asarray(column) for column in columns]
    text = np.asarray(samples["fooled_by"], dtype=np.bytes_)
    fooled = np.frombuffer(text.tobytes(), np.uint8).reshape(len(text), -1) == ord("1")
    cells = {}
    for cell in sorted(dict.fromkeys(map(Cell._make, zip(*columns, strict=True))), key=_order(columns)):
        cells[cell] = fooled[np.logical_and.reduce([key == value for key, value in zip(keys, cell, strict=True)])]
    return cells


def success(samples: Columns, models: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Success rate of each set on each model, with Wilson's interval and McNemar's test against the first rule.

    Args:
        samples: columns as `transfer_scene.Scene.rows` gives them.
        models: names of the models in the order of `fooled_by`.
    """
    cells, first_rule = fooled_cells(samples), samples["gradient"][0]
    for cell, fooled in cells.items():
        reference = cells[cell._replace(gradient=first_rule)]
        for place, victim in enumerate(models):
            mine, theirs = fooled[:, place], reference[:, place]
            interval = wilson(int(mine.sum()), len(mine))
            test = mcnemar_exact(int((mine & ~theirs).sum()), int((theirs & ~mine).sum()))
            yield cell._asdict() | {
                "victim": victim, "white_box": victim == cell.surrogate,
                "rate": interval.rate, "low": interval.low, "high": interval.high, "n": interval.n,
                "only_this": test.only_first, "only_first_rule": test.only_second,
                "p_value": None if cell.gradient == first_rule else test.p_value,
            }  # fmt: skip


def matrix(samples: Columns, models: Sequence[str]) -> list[dict[str, Any]]:
    """One row per set: its success rate on each model, the mean over the black boxes, and a verdict on the rule.

    `difference`: the mean over the black boxes minus the first rule's, with Student's limits over samples.
    The test is a sign test over samples, each of which counts how many black boxes it fools under this rule and under
    the first: `more` and `fewer` samples, all others alike. With one black box it is McNemar's. The verdicts allow for
    all tests of the table (Holm): one that is wrong is among them with a probability of at most 5 %.
    """
    cells, first_rule = fooled_cells(samples), samples["gradient"][0]
    rows = []
    for cell, fooled in cells.items():
        others = [place for place, name in enumerate(models) if name != cell.surrogate]
        mine = fooled[:, others].sum(1)
        theirs = cells[cell._replace(gradient=first_rule)][:, others].sum(1)
        test = mcnemar_exact(int((mine > theirs).sum()), int((mine < theirs).sum()))
        compared = cell.gradient != first_rule and bool(others)
        gain = mean_interval((mine - theirs) / max(1, len(others)) if compared else [])
        rows.append(cell._asdict() | {
            "difference": gain.mean if compared else None, "low": gain.low if compared else None,
            "high": gain.high if compared else None, "n": len(mine),
        } | dict(zip(models, fooled.mean(0).tolist(), strict=True)) | {
            "black_box": float(mine.mean()) / len(others) if others else None,
            "more": test.only_first, "fewer": test.only_second,
            "p_value": test.p_value if compared else None,
        })  # fmt: skip
    adjusted = iter(holm([row["p_value"] for row in rows if row["p_value"] is not None]))
    return [row | {"verdict": "" if row["p_value"] is None else _verdict(row, next(adjusted))} for row in rows]


def black_box_means(matrix_rows: Rows, eps: float) -> dict[str, float]:
    """Gradient rule -> success on black boxes at a strength, the mean over surrogates and methods."""
    found: dict[str, list[float]] = {}
    for row in matrix_rows:
        if row["eps"] == eps and row["black_box"] is not None:
            found.setdefault(row["gradient"], []).append(row["black_box"])
    return {gradient: float(np.mean(rates)) for gradient, rates in found.items()}


def largest_excess(samples: Columns) -> float:
    """By how many grey levels (1/255) the rounded images leave their balls at most; 0 where they stay inside."""
    excess = 255 * (np.asarray(samples["perturbation"]) - np.asarray(samples["eps"])).max()
    return float(max(0.0, round(excess, 3)))  # float32 pixels are off by less than 10^-4 levels


def _verdict(row: Mapping[str, Any], p_value: float) -> str:
    if p_value >= CLAIM:
        return "cannot be told"
    return "ahead" if row["more"] > row["fewer"] else "behind"


def _order(columns: Sequence[Sequence[Any]]) -> Callable[[Cell], tuple[int, ...]]:
    """A sort key of cells: each part in the order in which the samples name it first."""
    places = [{value: place for place, value in enumerate(dict.fromkeys(column))} for column in columns]
    return lambda cell: tuple(place[value] for place, value in zip(places, cell, strict=True))
