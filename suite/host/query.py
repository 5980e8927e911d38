"""SQL over everything that has been run: DuckDB on the runs' Parquet files, which is all that a query can reach.

Views: `runs` has one row a run; `rows_NAME` the rows of all finished runs' tables NAME, each with its `run`. A view is
made where the query names it. Files that are missing or damaged are left out of their view, with a warning. DuckDB
works in a process of its own (`query_worker.py`), with limits of time and memory; this one does not import it.
"""

import json
import logging
import pickle
import re
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from suite.errors import SuiteError, shortened
from suite.host.notes import read_notes
from suite.host.plain import plain
from suite.host.records import read_all
from suite.host.store import RunDirectory

log = logging.getLogger("suite")

RUNS = {
    "run": "VARCHAR",  # study/key
    "study": "VARCHAR",
    "status": "VARCHAR",
    "seed": "BIGINT",
    "started": "TIMESTAMP",  # UTC
    "seconds": "DOUBLE",
    "device": "VARCHAR",
    "headline": "JSON",
    "config": "JSON",
    "tags": "VARCHAR[]",
    "note": "VARCHAR",
    "path": "VARCHAR",
}
"""Columns of the view `runs`; `headline->>'$.name'` and `config->>'$.option'` reach into the two objects."""

MOST_SECONDS, MOST_MEMORY = 60.0, 4 * 2**30
MOST_ROWS = 200_000
LONGEST = 100_000  # characters of a query

Files = Mapping[str, Sequence[tuple[str, str]]]
"""By view, the names of runs and the paths of their tables; none for a view that is not asked for."""


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
    if find_spec("duckdb") is None:
        raise SuiteError("queries need DuckDB, which is not installed", "pip install 'suite-robustness[query]'")
    runs = read_all(root)
    files = _files(runs, sql)
    views = {view: _whole(view, pairs) for view, pairs in files.items()}
    with tempfile.TemporaryDirectory() as folder:
        made = {"runs": [_run_row(*pair) for pair in runs], "columns": RUNS, "views": views, "folder": folder}
        kind, found = _answered({**made, "sql": sql, "most": MOST_ROWS + 1, "memory": MOST_MEMORY, "seconds": seconds})
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
    kind, found, told = pickle.loads(done.stdout)
    for line in told:
        log.warning(line)
    return kind, found


def _failure(kind: str, text: str, seconds: float, files: Files) -> SuiteError:
    if kind == "time":
        return SuiteError(f"the query was given up after {seconds:g} s", "ask for less at once")
    if kind == "memory":
        return SuiteError(f"the query needs more than {MOST_MEMORY >> 30} GiB of memory", "ask for less at once")
    if kind == "value":
        return SuiteError(f"the query's result cannot be read: {shortened(text)}", "cast it, as with ::VARCHAR")
    return SuiteError(" ".join(text.split()), "write one SELECT" if kind == "no select" else _views_told(files))


def _files(runs: Sequence[tuple[RunDirectory, Mapping[str, Any]]], sql: str) -> Files:
    """The tables of finished runs that have rows, by the view that shows them, of those that a query names."""
    asked, files = sql.lower(), dict[str, list[tuple[str, str]]]()
    for run, content in runs:
        if content.get("status") == "finished":
            for name, table in content["tables"].items():
                if table["rows"]:
                    view = _view(name)
                    pairs = files.setdefault(view, [])
                    if view.lower() in asked:
                        pairs.append((plain(run.name), str(run.path.absolute() / table["file"])))
    return files


@cache
def _view(table: str) -> str:
    return f"rows_{re.sub(r'[^A-Za-z0-9_]', '_', table)}"


def _whole(view: str, pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those whose files can be read."""
    if not pairs:
        return []
    from suite.tables import is_whole  # polars, for queries that ask for tables

    whole = [(run, path) for run, path in pairs if is_whole(Path(path))]
    for _, path in {*pairs} - {*whole}:
        log.warning("%s is missing or damaged, left out of %s (run it again with --fresh)", path, view)
    return whole


def _run_row(run: RunDirectory, content: Mapping[str, Any]) -> tuple[Any, ...]:
    """What the view `runs` says of a run, in the order of RUNS."""
    timings, said = content.get("timings", {}), read_notes(run)
    return (
        plain(run.name),
        plain(run.path.parent.name),
        run.status_of(content) if content else "unreadable",
        content.get("seed"),
        _in_utc(timings["started"]) if content else None,
        timings.get("seconds"),
        content.get("device"),
        json.dumps(content.get("headline", {})),
        json.dumps(content.get("config", {})),
        [*said.tags],
        said.note,
        plain(str(run.path)),
    )


def _in_utc(text: str) -> datetime:
    """A record's time as a column of times holds it; one that names no zone is taken for UTC."""
    time = datetime.fromisoformat(text)
    return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time


def _views_told(files: Files) -> str:
    return "there are runs" + "".join(f", {name}" for name in sorted(files))
