"""An experiment as plain page data: its question, its stages, its joint tables and figures, its runs."""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite.errors import SuiteError, did_you_mean
from suite.files import read_regular
from suite.host.manifest import MOST_BYTES_OF_EXPERIMENTS
from suite.host.plain import plain
from suite.host.report import figures, tables
from suite.host.report.allowance import Allowance
from suite.host.report.claims import Claim, claims, tally
from suite.host.store import RunDirectory
from suite.host.text import text_of

READ = 500
FOLDER = "experiments"


@dataclass(frozen=True)
class Point:
    """A run of a stage: where it stands on the stage's axes, and why it failed, if it did."""

    axes: str
    run: str
    error: str


@dataclass(frozen=True)
class StageView:
    """A stage with its points."""

    name: str
    study: str
    points: tuple[Point, ...]

    @property
    def failed(self) -> int:
        """How many of its points failed."""
        return sum(bool(point.error) for point in self.points)


@dataclass(frozen=True)
class ExperimentView:
    """What a page shows of an experiment.

    summaries: means and differences; rows: what these are made of; typed: the command that ran it last.
    """

    name: str
    question: str
    typed: str
    stages: tuple[StageView, ...]
    claims: tuple[Claim, ...]
    judged: Mapping[str, int]
    figures: tuple[figures.FigureView, ...]
    summaries: tuple[tables.TableView, ...]
    rows: tuple[tables.TableView, ...]
    notes: tuple[str, ...]

    @property
    def runs(self) -> list[str]:
        """Its points' runs, each once, as `study/key`."""
        return list(dict.fromkeys(point.run for stage in self.stages for point in stage.points))


def find_experiments(root: Path) -> list[Path]:
    """The records of all experiments below a root."""
    return sorted((root / FOLDER).glob("*.json"))


def find_experiment(root: Path, name: str) -> Path:
    """The record of the experiment of that name. Raises SuiteError where there is none."""
    known = find_experiments(root)
    for path in known:
        if path.stem == name:
            return path
    raise SuiteError(f"no experiment {name!r} in {root}", did_you_mean(name, [path.stem for path in known]))


def view(record: Path, allowance: Allowance) -> ExperimentView:
    """Reads an experiment. Raises SuiteError where its record cannot be read; all else that is amiss is noted."""
    content = _read(record)
    notes: list[str] = []
    folder = record.with_suffix("")
    heads: dict[str, tables.Head] = {}
    for path in sorted(folder.glob("*.parquet")):
        try:
            heads[path.stem] = tables.read_head(path, READ)
        except SuiteError as error:
            notes.append(error.what)
    summed = {name.removesuffix(end) for name in heads for end in ("_means", "_differences") if name.endswith(end)}
    judged = claims({name: folder / f"{name}.parquet" for name in heads}, heads, notes)
    kept = [claim for claim in judged[: allowance.rows] if allowance.take(claim.size)]
    shown = [_table(folder, name, heads[name], allowance) for name in _differences_first(heads) if name not in summed]
    drawn = [_figure(path, allowance) for path in sorted(folder.glob("*.svg"))]
    rest = [_table(folder, name, heads[name], allowance) for name in heads if name in summed]
    stages = _stages(content, notes)
    if not heads and not any(stage.failed for stage in stages):
        notes.append("it has no joint tables: the experiment asks for none, or its stages are not done")
    return ExperimentView(
        str(content.get("name") or record.stem), str(content.get("question") or ""), _typed(content.get("argv")),
        tuple(stages), tuple(kept), tally(judged), tuple(drawn), tuple(shown), tuple(rest), tuple(notes),
    )  # fmt: skip


def run_directory(root: Path, run: str) -> RunDirectory | None:
    """The directory of `study/key` below a root; None for what is no such name, or where none is."""
    study, _, key = run.partition("/")
    if not study or not key or "/" in key or ".." in (study, key) or not (root / study / key / "run.json").exists():
        return None
    return RunDirectory(root / study / key)


def _read(record: Path) -> dict[str, Any]:
    try:
        content = plain(json.loads(read_regular(record, MOST_BYTES_OF_EXPERIMENTS)))
    except OSError as error:
        raise SuiteError(f"cannot read {record}: {error.strerror}", "run the experiment again") from error
    except (ValueError, RecursionError):
        raise SuiteError(f"{record} is damaged: no JSON", "run the experiment again") from None
    if not isinstance(content, dict) or not isinstance(content.get("stages"), dict):
        raise SuiteError(f"{record} is damaged: it has no stages", "run the experiment again")
    return content


def _stages(content: Mapping[str, Any], notes: list[str]) -> list[StageView]:
    failures = content.get("failures")
    errors = failures if isinstance(failures, dict) else {}
    stages = []
    for name, stage in content["stages"].items():
        points = stage.get("points") if isinstance(stage, dict) else None
        if not isinstance(points, list):
            notes.append(f"the stage {name!r} has no list of points")
            continue
        whole = [point for point in points if isinstance(point, dict) and isinstance(point.get("run"), str)]
        if len(whole) < len(points):
            notes.append(f"the stage {name!r} has {len(points) - len(whole)} points without a run")
        made = [Point(_axes(point.get("axes")), point["run"], str(errors.get(point["run"], ""))) for point in whole]
        stages.append(StageView(name, str(stage.get("study", "")), tuple(made)))
    return stages


def _typed(argv: Any) -> str:
    if not isinstance(argv, list) or not argv:
        return ""
    program, *arguments = map(str, argv)
    return shlex.join([Path(program).name, *arguments])


def _axes(axes: Any) -> str:
    return ", ".join(f"{name}={text_of(value)}" for name, value in axes.items()) if isinstance(axes, dict) else ""


def _differences_first(names: Mapping[str, Any]) -> Sequence[str]:
    return sorted(names, key=lambda name: (not name.endswith("_differences"), name))


def _table(folder: Path, name: str, head: tables.Head, allowance: Allowance) -> tables.TableView:
    return tables.view(name, head, folder / f"{name}.parquet", allowance, title=name.replace("_", " "))


def _figure(path: Path, allowance: Allowance) -> figures.FigureView:
    return figures.view(path.stem, path.stem.replace("_", " "), path, path.with_suffix(".png"), allowance)
