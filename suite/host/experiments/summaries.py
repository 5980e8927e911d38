"""What an experiment's file asks for at its end: joint tables and figures.

[tables.edge]
rows = "attack.success"                              # a stage's table
where = { steps = [5, 10] }                          # which of its rows: of a column one value, or several
columns = { ratio = "mean({attack.config.eps}) / {star.headline.eps_star}" }
mean = "value"                                       # of the rows alike in `by`: mean, 95 % limits, n
by = ["ratio", "gradient"]
versus = { gradient = ["linbp", "bp"] }              # each minus the last, paired by `pair`
pair = ["seed"]

[figures.edge]
table = "edge"
x = "ratio"
series = "gradient"
differences = true                                   # of the pairs; otherwise means
"""

from collections.abc import Sequence

from suite.errors import SuiteError, did_you_mean
from suite.host.experiments.expressions import is_expression, parse, references
from suite.host.experiments.forms import FileForm, JointFigure, JointTable, check_name, fitted


def read_summaries(
    content: FileForm, stages: Sequence[str], where: str
) -> tuple[dict[str, JointTable], dict[str, JointFigure]]:
    """The tables and figures of a file, by name. Raises SuiteError for what does not fit its stages."""
    for noun, names in (("table", content.tables), ("figure", content.figures)):
        for name in names:
            check_name(name, f"{where}: a {noun}'s name")
    tables = {name: fitted(JointTable, table, f"{where}: table {name!r}") for name, table in content.tables.items()}
    figures = {name: fitted(JointFigure, each, f"{where}: figure {name!r}") for name, each in content.figures.items()}
    for name, table in tables.items():
        _check_table(name, table, stages)
    for name, figure in figures.items():
        if figure.table not in tables or tables[figure.table].mean is None:
            what = f"figure {name!r} shows no table with a mean: {figure.table!r}"
            raise SuiteError(what, did_you_mean(figure.table, [*tables]))
        if figure.differences and not tables[figure.table].versus:
            raise SuiteError(f"figure {name!r}: table {figure.table!r} has no differences", "give it versus")
    return tables, figures


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
