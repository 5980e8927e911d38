"""What a study says of its columns: all of them are explained, and nothing else is."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from suite.glossary import LONGEST, Table
from suite.host.closure import sources_behind
from suite.host.glossary import by_meaning, declared, explain
from suite.host.testing.trial import Trial
from suite.tables import column_names

WORDS = re.compile(r"\w+")
LEAST = 2
"""Words of an explanation."""


def explains_its_columns(trial: Trial) -> Iterator[str]:
    """Every table and column that the smallest run stores is explained, in a line.

    Nothing is explained that no table has; tables and columns that this run does not store are named in the sources.
    """
    directory = trial.undisturbed.directory
    stored = {name: column_names(directory.path / table["file"]) for name, table in directory.read()["tables"].items()}
    tables, columns = declared(trial.name, trial.registry)
    yield from _unlisted(stored, tables)
    explained = explain(trial.name, trial.registry)
    for name, table in explained.items():
        yield from _badly_said(f"a row of {name}", table.row)
        missing = [column for column, meaning in table.columns.items() if not meaning]
        yield from (f"column {column} of table {name} is not explained" for column in missing)
    for column, meaning, _ in by_meaning(explained):
        yield from _badly_said(f"column {column}", meaning)
    yield from _of_nothing(tables, columns)
    yield from _unknown(trial, stored, tables)


RULES: Mapping[str, Callable[[Trial], Iterator[str]]] = {"explains its columns": explains_its_columns}


def _unlisted(stored: Mapping[str, Iterable[str]], tables: Mapping[str, Table]) -> Iterator[str]:
    for name, columns in stored.items():
        if name not in tables:
            yield f"table {name} is not explained: name it in TABLES of the study's columns.py"
        elif not _open(tables[name]):
            missing = [column for column in columns if column not in tables[name].names]
            yield from (f"column {column} of table {name} is not listed in columns.py" for column in missing)


def _badly_said(what: str, text: str) -> Iterator[str]:
    if text and (len(text) > LONGEST or "\n" in text or len(text.split()) < LEAST):
        yield f"{what} is not explained in one line of some words, at most {LONGEST} characters: {text!r}"


def _of_nothing(tables: Mapping[str, Table], columns: Mapping[str, str]) -> Iterator[str]:
    """Explanations that no table can show."""
    listed = {name for table in tables.values() for name in table.names}
    yield from (f"COLUMNS explains {name}, which no table lists" for name in columns if name not in listed)
    for name, table in tables.items():
        beside = [own for own in table.own if own not in table.names]
        yield from (f"table {name} explains {own}, which it does not list" for own in beside)


def _unknown(trial: Trial, stored: Mapping[str, Iterable[str]], tables: Mapping[str, Table]) -> Iterator[str]:
    """Tables and columns that this run does not store and no source behind the study speaks of."""
    absent = {f"table {name}": name for name in tables if name not in stored}
    for name, table in tables.items():
        rest = [column for column in table.names if column not in stored.get(name, ()) and not column.startswith("<")]
        absent |= {f"column {column} of table {name}": column for column in rest}
    if absent:
        spoken = _spoken(trial)
        for what, name in absent.items():
            if not spoken.issuperset(WORDS.findall(re.sub(r"_(low|high)$", "", name))):
                yield f"{what} is explained, and neither stored nor named in the sources"


def _spoken(trial: Trial) -> set[str]:
    """All words of the sources behind measuring and results, whatever their preset."""
    roots = [trial.study.measure, *([trial.study.results] if trial.study.results else [])]
    sources = sources_behind(roots, trial.registry.top_packages()).values()
    return {word for source in sources for word in WORDS.findall(source.read_text(encoding="utf-8"))}


def _open(table: Table) -> bool:
    """Whether the run decides on names of columns."""
    return any(name.startswith("<") for name in table.names)
