"""TOML files as people write them, read whole or refused in a line."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from suite.errors import SuiteError, shortened

MOST_BYTES = 2**20
DEEPEST = 50  # tables and lists in each other


def read_toml(path: Path, what: str, remedy: str) -> dict[str, Any]:
    """The content of a file.

    Args:
        what: whose file it is, before an error's text: `--config: `, or nothing.
        remedy: what to write instead of what is no TOML.

    Raises SuiteError: no such file, more than MOST_BYTES, no TOML, or nested deeper than DEEPEST.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:  # a name may hold a NUL
        reason = error.strerror if isinstance(error, OSError) else error
        raise SuiteError(f"{what}cannot read {shortened(str(path))}: {reason}", "give a TOML file") from error
    if len(data) > MOST_BYTES:
        raise SuiteError(f"{what}{path} is larger than {MOST_BYTES // 1024} KiB", "give a TOML file")
    try:
        content = tomllib.loads(data.decode())
    except ValueError as error:
        raise SuiteError(f"{what}{path} is not TOML: {shortened(str(error), 200)}", remedy) from error
    except RecursionError:
        content = None
    if content is None or _depth(content) > DEEPEST:
        raise SuiteError(f"{what}{path} is nested deeper than {DEEPEST} times", remedy)
    return content


def _depth(content: Any) -> int:
    """How many tables and lists are in each other; dotted keys nest without the reader's recursion."""
    depth, level = 0, [content]
    while level := [each for each in level if isinstance(each, Mapping | list)]:
        depth += 1
        level = [item for each in level for item in (each.values() if isinstance(each, Mapping) else each)]
    return depth
