"""`start=auto`: where LinBP starts, found by attacking training samples from every start; never from test samples.

The answer is the start with the highest success of the same attack, averaged over the asked eps and K, if it beats BP
there: by a sign test over the samples, adjusted by Holm for the number of starts, at level 0.05. If none does, the
answer is `none`, plain backpropagation: an advantage that calibration does not show is not claimed. It is kept in the
cache, by model, data, attack settings and code.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from modules.linbp.attack.config import AttackConfig
from modules.linbp.attack.white_box import WhiteBox
from modules.linbp.starts import BP, all_starts, applicable
from suite import data
from suite.data import Dataset, Split
from suite.errors import SuiteError
from suite.files import atomic
from suite.measuring import Run
from suite.models import Classifier
from suite.paths import cache_root
from suite.refs import parse_sum
from suite.statistics import holm_of, mcnemar_of

log = logging.getLogger("suite")

AUTO = "auto"
SIGNIFICANT = 0.05
# What of an attack's config does not change which start is best: which samples are evaluated, and how they are shown.
_NO_MATTER = {"model", "dataset", "gradients", "start", "limit", "examples", "batch_size"}


@dataclass(frozen=True)
class Found:
    """The answer: `start` (an index as text, or `none`), and a row for every start that was tried, BP first."""

    start: str
    path: str
    samples: int
    rows: tuple[dict[str, Any], ...]

    @property
    def fact(self) -> str:
        """The answer in words, for the record."""
        where = f"start={self.start} ({self.path})" if self.start != BP else "none: no start beats bp"
        return f"{where} on {self.samples} training samples"


def is_auto(ref: str) -> bool:
    """Whether a gradient reference leaves its start to be found. Raises SuiteError for a sum of rules that does."""
    calls = parse_sum(ref)
    asks = any(call.arguments.get("start") == AUTO for call in calls)
    if asks and len(calls) > 1:
        raise SuiteError(f"{ref!r}: start=auto is found for one rule, not for a sum of rules", "give the start")
    return asks


def calibrated(config: AttackConfig, run: Run, model: Classifier, refs: Iterable[str]) -> dict[str, Found]:
    """The answer for each gradient reference, from the cache or by calibration.

    What cannot be calibrated is refused, by SuiteError, before any of it is.
    """
    dataset = run.dataset(config.dataset)
    files = {ref: _cache_path(config, run.code, model, dataset, ref) for ref in refs}
    found = {ref: _read(path) for ref, path in files.items()}
    missing = [ref for ref in files if found[ref] is None]
    work: dict[str, Callable[[], Found]] = {}
    if missing:
        samples = calibration_samples(dataset, config.calibration, config.seed)
        work = {ref: _calibration(config, run, model, ref, samples) for ref in missing}
    answers = {}
    for ref, path in files.items():
        answer = found[ref]
        if answer is None:
            answer = work[ref]()
            with atomic(path) as file:
                file.write(json.dumps(asdict(answer)).encode())
        log.info("%s: %s", ref, answer.fact)
        answers[ref] = answer
    return answers


def calibration_samples(dataset: Dataset, count: int, seed: int) -> Split:
    """A class-balanced choice of at most `count` training samples, without any whose image is in the test split."""
    evaluated = set(_fingerprints(dataset.test.images))
    ids = data.sample(dataset.train, count, seed)
    images = dataset.train.images[ids]
    unseen = [fingerprint not in evaluated for fingerprint in _fingerprints(images)]
    if not any(unseen):
        raise SuiteError(
            f"every one of {len(ids)} training samples of {dataset.name} is in its test split too",
            "start=auto is not found on the samples that are evaluated: give the start",
        )
    return Split(images[unseen], dataset.train.labels[ids][unseen])


def choose(counts: Mapping[str, np.ndarray], cells: int) -> tuple[str, list[dict[str, Any]]]:
    """The best start, or `none`, and a row for each.

    Args:
        counts: start -> (N,) in how many of the `cells` (eps, K) each sample was fooled; BP among them.
    """
    reference = counts[BP]
    names = [name for name in counts if name != BP]
    tests = [mcnemar_of(int((counts[n] > reference).sum()), int((counts[n] < reference).sum())) for n in names]
    adjusted = dict(zip(names, holm_of([test.p_value for test in tests]), strict=True))
    rows = [
        {"start": name, "success": float(mine.mean()) / cells, "p_holm": adjusted.get(name), "n": len(mine)}
        for name, mine in counts.items()
    ]
    best = max(reversed(names), key=lambda name: counts[name].sum())  # of equals the latest: it changes least
    helps = counts[best].sum() > reference.sum() and adjusted[best] <= SIGNIFICANT
    return best if helps else BP, rows


def _calibration(config: AttackConfig, run: Run, model: Classifier, ref: str, samples: Split) -> Callable[[], Found]:
    """What is left to do once everything that can be refused is known to work."""
    probe = samples.pixels(np.arange(1), run.device)
    paths = {BP: ""} | {str(start.index): start.path for start in all_starts(model, probe)}
    rules = applicable(model, run.gradient(ref), probe, [start for start in paths if start != BP])
    names = {start: f"{ref}: {start}" for start in rules}
    white_box = WhiteBox(
        config.model_copy(update={"limit": None}), run, model, samples,
        {names[start]: rule for start, rule in rules.items()},
    )  # fmt: skip

    def calibrate() -> Found:
        log.info("%s: attacking %d training samples from %d starts, once", ref, len(white_box.ids), len(rules) - 1)
        counts: dict[str, np.ndarray] = {}
        for start in run.track(rules, f"{ref} is found"):
            work = partial(_fooled_cells, white_box, names[start])
            counts[start] = np.asarray(run.once(f"calibration of {names[start]}", work)["cells"])
        best, rows = choose(counts, len(config.eps) * len(white_box.readings))
        described = tuple({"gradient": ref, "path": paths[row["start"]], **row} for row in rows)
        return Found(best, paths[best], len(white_box.ids), described)

    return calibrate


def _fooled_cells(white_box: WhiteBox, name: str) -> dict[str, np.ndarray]:
    """In how many of the asked (eps, K) each sample is fooled."""
    rows = white_box.rows(name, white_box.attacker(name), white_box.ids)
    fooled = np.array(rows["fooled"])[:, list(white_box.readings.values())]
    return {"cells": fooled.reshape(len(white_box.config.eps), len(white_box.ids), -1).sum((0, 2))}


def _fingerprints(images: np.ndarray) -> Iterator[bytes]:
    return (hashlib.sha256(image.tobytes()).digest() for image in images)


def _cache_path(config: AttackConfig, code: str, model: Classifier, dataset: Dataset, ref: str) -> Path:
    content = {
        "code": code,
        "model": [model.info.name, model.info.digest],
        "data": dataset.digest,
        "gradient": ref,
        "attack": config.model_dump(mode="json", exclude=_NO_MATTER),
    }
    key = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
    return cache_root() / "starts" / f"{key}.json"


def _read(path: Path) -> Found | None:
    """The stored answer; None when it is absent or damaged: it is then found again."""
    try:
        content = json.loads(path.read_bytes())
        return Found(content["start"], content["path"], content["samples"], tuple(content["rows"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
