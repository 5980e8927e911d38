"""SQL over everything that has been run: DuckDB on the runs' Parquet files, which is all that a query can reach.

Views: `runs` has one row a run; `rows_NAME` the rows of all finished runs' tables NAME, each with its `run`. Files that
are missing or damaged are left out of their view, with a warning.
"""

import json
import logging
import re
import tempfile
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.errors import SuiteError
from suite.host.store import RunDirectory, find_runs

if TYPE_CHECKING:
    import duckdb

log = logging.getLogger("suite")

RUNS = {
    "run": "VARCHAR",  # study/key
    "study": "VARCHAR",
    "status": "VARCHAR",
    "seed": "BIGINT",
    "started": "TIMESTAMP",
    "seconds": "DOUBLE",
    "device": "VARCHAR",
    "headline": "JSON",
    "config": "JSON",
    "path": "VARCHAR",
}
"""Columns of the view `runs`; `headline->>'$.name'` and `config->>'$.option'` reach into the two objects."""


MOST_SECONDS, MOST_MEMORY = 60.0, "4GB"


def query(sql: str, root: Path, seconds: float = MOST_SECONDS) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows of one SELECT over the runs below a root.

    Args:
        seconds: after which it is given up.

    Raises:
        SuiteError: DuckDB is not installed; the text is not one SELECT by DuckDB's own parser; DuckDB refuses it; it
            takes more time or memory than it may, or asks for files other than the runs' tables.
    """
    duckdb = _duckdb()
    with _connection(root) as connection:
        timer = threading.Timer(seconds, connection.interrupt)
        try:
            statements = duckdb.extract_statements(sql)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise SuiteError("a query is one SELECT", "write SELECT ...")
            timer.start()
            found = connection.execute(statements[0])
            return [column[0] for column in found.description], found.fetchall()
        except duckdb.InterruptException as error:
            raise SuiteError(f"the query was given up after {seconds:g} s", "ask for less at once") from error
        except duckdb.Error as error:
            raise SuiteError(" ".join(str(error).split()), _views_told(connection)) from error
        finally:
            timer.cancel()


@contextmanager
def _connection(root: Path) -> Iterator["duckdb.DuckDBPyConnection"]:
    """A read-only connection to a data base that holds nothing but the views, and reaches no file but their tables."""
    duckdb = _duckdb()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "runs.duckdb"
        with duckdb.connect(file) as making:
            tables = _make_views(making, [(run, run.read()) for run in find_runs(root)])
        with duckdb.connect(file, read_only=True) as connection:
            connection.execute(f"SET memory_limit = '{MOST_MEMORY}'")
            connection.execute("SET autoload_known_extensions = false; SET autoinstall_known_extensions = false")
            connection.execute(f"SET allowed_paths = [{', '.join(map(_quoted, tables))}]")
            connection.execute("SET enable_external_access = false; SET lock_configuration = true")
            yield connection


def _make_views(connection: "duckdb.DuckDBPyConnection", runs: list[tuple[RunDirectory, dict[str, Any]]]) -> list[str]:
    """Makes the views; returns the files that they read."""
    columns = ", ".join(f"{name} {kind}" for name, kind in RUNS.items())
    connection.execute(f"CREATE TABLE runs ({columns})")
    if runs:
        places = ", ".join("?" * len(RUNS))
        connection.executemany(f"INSERT INTO runs VALUES ({places})", [_run_row(*pair) for pair in runs])
    files: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for run, content in runs:
        if content.get("status") == "finished":
            for name, table in content["tables"].items():
                if table["rows"]:
                    view = f"rows_{re.sub(r'[^A-Za-z0-9_]', '_', name)}"
                    files[view].append((_run_name(run), str((run.path / table["file"]).absolute())))
    for view, pairs in files.items():
        _make_view(connection, view, pairs)
    return [path for pairs in files.values() for _, path in pairs]


def _make_view(connection: "duckdb.DuckDBPyConnection", view: str, pairs: list[tuple[str, str]]) -> None:
    """The rows of the files that can be read; no view where there are none, or none that fit together."""
    try:
        return _join(connection, view, pairs)
    except _duckdb().Error:
        whole = [(run, path) for run, path in pairs if _is_whole(connection, path)]
    for run, path in pairs:
        if (run, path) not in whole:
            log.warning("%s is missing or damaged, left out of %s (run it again with --fresh)", path, view)
    try:
        if whole:
            _join(connection, view, whole)
    except _duckdb().Error as error:
        log.warning("there is no %s: %s", view, " ".join(str(error).split()))


def _join(connection: "duckdb.DuckDBPyConnection", view: str, pairs: list[tuple[str, str]]) -> None:
    """The view of files that need not have the same columns, each row with the name of its run."""
    names = ", ".join(f"{_quoted(path)}: {_quoted(run)}" for run, path in pairs)
    listed = ", ".join(_quoted(path) for _, path in pairs)
    connection.execute(
        f"CREATE VIEW {view} AS SELECT MAP {{{names}}}[filename] AS run, * EXCLUDE (filename) "
        f"FROM read_parquet([{listed}], union_by_name = true, filename = true)"
    )


def _is_whole(connection: "duckdb.DuckDBPyConnection", path: str) -> bool:
    try:
        connection.execute(f"DESCRIBE SELECT * FROM read_parquet({_quoted(path)})")
    except _duckdb().Error:
        return False
    return True


def _run_row(run: RunDirectory, content: dict[str, Any]) -> list[Any]:
    timings = content.get("timings", {})
    started = str(timings.get("started", "")).partition("+")[0] or None
    return [
        _run_name(run),
        run.path.parent.name,
        run.status() if content else "unreadable",
        content.get("seed"),
        started,
        timings.get("seconds"),
        content.get("device"),
        json.dumps(content.get("headline", {})),
        json.dumps(content.get("config", {})),
        str(run.path),
    ]


def _run_name(run: RunDirectory) -> str:
    return f"{run.path.parent.name}/{run.path.name}"


def _quoted(text: str) -> str:
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def _views_told(connection: "duckdb.DuckDBPyConnection") -> str:
    names = connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY 1").fetchall()
    return "there are runs" + "".join(f", {name}" for (name,) in names)


def _duckdb() -> Any:
    try:
        import duckdb
    except ImportError:
        raise SuiteError("queries need DuckDB, which is not installed", "pip install 'suite-robustness[query]'") from None
    return duckdb
