"""What a command has left on disk, without what tells of time: equal after a kill, or something was lost."""

import hashlib
import json
from pathlib import Path
from typing import Any

from suite.files import of_temporary
from suite.host.executors.transfer import MARK
from suite.host.store import OLD_RESULTS

VARYING = ("timings", "argv", "peak_memory_bytes")
"""What a run's record tells of the process that wrote it, not of what it found, as do its durations and revision."""

MEMORIES = ("sources", "records")
"""Folders of the cache with what was read before."""


def state(*folders: Path) -> dict[str, str]:
    """Digest of every file below the folders, by path; records without what varies, and neither locks nor Ray's mark.

    The former results of a run that was killed once the new ones had their name do not count: `suite runs gc` removes
    them, or whoever works on the run next. Neither does what the cache remembers of sources and records, which only
    spares reading them again: a command that finds its work done reads less. What is half-written of it counts.
    """
    found = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            ours = path.name != MARK and not path.name.endswith("lock") and not _is_former(path)
            if path.is_file() and ours and not _is_memory(path):
                content = path.read_bytes()
                if path.name == "run.json":
                    content = json.dumps(_lasting(json.loads(content)), sort_keys=True).encode()
                found[f"{folder.name}/{path.relative_to(folder)}"] = hashlib.sha256(content).hexdigest()
    return found


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Files that are lost, new or others, in words."""
    lost = [f"lost: {name}" for name in before if name not in after]
    new = [f"left behind: {name}" for name in after if name not in before]
    return [*lost, *new, *(f"another: {name}" for name in before if after.get(name, before[name]) != before[name])]


def _is_former(path: Path) -> bool:
    return any(of_temporary(part) == OLD_RESULTS for part in path.parts)


def _is_memory(path: Path) -> bool:
    return path.parent.name in MEMORIES and of_temporary(path.name) is None


def _lasting(record: dict[str, Any]) -> dict[str, Any]:
    code = {"digest": record["code"]["digest"]}
    facts = {name: value for name, value in record["facts"].items() if name != "seconds"}
    return {name: value for name, value in record.items() if name not in VARYING} | {"code": code, "facts": facts}
