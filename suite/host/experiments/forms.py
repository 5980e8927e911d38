"""What an experiment's file may hold, key by key, and its faults in one line with what to write instead."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictStr, ValidationError

from suite.errors import SuiteError, known_keys
from suite.files import NAME

Form = TypeVar("Form", bound=BaseModel)

LONGEST = 100  # letters of a name: file systems take 255, of which endings and temporary names need some


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


Texts = Annotated[tuple[StrictStr, ...], BeforeValidator(_tuple)]
Table = dict[str, Any]
OnMissing = Literal["fail", "skip"]

# By the kind of fault that pydantic finds: how to say it, and an example of what is right.
_SAID = {
    "string_type": ("no text", '"..."'),
    "bool_type": ("neither true nor false", "true"),
    "tuple_type": ("no list of texts", '["...", "..."]'),
    "dict_type": ("no table", "{ name = ... }"),
    "literal_error": ("neither fail nor skip", '"skip"'),
}


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StageForm(_Form):
    """A stage: runs of one study."""

    study: StrictStr
    preset: StrictStr | None = None
    fixed: Table = Field({}, alias="set")
    grid: Table = {}
    zipped: Table = Field({}, alias="zip")
    labels: Texts = ()
    on_missing: OnMissing = "fail"


class StageChange(StageForm):
    """What a preset changes of a stage."""

    study: StrictStr | None = None  # type: ignore[assignment]


class JointTable(_Form):
    """Which rows of a stage's points to join, and what to make of them.

    rows: "stage.table".
    where: column -> the value that a row must have, or a list of which it has one.
    columns: new column -> expression, evaluated for each point.
    mean: column to average; None keeps the rows as they are.
    by: columns whose values make a group.
    versus: column -> two or more of its values; each is compared with the last. Of two columns: the difference of the
        differences.
    pair: columns that tell which rows of the two belong together.
    """

    rows: StrictStr
    where: Table = {}
    columns: Table = {}
    mean: StrictStr | None = None
    by: Texts = ()
    versus: Table = {}
    pair: Texts = ("seed",)


class JointFigure(_Form):
    """Means of a joint table against one of its columns, a line with its band for every value of another.

    panels: column with a panel for each of its values.
    differences: show the paired differences in place of the means.
    """

    table: StrictStr
    x: StrictStr
    series: StrictStr
    title: StrictStr = ""
    x_label: StrictStr = ""
    y_label: StrictStr = ""
    log_x: StrictBool = False
    log_y: StrictBool = False
    panels: StrictStr = ""
    differences: StrictBool = False


class FileForm(_Form):
    """The whole file; its parts are fitted one by one, so that a fault is named with its place."""

    question: StrictStr = ""
    stages: Table = {}
    tables: Table = {}
    figures: Table = {}
    presets: Table = {}


def fitted(form: type[Form], content: Any, where: str) -> Form:
    """The content in its form. Raises SuiteError for what is no table, an unknown or missing key, and a wrong type."""
    keys = [field.alias or name for name, field in form.model_fields.items()]
    if not isinstance(content, Mapping):
        raise SuiteError(f"{where} is no table: {content!r}", f"write {' or '.join(keys[:3])} = ... in it")
    known_keys(content, keys, where)
    try:
        return form.model_validate(content)
    except ValidationError as error:
        raise _said(error, content, where) from error


def check_name(name: str, where: str) -> None:
    """Raises SuiteError where a name cannot be that of a file, as those of a run's tables and figures can."""
    if not NAME.fullmatch(name):
        remedy = "use letters, digits, '_', '-' and '.'; begin with a letter or digit"
        raise SuiteError(f"{where}: {name!r} is no file name", remedy)
    if len(name) > LONGEST:
        raise SuiteError(f"{where}: {name[:20]!r}... has {len(name)} letters", f"use {LONGEST} at most")


def _said(error: ValidationError, content: Mapping[str, Any], where: str) -> SuiteError:
    faults: Sequence[Any] = error.errors()
    lacking = [fault for fault in faults if fault["type"] == "missing"]
    fault = next((fault for fault in faults if fault["type"] != "missing"), None)
    if fault is None:
        return SuiteError(f"{where} lacks {lacking[0]['loc'][0]!r}", "see docs/experiments.md")
    key = fault["loc"][0]
    kind = "tuple_type" if len(fault["loc"]) > 1 else fault["type"]  # an item of a list that is no text
    wrong, example = _SAID[kind]
    return SuiteError(f"{where}: {key} = {content[key]!r} is {wrong}", f"write {key} = {example}")
