"""One SELECT in a process of its own, which the kernel ends when it takes too long or too much memory.

DuckDB counts the memory of its tables, and looks at the clock between pieces of work; a single function call, as
`lpad('', 2000000000, 'x')`, escapes both. Run as a script; it imports nothing of the suite, so that it starts quickly.
"""

import os
import pickle
import resource
import signal
import sys
from contextlib import suppress
from typing import Any

import duckdb

ROOM = 2 * 2**30  # bytes of addresses beside what the query may take: the interpreter, libraries, stacks
THREADS = 4  # at most: each takes addresses for its stack and its heap, whether it uses them or not


def main() -> None:
    """Answers the request on stdin, a pickled dictionary of `answer`'s arguments and the limits, on stdout."""
    request = pickle.load(sys.stdin.buffer)
    seconds, memory = request.pop("seconds"), request["memory"]
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    with suppress(ValueError, OSError):  # macOS knows no such limit
        resource.setrlimit(resource.RLIMIT_AS, (memory + ROOM, memory + ROOM))
    pickle.dump(answer(**request), sys.stdout.buffer)


def answer(sql: str, file: str, allowed: list[str], most: int, memory: int) -> tuple[str, Any]:
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
            listed = ", ".join("'" + path.replace("'", "''") + "'" for path in allowed)
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


if __name__ == "__main__":
    main()
