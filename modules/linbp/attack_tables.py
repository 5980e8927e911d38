"""From rows per sample to success rates with intervals and paired tests; pure, so that a table can be made again."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from modules.linbp.published import TABLE_1
from suite.stats import mcnemar_exact, wilson

Columns = Mapping[str, Sequence[Any]]


def step_text(fooled: np.ndarray) -> list[str]:
    """(N, S) booleans as one text of 0 and 1 a sample: the column `fooled_by_step`."""
    return [row.tobytes().decode("ascii") for row in np.where(fooled, b"1", b"0")]


def fooled_marks(texts: Sequence[str] | np.ndarray) -> np.ndarray:
    """The column `fooled_by_step` as (N, S) booleans again."""
    marks = np.asarray(texts, dtype=np.bytes_)
    fooled: np.ndarray = np.frombuffer(marks.tobytes(), np.uint8).reshape(len(marks), -1) == ord("1")
    return fooled


def fooled_cells(samples: Columns) -> dict[tuple[str, float], np.ndarray]:
    """(gradient rule, eps) -> (N, S) booleans, every cell with the same samples in the same order."""
    gradient, eps = np.asarray(samples["gradient"]), np.asarray(samples["eps"])
    fooled = fooled_marks(samples["fooled_by_step"])
    cells = {}
    for name in dict.fromkeys(samples["gradient"]):
        for strength in dict.fromkeys(samples["eps"]):
            cells[name, strength] = fooled[(gradient == name) & (eps == strength)]
    return cells


def success(samples: Columns, readings: Mapping[int | None, int]) -> Iterator[dict[str, Any]]:
    """Success rate per eps, K and gradient rule, with Wilson's interval and McNemar's test against the first rule.

    Args:
        samples: columns `gradient`, `eps`, `fooled_by_step`, one row per sample, rule and strength.
        readings: number of steps K -> its place in `fooled_by_step`.
    """
    cells = fooled_cells(samples)
    reference_rule = samples["gradient"][0]
    for eps in dict.fromkeys(eps for _, eps in cells):
        for steps, place in readings.items():
            reference = cells[reference_rule, eps][:, place]
            for gradient in dict.fromkeys(name for name, _ in cells):
                fooled = cells[gradient, eps][:, place]
                interval = wilson(int(fooled.sum()), len(fooled))
                test = mcnemar_exact(int((fooled & ~reference).sum()), int((reference & ~fooled).sum()))
                yield {
                    "eps": eps, "steps": steps, "gradient": gradient,
                    "rate": interval.rate, "low": interval.low, "high": interval.high, "n": interval.n,
                    "only_this": test.only_first, "only_first_rule": test.only_second,
                    "p_value": None if gradient == reference_rule else test.p_value,
                }  # fmt: skip


def by_step(samples: Columns, steps: Mapping[int | None, int]) -> Iterator[dict[str, Any]]:
    """The same rates at every step of the trajectory: the curves of the figure."""
    for (gradient, eps), fooled in fooled_cells(samples).items():
        for step, place in steps.items():
            interval = wilson(int(fooled[:, place].sum()), len(fooled))
            yield {
                "gradient": gradient, "eps": eps, "step": step,
                "rate": interval.rate, "low": interval.low, "high": interval.high, "n": interval.n,
            }  # fmt: skip


def published(
    success_rows: Sequence[Mapping[str, Any]], model: str, dataset: str, other_settings: Sequence[str] = ()
) -> Iterator[dict[str, Any]]:
    """Table 1 beside what was measured, for the cells that it has; with a verdict and its ground.

    `other_settings` names the options in which the attack was not Table 1's; in normalised images there is no cell to
    compare with, since Table 1's units are not known.
    """
    for row in () if "input_space" in other_settings else success_rows:
        rate = TABLE_1.get((row["gradient"], model.partition("@")[0], row["steps"], row["eps"]))
        if rate is None:
            continue
        if other_settings:
            verdict = f"cannot be told: another {', '.join(other_settings)}"
        elif dataset != "cifar10":
            verdict = "cannot be told: another encoding of the images"
        elif row["low"] <= rate <= row["high"]:
            verdict = "reproduced: inside our interval"
        else:
            verdict = "differs: outside our interval, perhaps for other weights"
        cell = {name: row[name] for name in ("gradient", "steps", "eps", "rate", "low", "high", "n")}
        yield cell | {"published": rate, "verdict": verdict}
