"""One run's directory as plain page data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from suite.errors import SuiteError
from suite.host.glossary import by_meaning
from suite.host.report import figures, tables
from suite.host.report.allowance import Allowance
from suite.host.report.claims import Claim, Number, claims, headline, tally
from suite.host.report.gallery import Gallery, gallery, is_gallery
from suite.host.report.provenance import Group, provenance
from suite.host.report.settings import Described, Setting, chosen, command, settings, unknown_options
from suite.host.report.tables import Head
from suite.host.store import RunDirectory
from suite.host.text import format_value
from suite.host.verdicts import CLAIMS

READ = 500  # rows of each table
GLOSSARY = 60  # bytes of markup around a column's meaning

Describe = Callable[[str], Described | None]
"""What the installed plugins say of a study; None where it is not installed."""


@dataclass(frozen=True)
class RunView:
    """What a page shows of a run.

    notes: what is missing, damaged or of another version; judged: all verdicts by kind, of which `claims` are shown;
    glossary: columns, what they mean, and in which tables, where they mean something else in others.
    """

    study: str
    key: str
    path: str
    status: str
    error: str
    described: Described | None
    notes: tuple[str, ...]
    settings: tuple[Setting, ...]
    headline: tuple[Number, ...]
    seen: tuple[str, ...]
    claims: tuple[Claim, ...]
    judged: Mapping[str, int]
    shown: tuple[tables.TableView, ...]
    figures: tuple[figures.FigureView, ...]
    galleries: tuple[Gallery, ...]
    tables: tuple[tables.TableView, ...]
    glossary: tuple[tuple[str, str, str], ...]
    command: str
    provenance: tuple[Group, ...]
    started: str
    seconds: float | None
    device: str


@dataclass(frozen=True)
class IndexRow:
    """What an index says of a run; `options` are those that are not the default."""

    study: str
    key: str
    status: str
    options: str
    headline: str
    judged: Mapping[str, int]
    started: str
    seconds: float | None
    note: str = ""


def view(run: RunDirectory, describe: Describe, allowance: Allowance) -> RunView:
    """Reads a run. Raises SuiteError where its `run.json` cannot be trusted; all else that is amiss is noted."""
    manifest = run.read_written()
    study, config, status = manifest["study"], manifest["config"], run.status()
    described = describe(study)
    notes = _of_another_version(config, described)
    classes = manifest.get("classes", {}).get(config.get("dataset"), ())
    heads = {name: head.in_words(classes) for name, head in _heads(run, manifest, status, notes).items()}
    files = {name: run.path / manifest["tables"][name]["file"] for name in heads}
    judged = claims(files, heads, notes)
    kept = [claim for claim in judged[: allowance.rows] if allowance.take(claim.size)]
    pixels = [name for name, head in heads.items() if is_gallery([*head.columns])]
    # In the order of their weight: each takes its part of the allowance.
    shown = [
        tables.view(entry["table"], heads[entry["table"]], files[entry["table"]], allowance,
                    columns=entry["columns"], title=entry["title"], is_drawn=True)
        for entry in manifest["shown"] if entry["table"] in heads and entry["table"] != CLAIMS
    ]  # fmt: skip
    drawn = [
        figures.view(name, entry["caption"], run.path / entry["svg"], run.path / entry["png"], allowance)
        for name, entry in manifest["figures"].items()
    ]
    galleries = [gallery(name, heads[name], files[name], allowance) for name in pixels]
    whole = {table.name for table in shown if len(table.columns) == len(heads[table.name].columns)}
    apart = {*whole, *pixels, CLAIMS}
    rest = [tables.view(name, heads[name], files[name], allowance) for name in heads if name not in apart]
    words = described.explain({name: [*head.columns] for name, head in heads.items()}) if described else {}
    glossary = [(column, meaning, ", ".join(where)) for column, meaning, where in by_meaning(words)]
    if not allowance.take(sum(len("".join(row).encode()) + GLOSSARY for row in glossary)):
        glossary = []
    return RunView(
        study=study, key=run.path.resolve().name, path=str(run.path), status=status,
        error=_text(manifest.get("error")) if status == "failed" else "", described=described, notes=tuple(notes),
        settings=tuple(settings(config, described)),
        headline=tuple(headline(manifest["headline"], manifest["limits"], [*heads.values()])),
        seen=tuple(manifest["seen"]),
        claims=tuple(kept), judged=tally(judged),
        shown=tuple(table.explained(words.get(table.name)) for table in shown),
        figures=tuple(drawn), galleries=tuple(galleries),
        tables=tuple(table.explained(words.get(table.name)) for table in rest),
        glossary=tuple(glossary), command=command(study, config, described), provenance=tuple(provenance(manifest)),
        started=manifest["timings"]["started"], seconds=manifest["timings"]["seconds"],
        device=_text(manifest.get("device")),
    )  # fmt: skip


def index_row(run: RunView) -> IndexRow:
    """A run in one line."""
    numbers = "; ".join(f"{number.name} {number.value} {number.interval}".rstrip() for number in run.headline)
    note = run.error or ("see its notes" if run.notes else "")
    return IndexRow(
        run.study, run.key, run.status, _typed({each.name: each.value for each in run.settings if each.chosen}),
        numbers, run.judged, run.started, run.seconds, note,
    )  # fmt: skip


def brief_row(run: RunDirectory, describe: Describe) -> IndexRow:
    """The same from `run.json` alone: no intervals, no verdicts. Raises SuiteError where that cannot be trusted."""
    manifest = run.read_written()
    options = _typed(chosen(manifest["config"], describe(manifest["study"])))
    numbers = "; ".join(f"{number.name} {number.value}" for number in headline(manifest["headline"], {}, []))
    started, seconds = manifest["timings"]["started"], manifest["timings"]["seconds"]
    error = _text(manifest.get("error"))
    return IndexRow(
        manifest["study"], run.path.name, run.status_of(manifest), options, numbers, {}, started, seconds, error
    )


def damaged_row(run: RunDirectory, error: SuiteError) -> IndexRow:
    """A run that cannot be read, in one line."""
    return IndexRow(run.path.parent.name, run.path.name, "damaged", "", "", {}, "", None, error.what)


def _heads(run: RunDirectory, manifest: Mapping[str, Any], status: str, notes: list[str]) -> dict[str, Head]:
    """The tables that can be read; the others are noted. A run that did not finish has not written its own yet."""
    heads = {}
    for name, entry in manifest["tables"].items():
        path = run.path / entry["file"]
        if status == "finished" or path.exists():
            try:
                heads[name] = tables.read_head(path, READ)
            except SuiteError as error:
                notes.append(error.what)
    missing = [entry["table"] for entry in manifest["shown"] if entry["table"] not in manifest["tables"]]
    notes += [f"the study shows a table {name!r} that the run does not have" for name in missing]
    return heads


def _typed(options: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in options.items())


def _of_another_version(config: Mapping[str, Any], described: Described | None) -> list[str]:
    if described is None:
        return ["its study is not installed here: options are shown without their descriptions and defaults"]
    if unknown := unknown_options(config, described):
        return [f"the installed version of the study differs in the options {', '.join(unknown)}"]
    return []


def _text(value: Any) -> str:
    return "" if value is None else format_value(value)
