"""What stands on a page: some runs, an experiment, or everything below a root; and the page's HTML.

Nothing in it says when or where it was made: the same runs give the same bytes.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from suite.errors import SuiteError
from suite.host.report import experiments, runs
from suite.host.report.allowance import MOST_RUNS, Allowance
from suite.host.report.experiments import ExperimentView
from suite.host.report.render import render
from suite.host.report.runs import Describe, IndexRow, RunView
from suite.host.report.side_by_side import SideBySide, side_by_side
from suite.host.store import RunDirectory, find_runs

log = logging.getLogger("suite")


@dataclass(frozen=True)
class Page:
    """Everything that a page says.

    kind: `Run`, `Runs`, `Experiment` or `Index`; index: a line for every run, also for those that are not in `runs`;
    beside: those of some few runs that are of one study, compared.
    """

    kind: str
    title: str
    lead: str
    runs: tuple[RunView, ...] = ()
    index: tuple[IndexRow, ...] = ()
    experiments: tuple[ExperimentView, ...] = ()
    note: str = ""
    beside: tuple[SideBySide, ...] = ()

    @property
    def anchors(self) -> dict[str, str]:
        """`study/key` -> the run's place on the page."""
        return {f"{run.study}/{run.key}": f"run-{number}" for number, run in enumerate(self.runs, 1)}

    @property
    def lines(self) -> dict[str, IndexRow]:
        """`study/key` -> the run in one line."""
        return {f"{row.study}/{row.key}": row for row in self.index}


def runs_page(found: Sequence[RunDirectory], describe: Describe) -> str:
    """Some runs in full, and side by side what is of one study.

    Raises SuiteError, naming the file, where one's `run.json` cannot be trusted.
    """
    studies = dict.fromkeys(str(run.read_written()["study"]) for run in found)
    full, index, note = _views(found, describe, len(found))
    if len(full) == 1:
        return render(Page("Run", full[0].study, "", full))
    beside = tuple(side_by_side(found, Allowance.of_one_in(len(found))))
    return render(Page("Runs", f"{len(found)} runs", ", ".join(studies), full, index, note=note, beside=beside))


def experiment_page(root: Path, record: Path, describe: Describe) -> str:
    """An experiment as a whole, with its runs. Raises SuiteError where its record cannot be read."""
    found = experiments.view(record, Allowance.of_one_in(1))
    there = [run for name in found.runs if (run := experiments.run_directory(root, name)) is not None]
    full, index, note = _views(there, describe, len(there) + 3)  # the experiment itself weighs as much as some runs
    return render(Page("Experiment", found.name, found.question, full, index, (found,), note))


def index_page(root: Path, describe: Describe) -> str:
    """All runs and experiments below a root. Raises SuiteError where there are none."""
    there, records = find_runs(root), experiments.find_experiments(root)
    if not there and not records:
        raise SuiteError(f"there are no runs in {root}", "run a study first, or name another folder with --runs")
    share = len(there) + len(records)
    full, index, note = _views(there, describe, share)
    found, notes = list[ExperimentView](), [note]
    for record in records:
        try:
            found.append(experiments.view(record, Allowance.of_one_in(share)))
        except SuiteError as error:
            notes.append(error.what)
    newest_first = tuple(sorted(index, key=lambda row: row.started, reverse=True))
    lead = f"{len(there)} runs of {len({run.path.parent.name for run in there})} studies below {root}"
    return render(Page("Index", "All runs", lead, full, newest_first, tuple(found), "; ".join(filter(None, notes))))


def _views(
    there: Sequence[RunDirectory], describe: Describe, share: int
) -> tuple[tuple[RunView, ...], tuple[IndexRow, ...], str]:
    """Runs in full, where one page holds so many; a line for each that was found; what is left out, in words.

    share: of how many equal parts of the page each run is one.
    """
    full, index = list[RunView](), list[IndexRow]()
    for run in there:
        try:
            if len(there) > MOST_RUNS:
                index.append(runs.brief_row(run, describe))
                continue
            full.append(runs.view(run, describe, Allowance.of_one_in(share)))
            index.append(runs.index_row(full[-1]))
        except SuiteError as error:
            log.warning("%s", error)
            index.append(runs.damaged_row(run, error))
    if len(there) <= MOST_RUNS:
        return tuple(full), tuple(index), ""
    note = f"These are too many runs to show in full on one page; suite report {there[0].path.name[:8]} shows one"
    return (), tuple(index), note
