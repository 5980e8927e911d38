"""From walks per sample to rates, losses and angles per start, each against BP; pure, so that tables can be made again.

Every start walks from the same samples, so everything is paired. BP is the start `none`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from modules.linbp.starts import BP
from suite.stats import holm, mcnemar_exact, mean_interval, paired_difference, wilson

Columns = Mapping[str, Sequence[Any]]
Rows = Sequence[Mapping[str, Any]]

SIGNIFICANT = 0.05  # family-wise, over all starts of one comparison with BP


def by_start(samples: Columns, column: str) -> dict[str, list[Any]]:
    """A column of the table of samples for each start, BP first, every list with the same samples in the same order."""
    lists: dict[str, list[Any]] = {}
    for start, value in zip(samples["start"], samples[column], strict=True):
        lists.setdefault(start, []).append(value)
    return lists


def success(samples: Columns, steps: Sequence[int]) -> Iterator[dict[str, Any]]:
    """White-box success within K steps: a row per K and start."""
    marks = {start: _marks(texts) for start, texts in by_start(samples, "fooled_by_step").items()}
    for k in sorted(steps):
        for row in against_bp({start: found[:, k] == "1" for start, found in marks.items()}):
            yield {"steps": k, **row}


def transfer(samples: Columns, victims: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Share of the K-th iterates, rounded to 8 bits, that fool a victim: a row per victim and start.

    Only over samples that the victim classifies correctly when clean; `-` in the column `transferred` marks others.
    """
    marks = {start: _marks(texts) for start, texts in by_start(samples, "transferred").items()}
    for place, victim in enumerate(victims):
        known = marks[BP][:, place] != "-"
        if known.any():
            for row in against_bp({start: found[known, place] == "1" for start, found in marks.items()}):
                yield {"victim": victim, **row}


def against_bp(fooled: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    """Rates of each start with Wilson's intervals, and their paired difference from BP.

    Args:
        fooled: start -> (N,) booleans, the same samples in the same order; BP among them.

    Returns rows: rate, low, high; difference, difference_low, difference_high (Newcombe); only_this, only_bp and
    McNemar's exact p_value; p_holm, adjusted for the number of starts. All None beside BP itself.
    """
    reference, rows = fooled[BP], list[dict[str, Any]]()
    for start, mine in fooled.items():
        interval = wilson(int(mine.sum()), len(mine))
        cells = (mine & reference, mine & ~reference, reference & ~mine, ~mine & ~reference)
        both, this, bp, neither = (int(cell.sum()) for cell in cells)
        difference, test = paired_difference(both, this, bp, neither), mcnemar_exact(this, bp)
        rows.append({
            "start": start,
            "rate": interval.rate, "low": interval.low, "high": interval.high, "n": interval.n,
            "difference": difference.difference,
            "difference_low": difference.low, "difference_high": difference.high,
            "only_this": test.only_first, "only_bp": test.only_second, "p_value": test.p_value,
        })  # fmt: skip
    others = [row for row in rows if row["start"] != BP]
    adjusted = dict(zip([row["start"] for row in others], holm([row["p_value"] for row in others]), strict=True))
    blank = dict.fromkeys(("difference", "difference_low", "difference_high", "p_value"))
    return [row | {"p_holm": adjusted.get(row["start"])} | (blank if row["start"] == BP else {}) for row in rows]


def losses(samples: Columns) -> Iterator[dict[str, Any]]:
    """Mean cross-entropy of the true model at every iterate, and its paired difference from BP's: start by step."""
    reached = {start: np.array(lists, dtype=float) for start, lists in by_start(samples, "loss").items()}
    for start, values in reached.items():
        for step in range(values.shape[1]):
            mean = mean_interval(values[:, step])
            difference = mean_interval(values[:, step] - reached[BP][:, step])
            yield {
                "start": start, "step": step, "loss": mean.mean, "low": mean.low, "high": mean.high, "n": mean.n,
                "difference": difference.mean, "difference_low": difference.low, "difference_high": difference.high,
            }  # fmt: skip


def diagnostics(samples: Columns) -> Iterator[dict[str, Any]]:
    """Cosine, norm ratio and sign agreement with the true gradient at the iterates of every start's own path.

    Means over the watched samples with t intervals; the norm ratio's is geometric, since ratios are. `undefined`
    counts samples where a gradient was zero: they are in no mean.
    """
    columns = {name: by_start(samples, name) for name in ("cosine", "norm_ratio", "sign_agreement")}
    for start in columns["cosine"]:
        watched = {name: np.array([v for v in lists[start] if len(v)], float) for name, lists in columns.items()}
        for step in range(watched["cosine"].shape[1] if watched["cosine"].size else 0):
            cosine, ratio, signs = (found[:, step] for found in watched.values())
            angle = mean_interval(cosine[np.isfinite(cosine)])
            length = mean_interval(np.log(ratio[np.isfinite(cosine)]))
            yield {
                "start": start, "step": step, "n": angle.n, "undefined": len(cosine) - angle.n,
                "cosine": angle.mean, "cosine_low": angle.low, "cosine_high": angle.high,
                "norm_ratio": float(np.exp(length.mean)),
                "norm_ratio_low": float(np.exp(length.low)), "norm_ratio_high": float(np.exp(length.high)),
                "sign_agreement": mean_interval(signs[np.isfinite(signs)]).mean,
            }  # fmt: skip


def best(success_rows: Rows, transfer_rows: Rows, paths: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """For every K and every victim the start of the highest rate, and whether it beats BP.

    Of equal starts the latest one: it changes least. `verdict` is `helps` where the best start is above BP and its
    p-value, adjusted by Holm over all starts, is at most 0.05; else `none`. `better` and `worse` count the starts that
    differ so from BP, and `from_` and `to` are the first and the last that is better.
    """
    tasks = [(f"success, K {k}", _of(success_rows, steps=k)) for k in _distinct(success_rows, "steps")]
    tasks += [(f"transfer to {v}", _of(transfer_rows, victim=v)) for v in _distinct(transfer_rows, "victim")]
    for task, rows in tasks:
        reference = next(row for row in rows if row["start"] == BP)
        starts = [row for row in rows if row["start"] != BP]
        top = max(reversed(starts), key=lambda row: row["rate"])
        better = [row["start"] for row in starts if _differs(row) and row["difference"] > 0]
        yield {
            "measure": task,
            "verdict": "helps" if top["start"] in better else "none",
            "start": top["start"], "path": paths[top["start"]],
            "difference": top["difference"], "low": top["difference_low"], "high": top["difference_high"],
            "p_holm": top["p_holm"], "n": top["n"], "rate": top["rate"], "bp": reference["rate"],
            "starts": len(starts), "better": len(better),
            "worse": sum(_differs(row) and row["difference"] < 0 for row in starts),
            "from_": better[0] if better else None, "to": better[-1] if better else None,
        }  # fmt: skip


def why(success_rows: Rows, loss_rows: Rows, diagnostic_rows: Rows) -> Iterator[dict[str, Any]]:
    """Over the starts, Spearman's rank correlation of the success at each K with what might explain it.

    Starts are not independent of each other, so there is no p-value: a description, not a test.
    """
    for k in _distinct(success_rows, "steps"):
        rates = {row["start"]: row["rate"] for row in _of(success_rows, steps=k) if row["start"] != BP}
        explanations = {
            "cosine at the clean sample": _column(_of(diagnostic_rows, step=0), "cosine"),
            "cosine at the last gradient": _column(_of(diagnostic_rows, step=k - 1), "cosine"),
            "norm ratio at the clean sample": _column(_of(diagnostic_rows, step=0), "norm_ratio"),
            "loss reached": _column(_of(loss_rows, step=k), "loss"),
        }
        for name, values in explanations.items():
            yield {
                "steps": k,
                "explanation": name,
                "rank_correlation": _spearman(rates, values),
                "starts": len(rates),
            }


def _spearman(one: Mapping[str, float], other: Mapping[str, float]) -> float | None:
    pairs = np.array([(one[start], other.get(start, np.nan)) for start in one], dtype=float)
    pairs = pairs[np.isfinite(pairs).all(1)]
    if len(pairs) < 3 or (np.ptp(pairs, axis=0) == 0).any():  # of constants there is no rank
        return None
    return float(spearmanr(pairs[:, 0], pairs[:, 1]).statistic)


def _marks(texts: Sequence[str]) -> np.ndarray:
    """Texts of equal length as (N, length) single characters."""
    return np.array([list(text) for text in texts])


def _of(rows: Rows, **values: Any) -> list[Mapping[str, Any]]:
    return [row for row in rows if all(row[name] == value for name, value in values.items())]


def _distinct(rows: Rows, name: str) -> list[Any]:
    return list(dict.fromkeys(row[name] for row in rows))


def _column(rows: Rows, name: str) -> dict[str, float]:
    return {row["start"]: row[name] for row in rows}


def _differs(row: Mapping[str, Any]) -> bool:
    return bool(row["p_holm"] <= SIGNIFICANT)
