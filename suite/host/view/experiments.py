"""Experiments of the store, each in one line."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite.host import manifest


@dataclass(frozen=True)
class ExperimentRow:
    """An experiment in one line; `note` says why it cannot be read."""

    name: str
    question: str
    stages: str
    points: int
    failed: int
    note: str = ""


def experiment_rows(records: Mapping[str, Path]) -> list[ExperimentRow]:
    """All of them, by name."""
    return [_row(name, path) for name, path in records.items()]


def _row(name: str, record: Path) -> ExperimentRow:
    content, why = manifest.read(record)
    stages = content.get("stages") if isinstance(content, dict) else None
    if not isinstance(stages, dict):
        return ExperimentRow(name, "", "", 0, 0, why or "its record is damaged")
    failures = content.get("failures")
    points = [_points(stage) for stage in stages.values()]
    told = ", ".join(f"{stage} ({count})" for stage, count in zip(stages, points, strict=True))
    failed = len(failures) if isinstance(failures, dict) else 0
    return ExperimentRow(name, str(content.get("question") or ""), told, sum(points), failed)


def _points(stage: Any) -> int:
    points = stage.get("points") if isinstance(stage, dict) else None
    return len(points) if isinstance(points, list) else 0
