"""What the runs of a study must keep: every option is read, results are whole, and the same wherever they come from."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from suite.errors import one_line
from suite.host.analysis import analyse
from suite.host.store import RESULTS, RunDirectory
from suite.host.testing.trial import Trial, unkeyed
from suite.tables import read_rows

ROUNDING = 1e-4
"""How far a number may be from another way to compute it, in units of the largest in its column, or of 0.01."""


def reads_every_option(trial: Trial) -> Iterator[str]:
    """Each option is asked for by the study, or has been turned into another option by the config's validation."""
    read = trial.undisturbed.read
    unread = [name for name in trial.config_class.model_fields if name not in read and name != "seed"]
    for name in unread:
        if not _is_spelt_otherwise(trial, name):
            where = f"preset {trial.preset!r}" if trial.preset else "the defaults"
            yield f"option {name} is not read under {where}: use it, or give a preset 'smoke' under which it matters"


def has_results(trial: Trial) -> Iterator[str]:
    """Tables with rows, a headline, figures with captions, in files that can be read."""
    directory = trial.undisturbed.directory
    content = directory.read()
    if not trial.undisturbed.computed:
        yield "nothing is stored by run.once: an interruption loses everything"
    if not any(table["rows"] for table in content["tables"].values()):
        yield "no table has a row"
    for shown in content["shown"]:
        if shown["table"] not in content["tables"]:
            yield f"it shows the table {shown['table']!r} and has none of that name"
    if not content["headline"]:
        yield "there is no headline: the first numbers that people see"
    if not content["figures"]:
        yield "there is no figure"
    for name, figure in content["figures"].items():
        if not figure["caption"].strip():
            yield f"figure {name} has no caption"
        yield from _unreadable(directory.path, figure)


def is_the_same_elsewhere(trial: Trial) -> Iterator[str]:
    """Options that are not in the key, the number of threads, and that of jobs change nothing but rounding."""
    changed = ", ".join([*unkeyed(trial.config_class), "threads", *(["jobs"] if trial.study.parallel else [])])
    for fault in _differences(trial.undisturbed.directory, trial.elsewhere.directory):
        yield f"{fault} under another value of {changed}"


def continues(trial: Trial) -> Iterator[str]:
    """A run that was stopped half-way and continued computes no part twice, and has the same bytes."""
    again = set(trial.interrupted.computed).intersection(trial.continued.computed)
    if again:
        yield f"it computes {', '.join(sorted(again))} again, which was stored"
    for name, file in _raw_tables(trial.undisturbed.directory).items():
        whole, joined = (run.directory.path / file for run in (trial.undisturbed, trial.continued))
        if not joined.exists() or whole.read_bytes() != joined.read_bytes():
            yield f"table {name} is another after an interruption: key draws by run.seed and sample or part"


def comes_back(trial: Trial) -> Iterator[str]:
    """Results that were deleted are made again from the raw tables, to the same bytes."""
    run = trial.undisturbed.directory
    before = _files(run.path / RESULTS)
    shutil.rmtree(run.path / RESULTS, ignore_errors=True)
    analyse(run, trial.registry)
    after = _files(run.path / RESULTS)
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield f"{name} is another when analysed again: results depend on raw tables, config and facts alone"


RULES: Mapping[str, Callable[[Trial], Iterator[str]]] = {
    "every option reaches the study": reads_every_option,
    "has tables, a headline and figures": has_results,
    "has results that come back when deleted": comes_back,
    "gives the same for another batch size and number of jobs": is_the_same_elsewhere,
    "gives the same bytes when interrupted and continued": continues,
}


def _is_spelt_otherwise(trial: Trial, name: str) -> bool:
    """Whether the preset's value of an option has become a value of another: `start` within `gradients`."""
    given = dict(trial.study.presets[trial.preset]) if trial.preset else {}
    if given.pop(name, None) is None:
        return False
    without = trial.config_class.model_validate(given).model_dump(exclude={name})
    return without != trial.config.model_dump(exclude={name})


def _unreadable(root: Path, figure: Mapping[str, str]) -> Iterator[str]:
    from PIL import Image

    try:
        if not ElementTree.parse(root / figure["svg"]).getroot().tag.endswith("svg"):
            yield f"{figure['svg']} is no SVG"
        with Image.open(root / figure["png"]) as image:
            image.verify()
    except (OSError, ElementTree.ParseError, SyntaxError) as error:
        yield f"a figure cannot be read: {one_line(error)}"


def _files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _raw_tables(directory: RunDirectory) -> dict[str, str]:
    """Files of the raw tables by name; what is made of them is the same where they are."""
    tables = {name: table["file"] for name, table in directory.read()["tables"].items()}
    return {name: file for name, file in tables.items() if file.startswith("tables/")}


def _differences(one: RunDirectory, other: RunDirectory) -> Iterator[str]:
    files = _raw_tables(one)
    if [*files] != [*_raw_tables(other)]:
        yield "there are other tables"
        return
    for name, file in files.items():
        rows = [read_rows(run.path / file) for run in (one, other)]
        if len(rows[0]) != len(rows[1]) or [*map(list, rows[0])] != [*map(list, rows[1])]:
            yield f"table {name} has other rows or columns"
            continue
        for column in rows[0][0] if rows[0] else ():
            if not _alike(*([row[column] for row in some] for some in rows)):
                yield f"column {column} of table {name} is another"


def _alike(one: list[Any], other: list[Any]) -> bool:
    """Equal, or floats, also in lists, that are equal up to rounding."""
    if one == other:
        return True
    first, second = _flat(one), _flat(other)
    if len(first) != len(second) or not all(isinstance(value, float | None) for value in [*first, *second]):
        return False
    gaps = [[value is None for value in values] for values in (first, second)]
    a, b = (np.array([value for value in values if value is not None]) for values in (first, second))
    scale = float(np.abs(a[np.isfinite(a)]).max(initial=0.01))
    return gaps[0] == gaps[1] and np.allclose(a, b, rtol=0, atol=ROUNDING * scale, equal_nan=True)


def _flat(values: list[Any]) -> list[Any]:
    return [item for value in values for item in (_flat(value) if isinstance(value, list) else [value])]
