"""A run brought to its end: measured unless it is, and analysed unless its results are those of today's code."""

from collections.abc import Mapping
from typing import Any, Literal

from suite.errors import SuiteError, WorkFailed
from suite.host.keys import analysing_code
from suite.host.registry import Registry, load_target
from suite.host.run import Run
from suite.host.store import Busy, RunDirectory
from suite.plugin import Study

Work = Literal["measured", "analysed", "nothing"]


def complete(run: Run, registry: Registry, *, fresh: bool = False) -> Work:
    """Does what a run lacks, and says what that was.

    Args:
        fresh: measure again, whatever is stored.

    Raises:
        Busy: another process works on the run.
        SuiteError: the study refused its input before anything was stored.
        WorkFailed: measuring or analysing failed; what was measured is kept.
    """
    study = registry.study(run.study)
    measured = fresh or run.directory.status() != "finished"
    if measured:
        run.execute(load_target(study.measure), fresh=fresh)
    if study.results is study.figures is None or is_current(run.directory, registry):
        return "measured" if measured else "nothing"
    from suite.host.analysis import analyse  # SciPy and polars, for what is to be analysed

    try:
        analyse(run.directory, registry)
    except Busy:
        raise
    except SuiteError as error:
        kept = f"what was measured is kept in {run.directory.path}"
        raise WorkFailed(error.what, f"{error.remedy}; {kept}" if error.remedy else kept) from error
    return "measured" if measured else "analysed"


def is_made(content: Mapping[str, Any], study: Study) -> bool:
    """Whether a run's record tells of one that is measured and, where its study has results, analysed, too.

    A process that was killed between the two has left a run that is finished and of which nobody can tell what it says.
    """
    if content.get("status") != "finished":
        return False
    return study.results is study.figures is None or content["analysis"] is not None


def is_current(run: RunDirectory, registry: Registry) -> bool:
    """Whether a finished run has results that today's analysing code made."""
    content = run.read()
    study = registry.study(content["study"])
    return (content["analysis"] or {}).get("code") == analysing_code(study, registry)
