"""The one door through which records come in: what `run.json` and `results.json` must hold to be trusted.

A record may have been edited by hand, damaged, written by a newer version or by somebody who means ill. What passes has
texts that can be encoded, numbers that are finite or a gap and fit in 64 bits, files below the run's directory, and
names that can be those of files; it is not nested deeper than 200 times, and of a size that is read in a moment.
"""

import json
import os
import re
import stat
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from suite.errors import shortened
from suite.files import NAME
from suite.host.plain import plain

FORMAT = 2
"""Of the run directories that this version writes; to be raised when an older version could misread them."""

MOST_BYTES = 16 * 2**20
MOST_BYTES_OF_EXPERIMENTS = 2**30  # a line for each of a million points
MOST_FILES = 1000  # of tables, models and figures each
_LONGEST_NAME = 200
_KNOWN = 4096  # names that were found good are known again: thousands of runs have the same
_ALIKE = bytes.maketrans(b"123456789E", b"000000000e")  # all digits as 0: a look over that is cheap in any record
_LONG_NUMBER = b"0" * 19
_LONG_EXPONENT = re.compile(rb"e\+?0000*[\s,\]}]")  # in texts, too: seldom
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")  # seldom, and whole characters among them
_FILE = re.compile(rf"{NAME.pattern}(?:/{NAME.pattern})*")


def read(path: str | Path, most: int = MOST_BYTES) -> tuple[Any, str]:
    """The content of a record's file of so many bytes at most, or why there is none, in a line."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe keeps nobody waiting
        try:
            data = _bytes(descriptor, most)
        finally:
            os.close(descriptor)
    except OSError as error:
        return {}, str(error.strerror).lower()
    return ({}, "it is no regular file") if data is None else decoded(data, most)


def _bytes(descriptor: int, most: int) -> bytes | None:
    """What is in a regular file, one byte beyond `most` at most; None for what is none. Takes memory for no more."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        return None
    data, wanted = b"", min(status.st_size, most) + 1
    while more := os.read(descriptor, wanted - len(data)):
        data += more
    return data


def decoded(data: bytes, most: int = MOST_BYTES) -> tuple[Any, str]:
    """JSON as a value, NaN and infinities in it as None; or why it is none that can be used, in a line."""
    if len(data) > most:
        return {}, f"it is larger than {most // 2**20} MiB"
    try:
        content = _halves_replaced(data) if _HALF.search(data) else from_json(data, cache_strings="keys")
    except (ValueError, RecursionError) as error:
        return {}, "it is nested too deeply" if "recursion" in str(error) else "it is not JSON"
    alike = data.translate(_ALIKE)
    if _LONG_NUMBER in alike and any(map(_is_too_large, _leaves(content))):
        return {}, "a whole number in it takes more than 64 bits"
    odd = b"NaN" in data or b"Infinity" in data or _LONG_EXPONENT.search(alike)
    return (plain(content) if odd else content), ""


def _halves_replaced(data: bytes) -> Any:
    """JSON in which half a character is escaped, as once for a file's name that is no text: `?` takes its place.

    Raises ValueError and RecursionError.
    """
    return plain(json.loads(data))


def fault(content: Any) -> str:
    """Why the content of a `run.json` cannot be used, in a line; empty where it can."""
    if not isinstance(content, dict):
        return "it is no JSON object"
    written = content.get("format", 1)
    if isinstance(written, int) and written > FORMAT:
        return f"it is of format {written} and this version reads {FORMAT}: a newer suite has written it"
    return _first_fault(_Manifest, content)


def results_fault(content: Any) -> str:
    """Why the content of a `results.json` cannot be used, in a line; empty where it can."""
    return _first_fault(_Results, content)


def experiment_fault(content: Any) -> str:
    """Why the content of an experiment's record cannot be used, in a line; empty where it can."""
    return _first_fault(_Experiment, content)


def _first_fault(form: type[BaseModel], content: Any) -> str:
    try:
        form.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(shortened(str(part)) for part in first["loc"] if part != "[key]")
        return f"{place}: {first['msg'].removeprefix('Value error, ').lower()}"
    return ""


def _is_too_large(value: Any) -> bool:
    return isinstance(value, int) and not -(2**63) <= value < 2**63


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _leaves(item)
    else:
        yield value


@lru_cache(_KNOWN)
def _inside(file: str) -> str:
    if len(file) > 2 * _LONGEST_NAME or not _FILE.fullmatch(file):
        raise ValueError("the file is not in the run's directory")
    return file


@lru_cache(_KNOWN)
def _named(name: str) -> str:
    if len(name) > _LONGEST_NAME or not NAME.fullmatch(name):
        raise ValueError("it is no name of a file")
    return name


def _date(text: str) -> str:
    try:
        usable = 1970 <= datetime.fromisoformat(text).year < 9999  # so that it has a time in UTC, too
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("it is no date and time")
    return text


_File = Annotated[str, AfterValidator(_inside)]
_Name = Annotated[str, AfterValidator(_named)]
_Line = Annotated[str, Field(max_length=_LONGEST_NAME, pattern=r"^[^\x00-\x1f\x7f]*$")]
_Limits = Annotated[list[float | None], Field(min_length=2, max_length=2)]
_Count = Annotated[int, Field(ge=0, lt=2**63)]


class _Form(BaseModel):
    model_config = ConfigDict(strict=True)


class _Table(_Form):
    file: _File
    rows: _Count


class _Figure(_Form):
    svg: _File
    png: _File
    caption: str


class _Shown(_Form):
    table: _Name
    columns: list[str]
    title: str


class _Timings(_Form):
    started: Annotated[str, AfterValidator(_date)]
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Code(_Form):
    digest: str


_Tables = Annotated[dict[_Name, _Table], Field(max_length=MOST_FILES)]


class _Manifest(_Form):
    """What readers rely on; more may stand beside it."""

    study: _Line
    key: _Line
    status: Literal["running", "finished", "failed"]
    config: dict[str, Any]
    seed: _Count
    device: _Line
    inputs: dict[str, str]
    code: _Code
    versions: dict[str, str]
    timings: _Timings
    facts: dict[str, Any]
    tables: _Tables
    models: Annotated[dict[_Name, _File], Field(max_length=MOST_FILES)]
    format: _Count = 1
    classes: dict[str, list[str]] = {}


class _Results(_Form):
    """What analysing stores; all paths are below the folder of results."""

    code: str
    headline: dict[str, Any]
    limits: dict[str, _Limits] = {}
    tables: _Tables
    shown: list[_Shown]
    figures: Annotated[dict[_Name, _Figure], Field(max_length=MOST_FILES)]
    notes: list[str]
    seen: list[str] = []


class _Point(_Form):
    axes: dict[str, Any]
    run: _Line


class _Stage(_Form):
    study: _Line
    points: list[_Point]


class _Experiment(_Form):
    """What an experiment notes of itself: its points, what failed, and names of files, each to be looked at."""

    name: _Line
    stages: dict[str, _Stage]
    failures: dict[str, str]
    files: Annotated[list[Any], Field(max_length=MOST_FILES)] = []
