"""What an experiment's file asks for at its end: joint tables and figures.

[tables.edge]
rows = "attack.success"                              # a stage's table
where = { steps = [5, 10] }                          # which of its rows: of a column one value, or several
columns = { ratio = "mean({attack.config.eps}) / {star.headline.eps_star}" }
mean = "rate"                                        # of the rows alike in `by`: mean, 95 % limits, n
by = ["ratio", "gradient"]
versus = { gradient = ["linbp", "bp"] }              # each minus the last, paired by `pair`
pair = ["seed"]

[figures.edge]
table = "edge"
x = "ratio"
series = "gradient"
differences = true                                   # of the pairs; otherwise means
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, TypeVar

from suite.errors import SuiteError, did_you_mean, known_keys
from suite.files import NAME
from suite.host.experiments.expressions import is_expression, parse, references

T = TypeVar("T")


@dataclass(frozen=True)
class Shape:
    """What a key of the file holds: how to say that a value is not that, an example, and the test."""

    wrong: str
    example: str
    fits: Callable[[Any], bool]


TEXT = Shape("no text", '"..."', lambda value: isinstance(value, str))
SWITCH = Shape("neither true nor false", "true", lambda value: isinstance(value, bool))
TEXTS = Shape(
    "no list of texts", '["...", "..."]', lambda value: isinstance(value, list) and all(map(TEXT.fits, value))
)
TABLE = Shape("no table", "{ name = ... }", lambda value: isinstance(value, Mapping))

_TABLE_KEYS = {
    "rows": TEXT, "where": TABLE, "columns": TABLE, "mean": TEXT, "by": TEXTS, "versus": TABLE, "pair": TEXTS,
}  # fmt: skip
_FIGURE_KEYS = {
    "table": TEXT, "x": TEXT, "series": TEXT, "title": TEXT, "x_label": TEXT, "y_label": TEXT, "log_x": SWITCH,
    "log_y": SWITCH, "panels": TEXT, "differences": SWITCH,
}  # fmt: skip


@dataclass(frozen=True)
class JointTable:
    """Which rows, and what to make of them.

    Args:
        rows: "stage.table".
        where: column -> the value that a row must have, or a list of which it has one.
        columns: new column -> expression, evaluated for each point.
        mean: column to average; None keeps the rows as they are.
        by: columns whose values make a group.
        versus: column -> two or more of its values; each is compared with the last. Of two columns: the difference of
            the differences.
        pair: columns that tell which rows of the two belong together.
    """

    rows: str
    where: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    mean: str | None = None
    by: tuple[str, ...] = ()
    versus: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    pair: tuple[str, ...] = ("seed",)


@dataclass(frozen=True)
class JointFigure:
    """Means of a joint table against one of its columns, a line with its band for every value of another.

    Args:
        panels: column with a panel for each of its values.
        differences: show the paired differences in place of the means.
    """

    table: str
    x: str
    series: str
    title: str = ""
    x_label: str = ""
    y_label: str = ""
    log_x: bool = False
    log_y: bool = False
    panels: str = ""
    differences: bool = False


def read_summaries(
    content: Mapping[str, Any], stages: Sequence[str], where: str
) -> tuple[dict[str, JointTable], dict[str, JointFigure]]:
    """The tables and figures of a file's content, by name. Raises SuiteError for what does not fit its stages."""
    made, drawn = content.get("tables", {}), content.get("figures", {})
    tables = {name: _made(JointTable, table, _TABLE_KEYS, "table", name, where) for name, table in made.items()}
    figures = {name: _made(JointFigure, figure, _FIGURE_KEYS, "figure", name, where) for name, figure in drawn.items()}
    for name, table in tables.items():
        _check_table(name, table, stages)
    for name, figure in figures.items():
        if figure.table not in tables or tables[figure.table].mean is None:
            what = f"figure {name!r} shows no table with a mean: {figure.table!r}"
            raise SuiteError(what, did_you_mean(figure.table, [*tables]))
        if figure.differences and not tables[figure.table].versus:
            raise SuiteError(f"figure {name!r}: table {figure.table!r} has no differences", "give it versus")
    return tables, figures


def check_shapes(content: Any, keys: Mapping[str, Shape], where: str) -> None:
    """Raises SuiteError for what is no table, for a key that is not known, or holds what it cannot hold."""
    if not TABLE.fits(content):
        raise SuiteError(f"{where} is no table: {content!r}", f"write {' or '.join(list(keys)[:3])} = ... in it")
    known_keys(content, [*keys], where)
    for key, value in content.items():
        if not keys[key].fits(value):
            raise SuiteError(f"{where}: {key} = {value!r} is {keys[key].wrong}", f"write {key} = {keys[key].example}")


def check_name(name: str, where: str) -> None:
    """Raises SuiteError where a name cannot be that of a file, as those of a run's tables and figures can."""
    if not NAME.fullmatch(name):
        raise SuiteError(f"{where}: {name!r} is no file name", "use letters, digits, '_', '-' and '.'")


def _made(kind: type[T], content: Any, keys: Mapping[str, Shape], noun: str, name: str, file: str) -> T:
    where = f"{file}: {noun} {name!r}"
    check_name(name, f"{file}: a {noun}'s name")
    check_shapes(content, keys, where)
    for entry in fields(kind):  # type: ignore[arg-type]
        if entry.name not in content and entry.default is entry.default_factory is MISSING:
            raise SuiteError(f"{where} lacks {entry.name!r}", "see docs/experiments.md")
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in content.items()})


def _check_table(name: str, table: JointTable, stages: Sequence[str]) -> None:
    stage, _, rows = table.rows.partition(".")
    if not rows:
        raise SuiteError(f"table {name!r}: rows = {table.rows!r} names no stage's table", 'write rows = "stage.table"')
    asked = [stage]
    for column, text in table.columns.items():
        if not is_expression(text):
            what = f"table {name!r}: column {column!r} = {text!r} is no expression"
            raise SuiteError(what, "write {stage.kind.name}, computed with")
        asked += [reference.stage for reference in references(parse(text))]
    for stage in asked:
        if stage not in stages:
            what = f"table {name!r} refers to {stage!r}, which is no stage"
            raise SuiteError(what, did_you_mean(stage, [*stages]))
    if any(not isinstance(sides, list) or len(sides) < 2 for sides in table.versus.values()):
        raise SuiteError(f"versus of table {name!r} compares no two values", "write { column = [first, second] }")
    if table.versus and table.mean is None:
        raise SuiteError(f"table {name!r} has versus, and no mean to compare", 'write mean = "column"')
