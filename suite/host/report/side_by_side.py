"""Runs of one study side by side: what differs between them, their numbers on one scale, their tables row by row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from suite.errors import SuiteError
from suite.host.comparison import Comparison, compare
from suite.host.report import tables
from suite.host.report.allowance import Allowance
from suite.host.report.claims import claim_in_words, headline
from suite.host.report.plots import Plot, plot, scale_of
from suite.host.report.tables import Head, TableView
from suite.host.store import RunDirectory
from suite.host.text import counted, text_of
from suite.host.verdicts import CLAIMS, Verdict, verdicts

FEWEST, MOST = 2, 6  # runs that stand side by side
MOST_FLIPPED = 50  # rows that changed, of each pair


@dataclass(frozen=True)
class Cell:
    """What one run has in a row: in words, as a drawing, and its verdict where the row is a claim."""

    text: str
    plot: Plot | None = None
    verdict: str = ""


@dataclass(frozen=True)
class Row:
    """One thing, and what each run has of it; `published` is what the paper has."""

    what: str
    cells: tuple[Cell, ...]
    published: str = ""

    @property
    def is_drawn(self) -> bool:
        """Whether any of its cells has a drawing."""
        return any(cell.plot for cell in self.cells)


@dataclass(frozen=True)
class SideBySide:
    """Runs of one study, the first of which the others are compared with.

    settings: what is not the same in all of them; moved, flipped: tables row by row, other runs minus the first.
    """

    study: str
    keys: tuple[str, ...]
    settings: tuple[Row, ...]
    headline: tuple[Row, ...]
    claims: tuple[Row, ...]
    moved: tuple[TableView, ...]
    flipped: tuple[TableView, ...]
    notes: tuple[str, ...] = ()


def side_by_side(runs: Sequence[RunDirectory], allowance: Allowance) -> list[SideBySide]:
    """Those of the runs that are of one study, side by side; none where they are one, or too many to stand so."""
    by_study = groupby(sorted(runs, key=_study), key=_study)
    groups = [(study, [run for run in runs if run in members]) for study, found in by_study if (members := [*found])]
    return [_beside(study, group, allowance) for study, group in groups if FEWEST <= len(group) <= MOST]


def _beside(study: str, runs: Sequence[RunDirectory], allowance: Allowance) -> SideBySide:
    keys = tuple(run.path.resolve().name[:8] for run in runs)
    try:
        compared = [compare(runs[0], other) for other in runs[1:]]
        judged = [verdicts(run) for run in runs]
    except SuiteError as error:
        return SideBySide(study, keys, (), (), (), (), (), (f"{error.what}: finished runs are compared",))
    pairs = [(f"{other} minus {keys[0]}", found) for other, found in zip(keys[1:], compared, strict=True)]
    moved = [(title, _of_tables(found.columns)) for title, found in pairs]
    flipped = [(title, _of_tables(found.flipped)) for title, found in pairs]
    return SideBySide(
        study, keys, tuple(_settings(compared)), tuple(_headline([run.read() for run in runs])), tuple(_claims(judged)),
        tuple(_table(title, rows, allowance) for title, rows in moved if rows),
        tuple(_flipped(title, rows, allowance) for title, rows in flipped if rows),
    )  # fmt: skip


def _of_tables(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Without the table of claims, which stands above."""
    return [row for row in rows if row["table"] != CLAIMS]


def _settings(compared: Sequence[Comparison]) -> list[Row]:
    """What any other run has otherwise than the first."""
    differing = [{row["what"]: row for row in found.settings} for found in compared]
    first = {what: row["first"] for rows in differing for what, row in rows.items()}
    return [
        Row(what, (Cell(text_of(value)), *(Cell(text_of(rows[what]["second"] if what in rows else value))
                                           for rows in differing)))
        for what, value in first.items()
    ]  # fmt: skip


def _headline(contents: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Every headline number of any run, on one scale."""
    told = [{each.name: each for each in headline(content["headline"], content["limits"], [])} for content in contents]
    rows = []
    for name in dict.fromkeys(name for numbers in told for name in numbers):
        values = [content["headline"].get(name) for content in contents]
        limits = [numbers[name].limits or (None, None) if name in numbers else (None, None) for numbers in told]
        scale = scale_of([*values, *(end for ends in limits for end in ends)])
        words = [
            f"{numbers[name].value} {numbers[name].interval}".rstrip() if name in numbers else "" for numbers in told
        ]
        drawn = [plot(scale, value, ends) for value, ends in zip(values, limits, strict=True)]
        rows.append(Row(name, tuple(Cell(text, drawing) for text, drawing in zip(words, drawn, strict=True))))
    return rows


def _claims(judged: Sequence[Sequence[Verdict]]) -> list[Row]:
    """Every claim of any run, on one scale, beside what is published."""
    by_claim = [{verdict.claim: verdict for verdict in found} for found in judged]
    rows = []
    for claim in dict.fromkeys(claim for found in by_claim for claim in found):
        each = [found.get(claim) for found in by_claim]
        known = [verdict for verdict in each if verdict is not None]
        scale = scale_of(end for one in known for end in (one.value, one.low, one.high, one.published))
        words = [None if verdict is None else claim_in_words(verdict, scale) for verdict in each]
        cells = [Cell("") if word is None else Cell(word.measured, word.plot, word.verdict) for word in words]
        published = next((word.published for word in words if word is not None and word.published), "")
        rows.append(Row(claim, tuple(cells), published))
    return rows


def _flipped(title: str, rows: Sequence[Mapping[str, Any]], allowance: Allowance) -> TableView:
    told = f"{title}, {f'the first {MOST_FLIPPED} of ' if len(rows) > MOST_FLIPPED else ''}{counted(len(rows), 'row')}"
    return _table(told, rows[:MOST_FLIPPED], allowance)


def _table(title: str, rows: Sequence[Mapping[str, Any]], allowance: Allowance) -> TableView:
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return tables.view(title, Head(columns, len(rows)), Path(), allowance, title=title)


def _study(run: RunDirectory) -> str:
    return run.path.resolve().parent.name
