"""Two runs side by side: which option, input, version or code differs, and where their numbers do."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from suite.errors import SuiteError
from suite.host.plain import plain
from suite.host.store import RunDirectory
from suite.statistics import mcnemar_of, mean_of
from suite.tables import read_rows

Row = dict[str, Any]

ABSENT = "(absent)"

_NO_QUANTITY = re.compile(r"((.+_)?(low|high)|p_value|p_holm)$").match


@dataclass(frozen=True)
class Comparison:
    """What differs between two runs of one study.

    settings: what, first, second: options, inputs, code, versions, device.
    headline: name, first, second.
    columns: for every measured column of every table: table, column, n rows in both, how many differ, and for yes/no
        columns the rows that flipped each way with McNemar's exact p, for fractional numbers the mean difference
        second - first with Student's 95 % limits, as if rows were independent. Whole numbers are counts, labels and
        places, limits and p-values belong to another column: of these only how many differ.
    flipped: of yes/no and text columns, the rows that differ, by their keys.
    unmatched: the tables of which no row can be compared, each with the reason.
    """

    settings: list[Row]
    headline: list[Row]
    columns: list[Row]
    flipped: list[Row]
    unmatched: list[Row]

    @property
    def comparable(self) -> bool:
        """Whether there is any number of both runs to be put side by side."""
        both = any(row["first"] is not None and row["second"] is not None for row in self.headline)
        return both or any(row["n"] for row in self.columns)


def compare(first: RunDirectory, second: RunDirectory) -> Comparison:
    """Compares two finished runs. Raises SuiteError for runs of different studies, unfinished or damaged ones."""
    contents = [_finished(run) for run in (first, second)]
    one, other = contents
    if one["study"] != other["study"]:
        raise SuiteError(f"{one['study']} and {other['study']} are different studies", "compare runs of one study")
    settings = [
        {"what": f"{group}{name}", "first": a, "second": b}
        for group, named in _described(one, other)
        for name, a, b in _different(*named)
    ]
    headline = [
        {"headline": name, "first": one["headline"].get(name), "second": other["headline"].get(name)}
        for name in dict.fromkeys([*one["headline"], *other["headline"]])
    ]
    columns, flipped, unmatched = list[Row](), list[Row](), list[Row]()
    for name in dict.fromkeys([*one["tables"], *other["tables"]]):
        if name not in one["tables"] or name not in other["tables"]:
            unmatched.append({"table": name, "why": "it is in one of the runs only"})
            continue
        rows = [
            read_rows(run.path / content["tables"][name]["file"])
            for run, content in zip((first, second), contents, strict=True)
        ]
        if why := unmatchable(*rows):
            unmatched.append({"table": name, "why": why})
            continue
        found, moved = compare_rows(*rows)
        columns += [{"table": name, **row} for row in found]
        flipped += [{"table": name, **row} for row in moved]
    return Comparison(settings, headline, columns, flipped, unmatched)


def compare_rows(first: Sequence[Row], second: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Two tables matched row by row: (a row per measured column, a row per yes/no or text that changed).

    The keys are the shortest run of leading columns that tells all rows apart in both tables.
    """
    keys = _keys(first, second)
    if not keys:
        return [], []
    by_key = [{tuple(row[name] for name in keys): row for row in rows} for rows in (first, second)]
    both = [(key, row, by_key[1][key]) for key, row in by_key[0].items() if key in by_key[1]]
    found, flipped = [], []
    for column in [name for name in first[0] if name not in keys and name in second[0]]:
        pairs = [(key, row[column], other[column]) for key, row, other in both]
        known = [(key, a, b) for key, a, b in pairs if a is not None and b is not None]
        differ = sum(a != b for _, a, b in known)
        measured = _measured(column, [(a, b) for _, a, b in known])
        found.append({"column": column, "n": len(known), "differ": differ, **measured})
        if any(isinstance(value, bool | str) for _, a, b in known for value in (a, b)):
            told = [", ".join(f"{name}={part}" for name, part in zip(keys, key, strict=True)) for key, _, _ in known]
            flipped += [
                {"row": row, "column": column, "first": str(a), "second": str(b)}
                for row, (_, a, b) in zip(told, known, strict=True)
                if a != b
            ]
    return found, flipped


def unmatchable(first: Sequence[Row], second: Sequence[Row]) -> str:
    """Why no row of one table belongs to a row of the other; empty where one does."""
    if not first or not second:
        return "it has no rows in one of the runs" if first or second else "it has no rows"
    keys = _keys(first, second)
    if not keys:
        return "its rows cannot be told apart by what both runs have"
    one, other = ({tuple(row[name] for name in keys) for row in rows} for rows in (first, second))
    return "" if one & other else f"no row has the same {', '.join(keys)} in both runs"


def _measured(column: str, pairs: Sequence[tuple[Any, Any]]) -> Row:
    """McNemar's test for yes/no values, the mean difference for fractional numbers, nothing for others."""
    numbers: Row = {"only first": None, "only second": None, "p": None, "mean": None, "low": None, "high": None}
    if pairs and all(isinstance(value, bool) for pair in pairs for value in pair):
        test = mcnemar_of(sum(a and not b for a, b in pairs), sum(b and not a for a, b in pairs))
        return numbers | {"only first": test.only_first, "only second": test.only_second, "p": test.p_value}
    if pairs and not _NO_QUANTITY(column) and all(isinstance(value, float) for pair in pairs for value in pair):
        mean = mean_of([b - a for a, b in pairs])
        numbers |= plain({"mean": mean.value, "low": mean.low, "high": mean.high})
    return numbers


def _keys(first: Sequence[Row], second: Sequence[Row]) -> list[str]:
    if not first or not second:
        return []
    names = [name for name in first[0] if name in second[0]]
    for count in range(1, len(names) + 1):
        keys = names[:count]
        if all(len({tuple(row[name] for name in keys) for row in rows}) == len(rows) for rows in (first, second)):
            return keys
    return []


def _described(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[tuple[str, tuple[Any, Any]]]:
    return [
        ("", (one["config"], other["config"])),
        ("input ", (one["inputs"], other["inputs"])),
        ("version of ", (one["versions"], other["versions"])),
        ("", ({"code": one["code"]["digest"][:12]}, {"code": other["code"]["digest"][:12]})),
        ("", ({"device": one["device"]}, {"device": other["device"]})),
    ]


def _different(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    names = dict.fromkeys([*one, *other])
    pairs = [(name, one.get(name, ABSENT), other.get(name, ABSENT)) for name in names]
    return [(name, a, b) for name, a, b in pairs if a != b]


def _finished(run: RunDirectory) -> dict[str, Any]:
    content = run.read_written()
    if content["status"] != "finished":
        raise SuiteError(f"{run.path} is {run.status()}", "compare finished runs")
    return content
