"""SQL over everything that has been run: DuckDB on the runs' Parquet files, which is all that a query can reach.

Views: `runs` has one row a run; `rows_NAME` the rows of all finished runs' tables NAME, each with its `run`. A view is
made where the query names it. Files that are missing or damaged are left out of their view, with a warning. The query
itself is a process of its own (`query_worker.py`), with limits of time and memory.
"""

import json
import logging
import pickle
import re
import signal
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from suite.errors import SuiteError, shortened
from suite.host.plain import plain
from suite.host.store import RunDirectory, find_runs
from suite.tables import is_whole

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

MOST_SECONDS, MOST_MEMORY = 60.0, 4 * 2**30
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
    if len(sql) > LONGEST or not plain(sql) == sql:
        raise SuiteError(f"cannot read the query {shortened(sql)!r}", f"write at most {LONGEST} characters of UTF-8")
    check_one_select(sql)
    runs = [(run, run.read()) for run in find_runs(root)]
    files = _files(runs)
    with data_base(runs, {view: files[view] for view in files if view.lower() in sql.lower()}) as (file, allowed):
        request = {"sql": sql, "file": file, "allowed": allowed, "most": MOST_ROWS + 1, "memory": MOST_MEMORY}
        kind, found = _answered({**request, "seconds": seconds})
    if kind != "rows":
        raise _failure(kind, str(found), seconds, files)
    names, rows = found
    if len(rows) > MOST_ROWS:
        raise SuiteError(f"the query gives more than {MOST_ROWS} rows", "aggregate them, or add LIMIT")
    if twice := [name for name, times in Counter(names).items() if times > 1]:
        raise SuiteError(f"the query gives two columns named {twice[0]!r}", "name one of them otherwise, with AS")
    return names, rows


def _answered(request: dict[str, Any]) -> tuple[str, Any]:
    """What the process that answers says, or how the kernel ended it: of `time` or of `memory`."""
    command = [sys.executable, "-P", str(Path(__file__).with_name("query_worker.py"))]
    done = subprocess.run(command, input=pickle.dumps(request), capture_output=True, check=False)
    if done.returncode == -signal.SIGALRM:
        return "time", ""
    if done.returncode:
        return "memory", done.stderr.decode(errors="replace")
    answer: tuple[str, Any] = pickle.loads(done.stdout)
    return answer


def _failure(kind: str, text: str, seconds: float, files: Files) -> SuiteError:
    if kind == "time":
        return SuiteError(f"the query was given up after {seconds:g} s", "ask for less at once")
    if kind == "memory":
        return SuiteError(f"the query needs more than {MOST_MEMORY >> 30} GiB of memory", "ask for less at once")
    if kind == "value":
        return SuiteError(f"the query's result cannot be read: {shortened(text)}", "cast it, as with ::VARCHAR")
    return SuiteError(" ".join(text.split()), _views_told(files))


def check_one_select(sql: str) -> None:
    """Raises SuiteError for what is not one SELECT by DuckDB's own parser."""
    duckdb = _duckdb()
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise SuiteError(" ".join(str(error).split()), "write one SELECT") from error
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise SuiteError("a query is one SELECT", "write SELECT ...")


@contextmanager
def data_base(runs: Sequence[tuple[RunDirectory, dict[str, Any]]], files: Files) -> Iterator[tuple[str, list[str]]]:
    """Within the block, the path of a data base that holds nothing but the views, and of the tables that they read."""
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
        yield str(file), [path for pairs in files.values() for _, path in pairs]


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
    whole = [(run, path) for run, path in pairs if is_whole(Path(path))]
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
