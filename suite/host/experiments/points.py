"""From a stage to its points: combinations of its axes, with what expressions give for each.

A reference means, for each point, the earlier stage's points that agree with it on all axes that both have: stages that
share the axis `seed` are joined seed by seed. One such point gives its value, several give the list of theirs.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from suite.errors import SuiteError, did_you_mean
from suite.host.experiments.definition import Stage
from suite.host.experiments.expressions import Reference, Value, evaluate, is_expression, parse
from suite.host.store import RunDirectory
from suite.tables import read_columns

Axes = Mapping[str, Any]
"""Where a point lies: value by option, of those that its stage varies."""


class Unfinished(SuiteError):
    """A value is asked of a run that failed."""


@dataclass(frozen=True)
class Done:
    """A finished point of an earlier stage."""

    axes: Axes
    directory: RunDirectory
    manifest: Mapping[str, Any] = field(repr=False)

    @property
    def run(self) -> str:
        """`study/key`, as `run:` references name it."""
        return f"{self.directory.path.parent.name}/{self.directory.path.name}"


@dataclass(frozen=True)
class Points:
    """What became of an earlier stage: its finished points, and where those lie that failed."""

    done: Sequence[Done]
    failed: Sequence[Axes] = ()


Earlier = Mapping[str, Points]


def combinations(stage: Stage, earlier: Earlier) -> Iterator[tuple[Axes, dict[str, Any] | Unfinished]]:
    """(axes, values of all options that the stage gives) of every point, in the order of the file.

    In place of values there is the reason where they are asked of a run that failed; the axes are then those known.

    Args:
        earlier: of all stages that this one refers to.

    Raises:
        SuiteError: a reference that finds nothing, an expression that gives no list where a list is needed.
    """
    for axes, why in _varied(stage, [*stage.grid.items()], {}, earlier):
        if why is not None:
            yield axes, why
            continue
        try:
            rows = _rows(stage, axes, earlier)
        except Unfinished as error:
            yield axes, error
            continue
        for row in rows:
            place = {**axes, **row}
            varied = {name: value for name, value in place.items() if name not in stage.labels}
            try:
                fixed = {name: value_at(value, place, earlier) for name, value in stage.fixed.items()}
                yield place, {**fixed, **varied}
            except Unfinished as error:
                yield place, error


def _varied(
    stage: Stage, axes: list[tuple[str, Any]], so_far: dict[str, Any], earlier: Earlier
) -> Iterator[tuple[dict[str, Any], Unfinished | None]]:
    if not axes:
        yield so_far, None
        return
    # Plain axes first: what an expression finds may depend on them.
    name, values = next((axis for axis in axes if not is_expression(axis[1])), axes[0])
    rest = [axis for axis in axes if axis[0] != name]
    try:
        found = _list(values, so_far, earlier)
    except Unfinished as error:
        yield so_far, error
        return
    for value in found:
        yield from _varied(stage, rest, {**so_far, name: value}, earlier)


def _rows(stage: Stage, axes: Axes, earlier: Earlier) -> list[dict[str, Any]]:
    lists = {name: _list(values, axes, earlier) for name, values in stage.zipped.items()}
    if len({len(values) for values in lists.values()}) > 1:
        told = ", ".join(f"{len(values)} of {name}" for name, values in lists.items())
        raise SuiteError(f"stage {stage.name!r} zips {told}", "give lists of one length")
    return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)] if lists else [{}]


def _list(values: Any, axes: Axes, earlier: Earlier) -> list[Any]:
    found = value_at(values, axes, earlier)
    return found if isinstance(found, list) else [found]


def value_at(value: Any, axes: Axes, earlier: Earlier) -> Any:
    """A value of the file at a place: what its expression gives there, also inside lists, or itself."""
    if isinstance(value, list):
        return [value_at(item, axes, earlier) for item in value]
    if not is_expression(value):
        return value
    return evaluate(parse(value), lambda reference: look_up(reference, axes, earlier))


def look_up(reference: Reference, axes: Axes, earlier: Earlier) -> Value:
    """What a reference stands for at a place.

    Raises SuiteError where no point agrees with the place, or a point has no such number, model or column, and
    Unfinished where one that agrees has failed.
    """
    told = ", ".join(f"{name}={value}" for name, value in axes.items()) or "any place"
    if any(_agree(failed, axes) for failed in earlier[reference.stage].failed):
        raise Unfinished(f"{reference} is asked of a run that failed, at {told}", "see the failed points")
    agreeing = [point for point in earlier[reference.stage].done if _agree(point.axes, axes)]
    if not agreeing:
        raise SuiteError(f"{reference} finds no run at {told}", "stages are joined on the axes that both have")
    found = [_of_point(reference, point) for point in agreeing]
    if len(found) == 1:
        return found[0]
    return [item for value in found for item in (value if isinstance(value, list) else [value])]


def _agree(axes: Axes, place: Axes) -> bool:
    return all(place[name] == value for name, value in axes.items() if name in place)


def _of_point(reference: Reference, point: Done) -> Value:
    if reference.kind == "models":
        known = [*point.manifest["models"]]
        names = known if reference.name == "*" else [reference.name]
        for name in names or [""]:
            if name not in known:
                raise SuiteError(f"{reference}: {point.run} has no model {name!r}", did_you_mean(name, known))
        models: list[Value] = [f"run:{point.run}/{name}" for name in names]
        return models if reference.name == "*" else models[0]
    if reference.kind == "tables":
        return _column(reference, point)
    known = [*point.manifest[reference.kind]]
    if reference.name not in known:
        remedy = did_you_mean(reference.name, known)
        raise SuiteError(f"{reference}: {point.run} has no {reference.kind} {reference.name!r}", remedy)
    value: Value | None = point.manifest[reference.kind][reference.name]
    if value is None:
        raise SuiteError(f"{reference}: {point.run} has no value there", "the run could not tell it; see its tables")
    return value


def _column(reference: Reference, point: Done) -> Value:
    table, _, column = reference.name.partition(".")
    files = point.manifest["tables"]
    if table not in files:
        raise SuiteError(f"{reference}: {point.run} has no table {table!r}", did_you_mean(table, [*files]))
    columns = read_columns(point.directory.path / files[table]["file"])
    if columns is None:
        raise SuiteError(f"{point.directory.path / files[table]['file']} is missing or damaged", "run it with --fresh")
    if column not in columns:
        raise SuiteError(f"{reference}: that table has no column {column!r}", did_you_mean(column, [*columns]))
    values = columns[column]
    found: Value = values if isinstance(values, list) else values.tolist()
    return found
