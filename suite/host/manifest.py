"""What `run.json` and `results.json` must hold to be trusted: not if edited by hand, or written by a newer version."""

from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ValidationError

FORMAT = 2
"""Of the run directories that this version writes; to be raised when an older version could misread them."""


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


def _first_fault(form: type[BaseModel], content: Any) -> str:
    try:
        form.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg'].removeprefix('Value error, ').lower()}"
    return ""


def _inside(file: str) -> str:
    path = PurePosixPath(file)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError("the file is not in the run's directory")
    return file


_File = Annotated[str, AfterValidator(_inside)]


class _Table(BaseModel):
    file: _File
    rows: int


class _Figure(BaseModel):
    svg: _File
    png: _File
    caption: str


class _Shown(BaseModel):
    table: str
    columns: list[str]
    title: str


class _Timings(BaseModel):
    started: str
    seconds: float


class _Code(BaseModel):
    digest: str


class _Manifest(BaseModel):
    """What readers rely on; more may stand beside it."""

    study: str
    key: str
    status: Literal["running", "finished", "failed"]
    config: dict[str, Any]
    seed: int
    device: str
    inputs: dict[str, str]
    code: _Code
    versions: dict[str, str]
    timings: _Timings
    facts: dict[str, Any]
    tables: dict[str, _Table]
    models: dict[str, _File]


class _Results(BaseModel):
    """What analysing stores; all paths are below the folder of results."""

    code: str
    headline: dict[str, Any]
    tables: dict[str, _Table]
    shown: list[_Shown]
    figures: dict[str, _Figure]
    notes: list[str]
