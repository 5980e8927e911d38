"""An experiment's joint tables and figures, as files beside its record."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from suite.host.experiments.definition import Experiment
from suite.host.experiments.forms import JointTable
from suite.host.experiments.points import Earlier
from suite.host.experiments.record import Record

log = logging.getLogger("suite")


def report(experiment: Experiment, points: Earlier, root: Path) -> list[Path]:
    """Writes the experiment's joint tables and figures to `experiments/NAME/`, in place of those that it has there.

    Those of a stage of which no point is done are left out, with a warning; the others are made.

    Returns their paths. Raises SuiteError where a table, a column or a value that they ask for is not there.
    """
    return Record(root, experiment).replace_files(_files(experiment, points))


def _stage(table: JointTable) -> str:
    """The stage whose rows a joint table collects."""
    return table.rows.partition(".")[0]


def _files(experiment: Experiment, points: Earlier) -> Mapping[str, bytes]:
    """Contents by file name: tables, then figures."""
    from suite.figures import render  # SciPy, polars and matplotlib, which a plan can do without
    from suite.host.experiments import joint
    from suite.tables import frame_bytes

    made = dict[str, Any]()
    there = {name: table for name, table in experiment.tables.items() if points[_stage(table)].done}
    for stage in dict.fromkeys(_stage(table) for name, table in experiment.tables.items() if name not in there):
        log.warning("no point of stage %r is done: its joint tables and figures are left out", stage)
    for name, table in there.items():
        made[name] = joint.collect(table, points)
        if table.mean is not None:
            made[f"{name}_means"] = joint.means(table, made[name])
        if table.versus:
            made[f"{name}_differences"] = joint.differences(table, made[name])
    files = {f"{name}.parquet": frame_bytes(frame) for name, frame in made.items()}
    for name, figure in experiment.figures.items():
        if figure.table not in there:
            continue
        kind = "differences" if figure.differences else "means"
        drawn = render(joint.draw(figure, made[f"{figure.table}_{kind}"]), name)
        files |= {f"{name}.{ending}": data for ending, data in drawn.items()}
    return files
