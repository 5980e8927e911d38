"""Analysing: from a run's stored raw tables to results on disk, through the pure functions of its study.

In a study's results module every public function is a table, named after the function, but for `claims`, `headline`
(numbers that are shown first), `seen` (sentences that say what was seen), `shown` (tables that are printed) and
`notes` (lines to warn with); in its figures module every public function is a figure. A function is given what it
asks for by name: a raw table, a table of the results, `config`, `facts` (what measuring noted), or `classes` (names of
the classes of the config's data set). An argument with a default may be absent. A function that returns None makes
nothing this time. A study whose `columns.py` lists `classes` is given that table: the names by number.
"""

import importlib
import inspect
import logging
from collections.abc import Callable, Iterable, Mapping
from math import isnan
from types import ModuleType
from typing import TYPE_CHECKING, Any

from suite.claims import CANNOT_TELL, claims_table
from suite.errors import SuiteError, did_you_mean, one_line
from suite.files import NAME
from suite.host.glossary import declared
from suite.host.keys import analysing_code, key_fields
from suite.host.manifest import FORMAT
from suite.host.registry import Registry
from suite.host.settings import build_config
from suite.host.store import RunDirectory
from suite.plugin import StudyConfig
from suite.statistics import Estimate
from suite.tables import Shown, frame_bytes, read_frame

if TYPE_CHECKING:
    import polars as pl

log = logging.getLogger("suite")

CLAIMS, HEADLINE, SEEN, SHOWN, NOTES = "claims", "headline", "seen", "shown", "notes"
CLASSES = "classes"
NOT_TABLES = (HEADLINE, SEEN, SHOWN, NOTES)
SMOKE = "smoke"


def analyse(run: RunDirectory, registry: Registry, config: StudyConfig | None = None) -> None:
    """Makes tables, claims, headline and figures of a finished run anew, and puts them in place of those it has.

    Args:
        config: the run's, where the caller has it; else what is stored is validated.

    Raises:
        Busy: another process works on the run.
        SuiteError: the run is not finished; a raw table is missing or damaged; its config or tables are not what the
            study's functions read. The results that are there stay.
    """
    content = run.read_written()
    name = content["study"]
    if content["status"] != "finished":
        raise SuiteError(f"{run.path} is not finished", "run the study again: it continues")
    if content.get("format", 1) < FORMAT:
        raise SuiteError(f"{run.path} was made when results were not apart yet", "run the study again")
    study = registry.study(name)
    known = _known(run, content, config or _config(content, registry))
    functions = _functions(study.results)
    if twice := [each for each in functions if each in known]:
        raise SuiteError(f"{name}: {', '.join(twice)} is measured, and made of results too", "rename one of the two")
    results = _Evaluation(name, known, functions)
    made = {each: results.value(each) for each in results.functions}
    if CLAIMS in made and _is_smoke(known["config"], name, registry):
        made[CLAIMS] = _unjudged(made[CLAIMS])
    given = _Evaluation(name, {**known, **_frames(made)}, {})  # a figure may have a table's name
    drawn = {each: given.called(each, function) for each, function in _functions(study.figures).items()}
    files, record = _stored({**made, **_class_names(known, name, registry)}, drawn)
    for note in record["notes"]:
        log.warning("%s", note)
    held = run.is_open
    if not held:
        run.open()
    try:
        run.replace_results(files, {"format": FORMAT, "code": analysing_code(study, registry), **record})
    finally:
        if not held:
            run.close()


class _Evaluation:
    """Values of functions that ask for each other by name, each computed once."""

    def __init__(self, study: str, known: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]]) -> None:
        self.study, self.functions = study, functions
        self._values = dict(known)
        self._open: list[str] = []

    def value(self, name: str) -> Any:
        """The table or fact of that name; a raw table is read when it is first asked for."""
        if name not in self._values:
            self._values[name] = self._computed(name)
        elif isinstance(self._values[name], _Stored):
            self._values[name] = self._values[name].read()
        return self._values[name]

    def _computed(self, name: str) -> Any:
        if name in self._open:
            raise SuiteError(f"{self.study}: {' asks for '.join([*self._open, name])}", "break the circle")
        self._open.append(name)
        value = self.called(name, self.functions[name])
        self._open.pop()
        return value

    def called(self, name: str, function: Callable[..., Any]) -> Any:
        """What a function of that name gives for the arguments that it asks for."""
        arguments = {each.name: self._argument(name, each) for each in inspect.signature(function).parameters.values()}
        try:
            value = function(**arguments)
            if name == CLAIMS:
                value = claims_table(_each(value))
            elif name in (SEEN, SHOWN, NOTES):
                value = _each(value)
        except SuiteError:
            raise
        except Exception as error:
            raise SuiteError(self._failure(name, arguments, error), "mend it, and suite analyse again") from error
        return value

    def _argument(self, function: str, argument: inspect.Parameter) -> Any:
        name = argument.name
        if name in self._values or name in self.functions:
            return self.value(name)
        if argument.default is inspect.Parameter.empty:
            what = f"{self.study}: {function} asks for {name!r}, which this run does not have"
            raise SuiteError(what, did_you_mean(name, sorted({*self._values, *self.functions})))
        return argument.default

    def _failure(self, name: str, arguments: Mapping[str, Any], error: Exception) -> str:
        """Names the study, its function, and the tables and columns that it was given."""
        tables = {key: value.columns for key, value in arguments.items() if hasattr(value, "columns")}
        given = "; ".join(f"{table} has {', '.join(columns)}" for table, columns in tables.items())
        return f"{self.study}: {name} failed: {one_line(error)}" + (f" ({given})" if given else "")


class _Stored:
    """A raw table that has not been read yet."""

    def __init__(self, run: RunDirectory, file: str) -> None:
        self._path = run.path / file

    def read(self) -> "pl.DataFrame":
        try:
            return read_frame(self._path)
        except SuiteError as error:
            what = f"raw table {self._path.stem!r} of {self._path.parents[1]} is missing or damaged"
            raise SuiteError(what, "measure it again: the same suite run with --fresh") from error


def _known(run: RunDirectory, content: Mapping[str, Any], config: StudyConfig) -> dict[str, Any]:
    """What functions can ask for before any of them has run."""
    raw = {name: table for name, table in content["tables"].items() if table["file"].startswith("tables/")}
    return {
        **{name: _Stored(run, table["file"]) for name, table in raw.items()},
        "config": config,
        "facts": content["facts"],
        CLASSES: content.get("classes", {}).get(getattr(config, "dataset", None)),
    }


def _class_names(known: Mapping[str, Any], name: str, registry: Registry) -> dict[str, "pl.DataFrame"]:
    """The table `classes`, for a study that lists it and a data set that is known."""
    if known[CLASSES] is None or CLASSES not in declared(name, registry)[0]:
        return {}
    import polars as pl

    names = known[CLASSES]
    return {
        CLASSES: pl.DataFrame(
            {"number": range(len(names)), "name": names}, schema={"number": pl.Int64, "name": pl.String}
        )
    }


def _config(content: Mapping[str, Any], registry: Registry) -> StudyConfig:
    name = content["study"]
    try:
        return registry.config(name).model_validate(content["config"])
    except ValueError as error:
        what = f"the stored options of {name}/{content['key']} are not today's: {one_line(error)}"
        raise SuiteError(what, "run the study again") from error


def _functions(target: str | None) -> dict[str, Callable[..., Any]]:
    """The public functions that a module defines, in its order."""
    if target is None:
        return {}
    module = _module(target)
    own = [
        (name, value)
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and NAME.fullmatch(name)
    ]
    return {name: value for name, value in own if not name.startswith("_")}


def _module(target: str) -> ModuleType:
    try:
        return importlib.import_module(target)
    except Exception as error:
        raise SuiteError(f"cannot load {target!r}: {one_line(error)}", "mend or reinstall the plugin") from error


def _each(value: Iterable[Any] | None) -> list[Any]:
    return [] if value is None else list(value)


def _frames(made: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in made.items() if name not in NOT_TABLES and value is not None}


def _is_smoke(config: StudyConfig, name: str, registry: Registry) -> bool:
    """Whether a config is the preset that only tries a study out, with any seed."""
    study = registry.study(name)
    if SMOKE not in study.presets:
        return False
    smoke = key_fields(build_config(type(config), study, {}, preset=SMOKE))
    return {**key_fields(config), "seed": None} == {**smoke, "seed": None}


def _unjudged(claims: "pl.DataFrame") -> "pl.DataFrame":
    import polars as pl

    return claims.with_columns(verdict=pl.lit(CANNOT_TELL), note=pl.lit("the smoke preset judges nothing"))


def _stored(made: Mapping[str, Any], drawn: Mapping[str, Any]) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Files below the folder of results, and what `results.json` says of them."""
    tables = {name: frame for name, frame in _frames(made).items() if name != CLAIMS or len(frame)}
    files = {f"tables/{name}.parquet": frame_bytes(frame) for name, frame in tables.items()}
    figures = {}
    for name, value in drawn.items():
        if value is None:
            continue
        figure, caption = value if isinstance(value, tuple) else (value, "")
        figures[name] = {"svg": f"figures/{name}.svg", "png": f"figures/{name}.png", "caption": caption}
        for kind, data in _render(figure, name).items():
            files[f"figures/{name}.{kind}"] = data
    shown: list[Shown] = made.get(SHOWN) or ([Shown(CLAIMS)] if CLAIMS in tables else [])
    headline = made.get(HEADLINE) or {}
    record = {
        "headline": {name: value.value if isinstance(value, Estimate) else value for name, value in headline.items()},
        "limits": {name: [value.low, value.high] for name, value in headline.items() if _is_limited(value)},
        "seen": made.get(SEEN) or [],
        "tables": {name: {"file": f"tables/{name}.parquet", "rows": len(frame)} for name, frame in tables.items()},
        "shown": [{"table": each.table, "columns": list(each.columns), "title": each.title} for each in shown],
        "figures": figures,
        "notes": made.get(NOTES) or [],
    }
    return files, record


def _is_limited(value: Any) -> bool:
    """Whether a headline number has an interval; one side of it may be open."""
    ends = (value.value, value.low, value.high) if isinstance(value, Estimate) else (None,)
    return all(end is not None and not isnan(end) for end in ends)


def _render(figure: Any, name: str) -> dict[str, bytes]:
    from suite.figures import render  # matplotlib, for studies that draw

    return render(figure, name)
