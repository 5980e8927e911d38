"""One SELECT in a process of its own, which the kernel ends when it takes too long or too much memory.

DuckDB counts the memory of its tables, and looks at the clock between pieces of work; a single function call, as
`lpad('', 2000000000, 'x')`, escapes both. Run as a script; it imports nothing of the suite, so that it starts quickly.
"""

import os
import pickle
import resource
import shutil
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import duckdb

ROOM = 2 * 2**30  # bytes of addresses beside what the query may take: the interpreter, libraries, stacks
THREADS = 4  # at most: each takes addresses for its stack and its heap, whether it uses them or not

Views = Mapping[str, Sequence[tuple[str, str]]]
"""By view, the names of runs and the paths of their tables."""


def main() -> None:
    """Answers the request on stdin, a pickled dictionary: the kind of the answer, what is found, and warnings."""
    request = pickle.load(sys.stdin.buffer)
    threading.Thread(target=_end_with_parent, args=(os.getppid(), request["folder"]), daemon=True).start()
    sql, memory = request["sql"], request["memory"]
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    with suppress(ValueError, OSError):  # macOS knows no such limit
        resource.setrlimit(resource.RLIMIT_AS, (memory + ROOM, memory + ROOM))
    found: tuple[str, Any]
    told = list[str]()
    if why := not_one_select(sql):
        found = "no select", why
    else:
        file, told = data_base(request["folder"], request["columns"], request["runs"], request["views"])
        signal.setitimer(signal.ITIMER_REAL, request["seconds"])
        found = answer(sql, file, [path for pairs in request["views"].values() for _, path in pairs],
                       request["most"], memory)  # fmt: skip
        signal.setitimer(signal.ITIMER_REAL, 0)
    pickle.dump((*found, told), sys.stdout.buffer)


def _end_with_parent(parent: int, folder: str) -> None:
    """Whoever asked may be killed: then nobody waits for the answer."""
    while os.getppid() == parent:
        time.sleep(0.2)
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


def not_one_select(sql: str) -> str:
    """Why a text is not one SELECT by DuckDB's own parser; empty where it is."""
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        return str(error)
    is_one = len(statements) == 1 and statements[0].type == duckdb.StatementType.SELECT
    return "" if is_one else "a query is one SELECT"


def data_base(
    folder: str, columns: Mapping[str, str], runs: Sequence[Sequence[Any]], views: Views
) -> tuple[str, list[str]]:
    """The path of a data base, made in a folder, that holds nothing but the views, and a line for each that fails.

    Args:
        columns: of the view `runs`, with their types.
        runs: a row for each.
    """
    file, told = f"{folder}/runs.duckdb", list[str]()
    with duckdb.connect(file, config={"threads": 1}) as making:
        listed = ", ".join(f"unnest(?::{_plain(kind)}[])::{kind} AS {name}" for name, kind in columns.items())
        making.execute(
            f"CREATE TABLE runs AS SELECT {listed}", [[row[at] for row in runs] for at in range(len(columns))]
        )
        for view, pairs in views.items():
            try:
                if pairs:
                    _join(making, view, pairs)
            except duckdb.Error as error:
                told.append(f"there is no {view}: {' '.join(str(error).split())}")
    return file, told


def answer(sql: str, file: str, allowed: Sequence[str], most: int, memory: int) -> tuple[str, Any]:
    """What a SELECT gives over a data base that may read no file but the allowed ones, and may not be changed.

    Args:
        file: the data base.
        allowed: paths of files that its views read.
        most: rows that are fetched.
        memory: bytes that DuckDB may take.

    Returns:
        ("rows", (names of columns, rows)); or the kind of failure and its text: ("refused", ...) by DuckDB,
        ("memory", ...), or ("value", ...) where Python cannot hold one.
    """
    try:
        with duckdb.connect(file, read_only=True, config={"threads": min(THREADS, os.cpu_count() or 1)}) as connection:
            listed = ", ".join(map(_quoted, dict.fromkeys([*allowed, *map(_literally, allowed)])))
            connection.execute(f"SET memory_limit = '{memory}B'")
            connection.execute("SET autoload_known_extensions = false; SET autoinstall_known_extensions = false")
            connection.execute(f"SET allowed_paths = [{listed}]")
            connection.execute("SET enable_external_access = false; SET lock_configuration = true")
            found = connection.execute(sql)
            return "rows", ([column[0] for column in found.description], found.fetchmany(most))
    except (duckdb.OutOfMemoryException, MemoryError) as error:
        return "memory", str(error)
    except duckdb.Error as error:
        return "refused", str(error)
    except (ValueError, OverflowError, RecursionError) as error:
        return "value", f"{type(error).__name__}: {error}"


def _join(connection: duckdb.DuckDBPyConnection, view: str, pairs: Sequence[tuple[str, str]]) -> None:
    """The view of files that need not have the same columns, each row with the name of its run."""
    names = ", ".join(f"{_quoted(path)}: {_quoted(run)}" for run, path in pairs)
    listed = ", ".join(_quoted(_literally(path)) for _, path in pairs)
    connection.execute(
        f"CREATE VIEW {view} AS SELECT MAP {{{names}}}[filename] AS run, * EXCLUDE (filename) "
        f"FROM read_parquet([{listed}], union_by_name = true, filename = true)"
    )


def _literally(path: str) -> str:
    """A path in which no character stands for others."""
    return "".join(f"[{each}]" if each in "*?[" else each for each in path)


def _plain(kind: str) -> str:
    """The type of what Python hands over for a column: JSON comes as text."""
    return "VARCHAR" if kind == "JSON" else kind


def _quoted(text: str) -> str:
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


if __name__ == "__main__":
    main()
