"""`start=auto`: LinBP's start is chosen by attacking training samples from every start; never test samples.

The best start is the one with the highest success of the configured attack, averaged over its eps and K. It is taken if
it beats BP there, by a sign test over the samples at level 0.05, adjusted by Holm for the number of starts. If it does
not, the choice is `none`, plain backpropagation: an advantage that calibration does not show is not claimed.
Calibrations are kept in the cache, by model, data, attack settings and code.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from modules.linbp.attack.config import AttackConfig
from modules.linbp.attack.white_box import WhiteBox
from modules.linbp.names import BP
from modules.linbp.samples import calibration_samples
from modules.linbp.starts import all_starts, applicable
from suite.data import Dataset, Split
from suite.digests import json_digest
from suite.errors import SuiteError
from suite.files import atomic
from suite.locks import made_once
from suite.measuring import Run
from suite.models import Classifier
from suite.paths import cache_root
from suite.refs import parse_sum
from suite.statistics import holm_of, mcnemar_of

log = logging.getLogger("suite")

AUTO = "auto"
SIGNIFICANT = 0.05
_WITHOUT_EFFECT = {"model", "dataset", "gradients", "start", "limit", "examples", "batch_size"}
"""Options of an attack that do not change which start is best, or are in a calibration's key by their content."""


@dataclass(frozen=True)
class Calibration:
    """The start that was chosen, and what from every start was measured.

    Attributes:
        start: a rectifier call's index as text, or `none`.
        path: of the module that makes this call; empty for `none`.
        samples: how many training samples were attacked.
        rows: one for each start, BP first.
    """

    start: str
    path: str
    samples: int
    rows: tuple[dict[str, Any], ...]

    def __str__(self) -> str:
        choice = f"start={self.start} ({self.path})" if self.start != BP else "none: no start beats bp"
        return f"{choice} on {self.samples} training samples"


def is_auto(ref: str) -> bool:
    """Whether a gradient reference leaves its start to calibration. Raises SuiteError where a sum of rules does."""
    calls = parse_sum(ref)
    left_open = any(call.arguments.get("start") == AUTO for call in calls)
    if left_open and len(calls) > 1:
        raise SuiteError(f"{ref!r}: start=auto is found for one rule, not for a sum of rules", "give the start")
    return left_open


def calibrations(config: AttackConfig, run: Run, model: Classifier, refs: Iterable[str]) -> dict[str, Calibration]:
    """The calibration of each gradient reference, from the cache or by attacking.

    Raises SuiteError for a reference that cannot be calibrated, before any is.
    """
    dataset = run.dataset(config.dataset)
    files = {ref: _cache_path(config, run.code, model, dataset, ref) for ref in refs}
    stored = {ref: calibration for ref, file in files.items() if (calibration := _read(file)) is not None}
    missing = [ref for ref in files if ref not in stored]
    if missing:
        samples = calibration_samples(dataset, config.calibration, config.seed)
        sweeps = [Sweep(config, run, model, ref, samples) for ref in missing]
        for sweep in sweeps:
            stored[sweep.ref] = _calibrated_once(sweep, files[sweep.ref])
    for ref in files:
        log.info("%s: %s", ref, stored[ref])
    return {ref: stored[ref] for ref in files}


def choose(counts: Mapping[str, np.ndarray], cells: int) -> tuple[str, list[dict[str, Any]]]:
    """The best start, or `none`, and a row for each.

    Args:
        counts: start -> (N,) in how many of the `cells` (eps, K) each sample was fooled; BP among them.
    """
    reference = counts[BP]
    starts = [start for start in counts if start != BP]
    tests = [mcnemar_of(int((counts[s] > reference).sum()), int((counts[s] < reference).sum())) for s in starts]
    adjusted = dict(zip(starts, holm_of([test.p_value for test in tests]), strict=True))
    rows = [
        {"start": start, "success": float(count.mean()) / cells, "p_holm": adjusted.get(start), "n": len(count)}
        for start, count in counts.items()
    ]
    best = max(reversed(starts), key=lambda start: counts[start].sum())  # of equals the latest: it changes least
    helps = counts[best].sum() > reference.sum() and adjusted[best] <= SIGNIFICANT
    return best if helps else BP, rows


class Sweep:
    """The configured attack on training samples, from every start that a rule accepts.

    Raises SuiteError where the rule or the attack cannot work on this model.
    """

    def __init__(self, config: AttackConfig, run: Run, model: Classifier, ref: str, samples: Split) -> None:
        self.config, self.run, self.ref = config, run, ref
        probe = samples.pixels(np.arange(1), run.device)
        self.paths = {BP: ""} | {str(start.index): start.path for start in all_starts(model, probe)}
        rules = applicable(model, run.gradient(ref), probe, [start for start in self.paths if start != BP])
        self.names = {start: f"{ref}: {start}" for start in rules}
        self.white_box = WhiteBox(
            config.model_copy(update={"limit": None}), run, model, samples,
            {self.names[start]: rule for start, rule in rules.items()},
        )  # fmt: skip

    def calibration(self) -> Calibration:
        """Attacks from each start, once a run, and chooses among them."""
        samples = len(self.white_box.ids)
        log.info("%s: attacking %d training samples from %d starts, once", self.ref, samples, len(self.names) - 1)
        counts: dict[str, np.ndarray] = {}
        for start in self.run.track(self.names, f"calibration of {self.ref}"):
            attack = partial(self._fooled_cells, self.names[start])
            counts[start] = np.asarray(self.run.once(f"calibration of {self.names[start]}", attack)["cells"])
        best, rows = choose(counts, len(self.config.eps) * len(self.white_box.readings))
        described = tuple({"gradient": self.ref, "path": self.paths[row["start"]], **row} for row in rows)
        return Calibration(best, self.paths[best], samples, described)

    def _fooled_cells(self, gradient: str) -> dict[str, np.ndarray]:
        """In how many of the (eps, K) that the study reports each sample is fooled."""
        white_box = self.white_box
        rows = white_box.rows(white_box.attacker(gradient), white_box.ids)
        fooled = np.array(rows["fooled"])[:, [white_box.steps.index(steps) for steps in white_box.readings]]
        return {"cells": fooled.reshape(len(self.config.eps), len(white_box.ids), -1).sum((0, 2))}


def _calibrated_once(sweep: Sweep, path: Path) -> Calibration:
    """A sweep's calibration, made by one process while others wait for it."""
    with made_once(path, f"the calibration of {sweep.ref}"):
        calibration = _read(path)
        if calibration is None:
            if path.exists():
                log.warning("the calibration of %s in the cache is damaged: it is made again", sweep.ref)
            calibration = sweep.calibration()
            _write(path, calibration)
        return calibration


def _cache_path(config: AttackConfig, code: str, model: Classifier, dataset: Dataset, ref: str) -> Path:
    content = {
        "code": code,
        "model": [model.info.name, model.info.digest],
        "data": dataset.digest,
        "gradient": ref,
        "attack": config.model_dump(mode="json", exclude=_WITHOUT_EFFECT),
    }
    key = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
    return cache_root() / "starts" / f"{key}.json"


def _write(path: Path, calibration: Calibration) -> None:
    content = asdict(calibration)
    with atomic(path) as file:
        file.write(json.dumps({"check": json_digest(content), **content}).encode())


def _read(path: Path) -> Calibration | None:
    """The stored calibration; None when it is absent or damaged: it is then made again."""
    try:
        content = json.loads(path.read_bytes())
        if content.pop("check") != json_digest(content):
            return None
        return Calibration(content["start"], content["path"], content["samples"], tuple(content["rows"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
