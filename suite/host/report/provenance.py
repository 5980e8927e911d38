"""Where a run comes from, in words."""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from suite.host.text import format_value

MOST_FACTS = 80
LONGEST = 300  # characters of a value
_ELSEWHERE = {"format", "study", "key", "status", "error", "headline", "config", "tables", "shown", "figures"}
_HERE = {"code", "device", "seed", "timings", "peak_memory_bytes", "argv", "inputs", "models", "versions", "facts"}

Group = tuple[str, list[tuple[str, str]]]


def provenance(manifest: Mapping[str, Any]) -> list[Group]:
    """Named groups of (what, value) from a `run.json`: code, work, inputs, versions, what the study noted, the rest."""
    code, timings = manifest["code"], manifest["timings"]
    facts = list(_flat(manifest["facts"]))
    more = [("and", f"{len(facts) - MOST_FACTS} more in run.json")] if facts[MOST_FACTS:] else []
    others = {key: value for key, value in manifest.items() if key not in _ELSEWHERE | _HERE}
    groups = [
        ("Code", [("digest", _text(code.get("digest"))), ("git", _git(code.get("git")))]),
        ("Work", [
            ("device", _text(manifest.get("device"))), ("seed", _text(manifest.get("seed"))),
            ("started", _text(timings.get("started"))), ("written", _text(timings.get("written"))),
            ("time", duration(timings.get("seconds"))), ("peak memory", _memory(manifest.get("peak_memory_bytes"))),
            ("typed as", _typed(manifest.get("argv"))),
        ]),
        ("Inputs", [(name, _text(digest)) for name, digest in manifest["inputs"].items()]),
        ("Models", [(name, _text(file)) for name, file in manifest["models"].items()]),
        ("Versions", [(name, _text(version)) for name, version in manifest["versions"].items()]),
        ("Noted by the study", facts[:MOST_FACTS] + more),
        ("Also in run.json", list(_flat(others))),
    ]  # fmt: skip
    told = [(title, [(name, value) for name, value in rows if value]) for title, rows in groups]
    return [(title, rows) for title, rows in told if rows]


def duration(seconds: Any) -> str:
    """`0.8 s`, `12 min 5 s`, `3 h 20 min`; empty for what is no number."""
    if not isinstance(seconds, int | float):
        return ""
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _memory(size: Any) -> str:
    return f"{size / 2**20:,.0f} MiB" if isinstance(size, int | float) else ""


def _typed(argv: Any) -> str:
    return shlex.join(map(str, argv)) if isinstance(argv, list) else ""


def _git(git: Any) -> str:
    if not isinstance(git, dict):
        return "in no checkout"
    return f"{git.get('revision', '')}{', with changes that are not committed' if git.get('dirty') else ''}"


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}, ")
        else:
            yield f"{before}{name}", _text(value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    text = ", ".join(map(format_value, value)) if isinstance(value, list) else format_value(value)
    return text if len(text) <= LONGEST else text[:LONGEST] + " ..."
