"""What people say about a run: tags and a note, in `notes.json` beside its record, which stays as it is."""

import json
import logging
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from suite.errors import SuiteError, did_you_mean, shortened
from suite.files import NAME, atomic
from suite.host import manifest, own_files
from suite.host.plain import plain
from suite.host.store import RunDirectory
from suite.locks import made_once

log = logging.getLogger("suite")

FILE = own_files.NOTES
LONGEST_TAG, LONGEST_NOTE = 50, 2000  # characters
_REMEDY = f"letters, digits, '_', '-' and '.', at most {LONGEST_TAG}"


@dataclass(frozen=True)
class Notes:
    """Tags, sorted, and a note of one line; both may be empty."""

    tags: tuple[str, ...] = ()
    note: str = ""


class _Form(BaseModel):
    model_config = ConfigDict(strict=True)

    tags: list[Annotated[str, Field(max_length=LONGEST_TAG, pattern=f"^{NAME.pattern}$")]]
    note: Annotated[str, Field(max_length=LONGEST_NOTE)]


def read_notes(run: RunDirectory) -> Notes:
    """What is said of a run; a file that cannot be trusted costs a warning and says nothing."""
    path = f"{run.path}/{FILE}"
    if not os.path.lexists(path):
        return Notes()
    content, why = manifest.read(path)
    try:
        form = None if why else _Form.model_validate(content)
    except ValidationError:
        form = None
    if form is None:
        log.warning("cannot use %s: %s", path, why or "it holds no tags and note")
        return Notes()
    return Notes(tuple(sorted({*form.tags})), form.note)


def tag(run: RunDirectory, names: tuple[str, ...]) -> Notes:
    """Gives a run tags. Raises SuiteError for a name that is none."""
    for name in names:
        if len(name) > LONGEST_TAG or not NAME.fullmatch(name):
            raise SuiteError(f"{shortened(name)!r} is no tag", _REMEDY)
    return _changed(run, lambda notes: Notes(tuple(sorted({*notes.tags, *names})), notes.note))


def untag(run: RunDirectory, names: tuple[str, ...]) -> Notes:
    """Takes tags away. Raises SuiteError for one that the run does not have."""
    here = read_notes(run).tags
    for name in names:
        if name not in here:
            raise SuiteError(f"{run.name} has no tag {shortened(name)!r}", did_you_mean(name, here))
    return _changed(run, lambda notes: Notes(tuple(each for each in notes.tags if each not in names), notes.note))


def note(run: RunDirectory, text: str) -> Notes:
    """Puts a note in place of the one that is there, in one line; an empty one removes it."""
    line = " ".join(text.split())
    if len(line) > LONGEST_NOTE:
        raise SuiteError(f"a note of {len(line)} characters", f"write at most {LONGEST_NOTE}")
    return _changed(run, lambda notes: Notes(notes.tags, line))


def _changed(run: RunDirectory, change: Callable[[Notes], Notes]) -> Notes:
    """Stores what a change makes of the notes; a run of which nothing is said has no file."""
    path = run.path / FILE
    with made_once(path, f"the notes of {run.name}"):
        notes = change(read_notes(run))
        if notes == Notes():
            path.unlink(missing_ok=True)
            return notes
        with atomic(path) as file:
            file.write(json.dumps(plain(asdict(notes)), indent=2).encode() + b"\n")
        return notes
