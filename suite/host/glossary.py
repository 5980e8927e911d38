"""Every column of a study's tables in words: from the study's `columns.py`, the common names, and its options."""

import importlib
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from typing import Any, NamedTuple, get_args, get_origin

from suite.errors import SuiteError, one_line
from suite.glossary import CLAIMS, COMMON, Table
from suite.host.registry import Registry
from suite.plugin import StudyConfig

_ENDS = {"_low": "lower", "_high": "upper"}


class Explained(NamedTuple):
    """A table in words.

    Attributes:
        row: what a row stands for, "" where the study does not say.
        columns: column -> meaning, in the table's order; "" for what nobody explains.
    """

    row: str
    columns: dict[str, str]


def explain(study: str, known: Registry, stored: Mapping[str, Iterable[str]] | None = None) -> dict[str, Explained]:
    """What the tables of a study mean: table -> (what a row is, {column: meaning}).

    Light: imports the study's `columns.py` and `config.py`, no torch and no polars. The meaning of a column is the
    first of: what its table's entry says, what the study's `COLUMNS` say, what `suite.glossary.COMMON` says, the help
    of the option of that name (of one value), and for `X_low` and `X_high` that they are ends of the interval of `X`.

    Args:
        study: full name.
        known: the installed plugins.
        stored: the tables of a run with the names of their columns: exactly these are explained, in this order,
            and what the study does not declare is "" (a run may be older than the code). Without it, all tables that
            the study declares, in reading order.

    Raises:
        SuiteError: no such study; or its `columns.py` cannot be imported. One that is absent declares nothing.
    """
    tables, columns = declared(study, known)
    meanings = {**_options(known.config(study)), **COMMON, **columns}
    wanted = {name: table.names for name, table in tables.items()} if stored is None else stored
    claims = {"claims": CLAIMS}
    return {name: _explained({**claims, **tables}.get(name), names, meanings) for name, names in wanted.items()}


def declared(study: str, known: Registry) -> tuple[dict[str, Table], dict[str, str]]:
    """`TABLES` and `COLUMNS` of a study's `columns.py`; empty where it has none. Errors as in `explain`."""
    name = f"{known.package_of(study)}.columns"
    if find_spec(name) is None:
        return {}, {}
    try:
        module = importlib.import_module(name)
    except Exception as error:
        raise SuiteError(f"cannot load {name!r}: {one_line(error)}", "mend or reinstall the plugin") from error
    return dict(getattr(module, "TABLES", {})), dict(getattr(module, "COLUMNS", {}))


def by_meaning(tables: Mapping[str, Explained]) -> Iterator[tuple[str, str, list[str]]]:
    """Every column once for each meaning that it has: name, meaning, and the tables where it has this one of several.

    In order of appearance; ends of intervals that need no words are left out, as is what nobody explains.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for name, table in tables.items():
        for column, meaning in table.columns.items():
            if meaning and meaning != _end_of_an_interval(column):
                found.setdefault(column, {}).setdefault(meaning, []).append(name)
    for column, meanings in found.items():
        for meaning, where in meanings.items():
            yield column, meaning, where if len(meanings) > 1 else []


def _explained(table: Table | None, names: Iterable[str], meanings: Mapping[str, str]) -> Explained:
    if table is None:
        return Explained("", {name: _meaning(name, meanings) for name in names})
    here, known = {**meanings, **table.own}, set(table.names)
    others = next((table.own.get(name, "") for name in table.names if name.startswith("<")), None)
    columns = {name: _meaning(name, here) if others is None or name in known else others for name in names}
    return Explained(table.row, columns)


def _meaning(column: str, meanings: Mapping[str, str]) -> str:
    if column in meanings:
        return meanings[column]
    return _end_of_an_interval(column) if column.removesuffix("_low").removesuffix("_high") in meanings else ""


def _end_of_an_interval(column: str) -> str:
    """What `X_low` and `X_high` mean; "" for other names."""
    for suffix, end in _ENDS.items():
        if column.endswith(suffix):
            return f"{end} end of the 95 % confidence interval of {column.removesuffix(suffix)}"
    return ""


def _options(config: type[StudyConfig]) -> dict[str, str]:
    """Options of one value, which a column of that name may hold; several values are not what a cell has."""
    return {
        name: _help(field.description, field.json_schema_extra)
        for name, field in config.model_fields.items()
        if field.description and not _is_several(field.annotation)
    }


def _help(description: str, extra: Any) -> str:
    unit = extra.get("unit") if isinstance(extra, dict) else ""
    return description.rstrip(".") + (f"; unit: {unit}" if unit else "")


def _is_several(annotation: Any) -> bool:
    return get_origin(annotation) is tuple or any(map(_is_several, get_args(annotation)))
