"""SQL over everything that has been run: DuckDB on the runs' Parquet files, which is all that a query can reach.

Views: `runs` has one row a run; `rows_NAME` the rows of all finished runs' tables NAME, each with its `run`. A view is
made where the query names it. Files that are missing or damaged are left out of their view, with a warning.
"""

import json
import logging
import re
import tempfile
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from suite.errors import SuiteError, one_line, shortened
from suite.host.plain import plain
from suite.host.store import RunDirectory, find_runs

if TYPE_CHECKING:
    import duckdb

log = logging.getLogger("suite")

RUNS = pa.schema(
    [
        ("run", pa.string()),  # study/key
        ("study", pa.string()),
        ("status", pa.string()),
        ("seed", pa.int64()),
        ("started", pa.timestamp("us")),  # UTC
        ("seconds", pa.float64()),
        ("device", pa.string()),
        ("headline", pa.string()),
        ("config", pa.string()),
        ("path", pa.string()),
    ]
)
"""Columns of the view `runs`; `headline->>'$.name'` and `config->>'$.option'` reach into the two objects."""

MOST_SECONDS, MOST_MEMORY = 60.0, "4GB"
MOST_ROWS = 200_000
LONGEST = 100_000  # characters of a query

Files = Mapping[str, Sequence[tuple[str, str]]]
"""By view, the names of runs and the paths of their tables."""


def query(sql: str, root: Path, seconds: float = MOST_SECONDS) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names, each once, and rows of one SELECT over the runs below a root.

    Args:
        seconds: after which it is given up.

    Raises:
        SuiteError: DuckDB is not installed; the text is not one SELECT by DuckDB's own parser; DuckDB refuses it; it
            takes more time or memory than it may, gives more than MOST_ROWS rows or two columns of one name, or asks
            for files other than the runs' tables.
    """
    duckdb = _duckdb()
    if len(sql) > LONGEST or not plain(sql) == sql:
        raise SuiteError(f"cannot read the query {shortened(sql)!r}", f"write at most {LONGEST} characters of UTF-8")
    statement = _one_select(sql)
    runs = [(run, run.read()) for run in find_runs(root)]
    files = _files(runs)
    with _connection(runs, {view: files[view] for view in files if view.lower() in sql.lower()}) as connection:
        timer = threading.Timer(seconds, connection.interrupt)
        timer.start()
        try:
            found = connection.execute(statement)
            names = [column[0] for column in found.description]
            rows = found.fetchmany(MOST_ROWS + 1)
        except duckdb.InterruptException as error:
            raise SuiteError(f"the query was given up after {seconds:g} s", "ask for less at once") from error
        except duckdb.Error as error:
            raise SuiteError(" ".join(str(error).split()), _views_told(files)) from error
        except (ValueError, OverflowError, RecursionError) as error:  # of a value that Python cannot hold
            raise SuiteError(
                f"the query's result cannot be read: {one_line(error)}", "cast it, as with ::VARCHAR"
            ) from error
        finally:
            timer.cancel()
    if len(rows) > MOST_ROWS:
        raise SuiteError(f"the query gives more than {MOST_ROWS} rows", "aggregate them, or add LIMIT")
    if twice := [name for name, times in Counter(names).items() if times > 1]:
        raise SuiteError(f"the query gives two columns named {twice[0]!r}", "name one of them otherwise, with AS")
    return names, rows


def _one_select(sql: str) -> Any:
    """The statement. Raises SuiteError for what is not one SELECT by DuckDB's own parser."""
    duckdb = _duckdb()
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise SuiteError(" ".join(str(error).split()), "write one SELECT") from error
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise SuiteError("a query is one SELECT", "write SELECT ...")
    return statements[0]


@contextmanager
def _connection(
    runs: Sequence[tuple[RunDirectory, dict[str, Any]]], files: Files
) -> Iterator["duckdb.DuckDBPyConnection"]:
    """A read-only connection to a data base that holds nothing but the views, and reaches no file but their tables."""
    duckdb = _duckdb()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "runs.duckdb"
        with duckdb.connect(file) as making:
            making.register("found", pa.Table.from_pylist([_run_row(*pair) for pair in runs], schema=RUNS))
            making.execute(
                "CREATE TABLE runs AS SELECT * REPLACE (headline::JSON AS headline, config::JSON AS config) FROM found"
            )
            for view, pairs in files.items():
                _make_view(making, view, pairs)
        with duckdb.connect(file, read_only=True) as connection:
            allowed = ", ".join(_quoted(path) for pairs in files.values() for _, path in pairs)
            connection.execute(f"SET memory_limit = '{MOST_MEMORY}'")
            connection.execute("SET autoload_known_extensions = false; SET autoinstall_known_extensions = false")
            connection.execute(f"SET allowed_paths = [{allowed}]")
            connection.execute("SET enable_external_access = false; SET lock_configuration = true")
            yield connection


def _files(runs: Sequence[tuple[RunDirectory, dict[str, Any]]]) -> Files:
    """The tables of finished runs that have rows, by the view that shows them."""
    files: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for run, content in runs:
        if content.get("status") == "finished":
            folder = str(run.path.absolute())
            for name, table in content["tables"].items():
                if table["rows"]:
                    view = f"rows_{re.sub(r'[^A-Za-z0-9_]', '_', name)}"
                    files[view].append((plain(run.name), f"{folder}/{table['file']}"))
    return files


def _make_view(connection: "duckdb.DuckDBPyConnection", view: str, pairs: Sequence[tuple[str, str]]) -> None:
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


def _join(connection: "duckdb.DuckDBPyConnection", view: str, pairs: Sequence[tuple[str, str]]) -> None:
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


def _run_row(run: RunDirectory, content: Mapping[str, Any]) -> dict[str, Any]:
    timings = content.get("timings", {})
    return {
        "run": plain(run.name),
        "study": plain(run.path.parent.name),
        "status": run.status_of(content) if content else "unreadable",
        "seed": content.get("seed"),
        "started": _in_utc(timings["started"]) if content else None,
        "seconds": timings.get("seconds"),
        "device": content.get("device"),
        "headline": json.dumps(content.get("headline", {})),
        "config": json.dumps(content.get("config", {})),
        "path": plain(str(run.path)),
    }


def _in_utc(text: str) -> datetime:
    """A record's time as a column of times holds it; one that names no zone is taken for UTC."""
    time = datetime.fromisoformat(text)
    return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time


def _quoted(text: str) -> str:
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def _views_told(files: Files) -> str:
    return "there are runs" + "".join(f", {name}" for name in sorted(files))


def _duckdb() -> Any:
    try:
        import duckdb
    except ImportError:
        raise SuiteError(
            "queries need DuckDB, which is not installed", "pip install 'suite-robustness[query]'"
        ) from None
    return duckdb
