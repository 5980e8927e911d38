"""What `suite runs show` says of a run: read from its directory, settings first."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from suite.errors import readable
from suite.host.cli.listing import chosen_options, default_options
from suite.host.cli.results import print_tables
from suite.host.cli.text import print_lines, print_pairs
from suite.host.cli.times import format_age, read_time
from suite.host.notes import read_notes
from suite.host.plain import plain
from suite.host.registry import Registry
from suite.host.store import RunDirectory
from suite.host.text import counted, exact_text, format_bytes, format_headline, format_minutes, format_value, text_of
from suite.host.verdicts import verdicts

MOST = 20  # rows and facts shown; --json and the files have all


def as_json(run: RunDirectory, content: Mapping[str, Any], known: Registry) -> str:
    """All that is known of a run: its record, what was made of it, its claims, and what people say about it."""
    said = read_notes(run)
    return json.dumps(
        plain({
            **content,
            "run": run.name,
            "path": str(run.path),
            "status": run.status_of(content),
            "options": chosen_options(content["config"], default_options(known, content["study"])),
            "tags": said.tags,
            "note": said.note,
            "claims": [asdict(verdict) for verdict in verdicts(run)],
        }),
        allow_nan=False,
    )  # fmt: skip


def print_run(run: RunDirectory, content: Mapping[str, Any], known: Registry) -> None:
    """A run for people: settings, headline, what was seen, tables, files, and where all that comes from."""
    click.echo(f"{readable(run.name)}: {run.status_of(content)}")
    if content["study"] in known.studies:
        click.echo(known.study(content["study"]).question)
    if "error" in content:
        click.echo(f"error: {readable(str(content['error']))}")
    said = read_notes(run)
    _section("what people say", {"tags": ", ".join(said.tags), "note": said.note})
    defaults = default_options(known, content["study"])
    chosen = chosen_options(content["config"], defaults)
    rest = {name: value for name, value in content["config"].items() if name not in chosen}
    _section("settings that differ from the defaults", {
        name: exact_text(value) + (f"  (default {exact_text(defaults[name])})" if name in defaults else "")
        for name, value in chosen.items()
    })  # fmt: skip
    _section("settings at their defaults", {name: exact_text(value) for name, value in rest.items()})
    _section("headline", format_headline(content))
    print_lines("what was seen", content["seen"])
    click.echo()
    print_tables(run, content, MOST)
    noted = _flat(content["facts"])
    _section("what was noted", dict([*noted.items()][:MOST]))
    if len(noted) > MOST:
        click.echo(f"  and {len(noted) - MOST} more: --json has all")
    _section(f"files in {run.path}", _files(content))
    _section("where it comes from", _origin(content))


def _section(title: str, pairs: Mapping[str, str]) -> None:
    if any(pairs.values()):
        click.echo()
        print_pairs(title, pairs)


def _flat(facts: Mapping[str, Any]) -> dict[str, str]:
    """`a.b` for a fact within a fact."""
    found = dict[str, str]()
    for name, value in facts.items():
        if isinstance(value, Mapping):
            found |= {f"{name}.{inner}": text for inner, text in _flat(value).items()}
        else:
            found[name] = format_value(value) if isinstance(value, float) else text_of(value)
    return found


def _files(content: Mapping[str, Any]) -> dict[str, str]:
    tables = {table["file"]: counted(table["rows"], "row") for table in content["tables"].values()}
    figures = {figure["png"]: "figure" for figure in content["figures"].values()}
    return {**tables, **figures, **dict.fromkeys(content["models"].values(), "model")}


def _origin(content: Mapping[str, Any]) -> dict[str, str]:
    """Time, machine and code in brief; `--json` has all of it."""
    timings, versions, git = content["timings"], content["versions"], content["code"].get("git")
    started = read_time(timings["started"])
    peak, argv = content.get("peak_memory_bytes"), content.get("argv")
    state = ""
    if isinstance(git, Mapping):
        state = f", git {str(git.get('revision'))[:10]}{' with changes' if git.get('dirty') else ''}"
    typed = [str(word) for word in argv] if isinstance(argv, list) else []
    return {
        "started": f"{started:%Y-%m-%d %H:%M} UTC, {format_age(started)} ago".replace("now ago", "now"),
        "took": format_minutes(timings["seconds"] / 60)
        + (f", {format_bytes(peak)} of memory" if isinstance(peak, int) else ""),
        "on": f"{content['device']}, seed {content['seed']}",
        "versions": ", ".join(f"{name} {versions[name]}" for name in ("python", "torch", "suite") if name in versions),
        "code": f"{content['code']['digest'][:12]}{state}",
        "inputs": ", ".join(f"{name} {digest[:12]}" for name, digest in content["inputs"].items()),
        "command": shlex.join([Path(typed[0]).name, *typed[1:]]) if typed else "",
    }
