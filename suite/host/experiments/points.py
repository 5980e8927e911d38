"""From a stage to its points: combinations of its axes, with what expressions give for each.

A reference means, for each point, the earlier stage's points that agree with it on all axes that both have: stages that
share the axis `seed` are joined seed by seed. One such point gives its value, several give the list of theirs.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from suite.errors import SuiteError, did_you_mean
from suite.host.experiments.definition import Stage, by_lists
from suite.host.experiments.expressions import Reference, Value, evaluate, is_expression, parse, references
from suite.host.store import RunDirectory
from suite.tables import read_columns

Axes = Mapping[str, Any]
"""Where a point lies: value by option, of those that its stage varies."""


class Unfinished(SuiteError):
    """A value is asked of a run that failed."""


class Missing(SuiteError):
    """A value is asked of a run that could not tell it, or of a point that was left out."""


Gap = Unfinished | Missing
"""Why a point has no values."""


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
    """What became of an earlier stage: its finished points, and where those lie that failed or were left out."""

    done: Sequence[Done]
    failed: Sequence[Axes] = ()
    left_out: Sequence[Axes] = ()


Earlier = Mapping[str, Points]


def combinations(stage: Stage, earlier: Earlier) -> Iterator[tuple[Axes, dict[str, Any] | Gap]]:
    """(axes, values of all options that the stage gives) of every point, in the order of the file.

    In place of values there is the reason where a run has none of them; the axes are then those known.

    Args:
        earlier: of all stages that this one refers to.

    Raises:
        SuiteError: a reference that finds nothing, an expression that gives no list where a list is needed.
    """
    for place, why in _places(stage, earlier):
        if why is not None:
            yield place, why
            continue
        varied = {name: value for name, value in place.items() if name not in stage.labels}
        try:
            fixed = {name: value_at(value, place, earlier) for name, value in stage.fixed.items()}
            yield place, {**fixed, **varied}
        except (Unfinished, Missing) as error:
            yield place, error


def count(stage: Stage, earlier: Earlier, most: int) -> int:
    """How many points `combinations` gives, at most one more than `most`: what is far too many is not counted out."""
    known = by_lists(stage)
    if known is None:
        return sum(1 for _ in islice(_places(stage, earlier), most + 1))
    return min(known, most + 1)


def _places(stage: Stage, earlier: Earlier) -> Iterator[tuple[dict[str, Any], Gap | None]]:
    """The axes of every point; where some of them cannot be told, those known and the reason."""
    for axes, why in _varied(stage, [*stage.grid.items()], {}, earlier):
        if why is not None:
            yield axes, why
            continue
        try:
            rows = _rows(stage, axes, earlier)
        except (Unfinished, Missing) as error:
            yield axes, error
            continue
        for row in rows:
            yield {**axes, **row}, None


def _varied(
    stage: Stage, axes: list[tuple[str, Any]], so_far: dict[str, Any], earlier: Earlier
) -> Iterator[tuple[dict[str, Any], Gap | None]]:
    if not axes:
        yield so_far, None
        return
    # Plain axes first: what an expression finds may depend on them.
    name, values = next((axis for axis in axes if not is_expression(axis[1])), axes[0])
    rest = [axis for axis in axes if axis[0] != name]
    try:
        found = _list(values, so_far, earlier)
    except (Unfinished, Missing) as error:
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
    """A value of the file at a place: what its expression gives there, also inside lists, or itself.

    Raises as `look_up` does, and Missing where what is found cannot be calculated with.
    """
    if isinstance(value, list):
        return [value_at(item, axes, earlier) for item in value]
    if not is_expression(value):
        return value
    tree = parse(value)
    found = {reference: look_up(reference, axes, earlier) for reference in references(tree)}
    try:
        return evaluate(tree, found.__getitem__)
    except SuiteError as error:
        raise Missing(error.what, error.remedy) from error


def look_up(reference: Reference, axes: Axes, earlier: Earlier) -> Value:
    """What a reference stands for at a place.

    Raises:
        SuiteError: no point agrees with the place, or no point at all has such a number, model or column.
        Unfinished: one that agrees has failed.
        Missing: one that agrees has no such value where others have, or all that agree were left out.
    """
    points = earlier[reference.stage]
    if any(_agree(failed, axes) for failed in points.failed):
        raise Unfinished(f"{reference} is asked of a run that failed, at {_told(axes)}", "see the failed points")
    agreeing = [point for point in points.done if _agree(point.axes, axes)]
    if not agreeing and any(_agree(left, axes) for left in points.left_out):
        raise Missing(f"{reference} is asked of a point that was left out, at {_told(axes)}", "see the plan")
    if not agreeing:
        raise SuiteError(f"{reference} finds no run at {_told(axes)}", "stages are joined on the axes that both have")
    found = [_of_point(reference, point, points.done) for point in agreeing]
    if len(found) == 1:
        return found[0]
    return [item for value in found for item in (value if isinstance(value, list) else [value])]


def _agree(axes: Axes, place: Axes) -> bool:
    return all(place[name] == value for name, value in axes.items() if name in place)


def _told(axes: Axes) -> str:
    return ", ".join(f"{name}={value}" for name, value in axes.items()) or "any place"


def _of_point(reference: Reference, point: Done, others: Sequence[Done]) -> Value:
    name = reference.name.partition(".")[0] if reference.kind == "tables" else reference.name
    known = [*point.manifest[reference.kind]]
    if (reference.kind, name) == ("models", "*") and known:
        return [f"run:{point.run}/{each}" for each in known]
    if name not in known:
        kind = f"{reference.kind.removesuffix('s')} {name!r}" if name != "*" else "model"
        fault = Missing if any(name in other.manifest[reference.kind] for other in others) else SuiteError
        raise fault(f"{reference}: {point.run} has no {kind}", did_you_mean(name, known))
    if reference.kind == "models":
        return f"run:{point.run}/{name}"
    if reference.kind == "tables":
        return _column(reference, point)
    value: Value | None = point.manifest[reference.kind][name]
    if value is None:
        raise Missing(f"{reference}: {point.run} has no value there", "the run could not tell it; see its tables")
    return value


def _column(reference: Reference, point: Done) -> Value:
    table, _, column = reference.name.partition(".")
    files = point.manifest["tables"]
    columns = read_columns(point.directory.path / files[table]["file"])
    if columns is None:
        raise SuiteError(f"{point.directory.path / files[table]['file']} is missing or damaged", "run it with --fresh")
    if column not in columns:
        raise SuiteError(f"{reference}: that table has no column {column!r}", did_you_mean(column, [*columns]))
    values = columns[column]
    found: Value = values if isinstance(values, list) else values.tolist()
    return found
