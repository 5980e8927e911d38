"""The way in from Python: run a study, load a stored run, list them.

The same config, key and directory as on the command line: what one has run, the other finds.
"""

from collections.abc import Mapping
from contextlib import nullcontext
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from suite.errors import SuiteError, did_you_mean
from suite.host.completion import complete
from suite.host.executors import spreading
from suite.host.notebook import Picture, as_html
from suite.host.objects import named_objects
from suite.host.plain import plain
from suite.host.preparing import prepare
from suite.host.records import read_all
from suite.host.registry import Registry
from suite.host.settings import build_config
from suite.host.store import Busy, RunDirectory, find_run
from suite.paths import runs_at, runs_root, usable
from suite.tables import read_frame

ESTIMATE = ("value", "low", "high", "n")
"""Columns of a table that holds estimates."""


class Result:
    """A run: its tables as data frames, its claims and figures; shows itself in a notebook.

    Attributes:
        path: the run's directory.
        study: full name of its study.
        config: its options.
        facts: what measuring noted.
        headline: the few numbers that are shown first.
        seen: what was seen, in sentences.
    """

    def __init__(self, directory: RunDirectory) -> None:
        self._content = directory.read_written()
        self.path = directory.path
        self.study: str = self._content["study"]
        self.config: dict[str, Any] = self._content["config"]
        self.facts: dict[str, Any] = self._content["facts"]
        self.headline: dict[str, Any] = self._content["headline"]
        self.seen: list[str] = self._content["seen"]

    @property
    def status(self) -> str:
        """`finished`, `failed`, `running` or `interrupted`."""
        return RunDirectory(self.path).status()

    @property
    def tables(self) -> list[str]:
        """Names of the tables: those that analysing made, then the raw ones."""
        return [*self._content["tables"]]

    def table(self, name: str) -> pl.DataFrame:
        """A table by name. Raises SuiteError for an unknown name, and where its file is missing or damaged."""
        if name not in self._content["tables"]:
            raise SuiteError(f"{self.study} has no table {name!r}", did_you_mean(name, self.tables))
        return read_frame(self.path / self._content["tables"][name]["file"])

    @cached_property
    def claims(self) -> pl.DataFrame:
        """What the paper says and whether these numbers carry it; no rows where the study judges nothing."""
        return self.table("claims") if "claims" in self.tables else pl.DataFrame()

    @cached_property
    def estimates(self) -> pl.DataFrame:
        """All rows of all tables that hold an estimate: table, setting, value, low, high, n."""
        found = [_estimates(name, frame) for name in self.tables if _holds_estimates(frame := self.table(name))]
        return pl.concat(found) if found else pl.DataFrame()

    @property
    def figures(self) -> list[str]:
        """Names of the figures."""
        return [*self._content["figures"]]

    def figure(self, name: str) -> Picture:
        """A figure by name: paths of its files, shown by a notebook. Raises SuiteError for an unknown name."""
        if name not in self._content["figures"]:
            raise SuiteError(f"{self.study} has no figure {name!r}", did_you_mean(name, self.figures))
        figure = self._content["figures"][name]
        return Picture(self.path / figure["svg"], self.path / figure["png"], figure["caption"])

    def __repr__(self) -> str:
        return f"<{self.study} {self.path.name}: {self.status}>"

    def _repr_html_(self) -> str:
        return as_html(repr(self), self.headline, self.seen, self.claims, [self.figure(name) for name in self.figures])


def run(
    study: str,
    *,
    preset: str | None = None,
    device: str = "auto",
    jobs: int | None = None,
    fresh: bool = False,
    runs: str | Path | None = None,
    **options: Any,
) -> Result:
    """Runs a study, or continues or returns the run that the same options made before.

    Args:
        study: its full name, `linbp.attack`.
        preset: named set of options; what is given here wins over it.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        jobs: processes that compute parts of the run; of studies that say they are parallel.
        fresh: measure again, whatever is stored.
        runs: folder of run directories; by default `SUITE_RUNS`, or `./runs`.
        options: the study's, as values or as the command line's texts (`eps="8/255"`). A model may be an `nn.Module`
            and a data set a pair (images, labels): their contents enter the run's key.

    Raises:
        SuiteError: an unknown study or option (with the nearest name), a value that is refused; WorkFailed, which is
            one too, where the work failed later.
    """
    registry, root = Registry(), _root(runs)
    entry, config_class = registry.study(study), registry.config(study)
    for name in options:
        if name not in config_class.model_fields:
            raise SuiteError(f"{study} has no option {name!r}", did_you_mean(name, [*config_class.model_fields]))
    if jobs is not None and jobs > 1 and not entry.parallel:
        raise SuiteError(f"{study} computes in one process; jobs={jobs}", "leave jobs out")
    values, objects = named_objects(options, config_class)
    if objects and (jobs or 1) > 1:
        raise SuiteError("a model or data set of this process cannot be given to others", "leave jobs out")
    typed = {name: (value, name) for name, value in values.items()}
    config = build_config(config_class, entry, typed, preset=preset)
    with runs_at(root):
        while True:
            execution = prepare(study, config, registry, root=root, device=device, objects=objects)
            try:
                with spreading(execution, "local", jobs, None) if (jobs or 1) > 1 else nullcontext():
                    complete(execution, registry, fresh=fresh)
                return Result(execution.directory)
            except Busy:
                execution.directory.wait()


def load(run: str | Path, *, runs: str | Path | None = None) -> Result:
    """A stored run by its key or the beginning of it, `study/` before it or not, or by its path.

    Raises SuiteError for none or several, and for one that cannot be read.
    """
    path = usable(run)
    if (path / "run.json").is_file():
        return Result(RunDirectory(path))
    return Result(find_run(_root(runs), str(run)))


def runs(study: str | None = None, *, runs: str | Path | None = None) -> pl.DataFrame:
    """All stored runs, the newest last: run (`study/key`), study, status, seed, started, seconds, path.

    Args:
        study: only those of this study.
        runs: folder of run directories; by default `SUITE_RUNS`, or `./runs`.
    """
    found = read_all(_root(runs))
    rows = [_row(each, content) for each, content in found if content and study in (None, content["study"])]
    columns = {"run": pl.String, "study": pl.String, "status": pl.String, "seed": pl.Int64, "started": pl.String,
               "seconds": pl.Float64, "path": pl.String}  # fmt: skip
    return pl.DataFrame(rows, schema=columns).sort("started", maintain_order=True)


def _root(runs: str | Path | None) -> Path:
    return runs_root() if runs is None else usable(runs)


def _row(directory: RunDirectory, content: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "run": f"{content['study']}/{content['key']}",
        "study": content["study"],
        "status": directory.status_of(content),
        "seed": content["seed"],
        "started": content["timings"]["started"],
        "seconds": content["timings"]["seconds"],
        "path": plain(str(directory.path)),
    }


def _holds_estimates(frame: pl.DataFrame) -> bool:
    return {*ESTIMATE} <= {*frame.columns} and frame.schema["value"].is_numeric()


def _estimates(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The estimates of a table, each with the values of the columns to the left of `value` as its setting."""
    about = [column for column in frame.columns[: frame.columns.index("value")] if not frame.schema[column].is_nested()]
    told = [pl.format("{}={}", pl.lit(column), pl.col(column)) for column in about]
    setting = pl.concat_str(told, separator=", ", ignore_nulls=True) if told else pl.lit("")
    numbers = [pl.col(column).cast(pl.Float64) for column in ESTIMATE[:3]]
    return frame.select(pl.lit(name).alias("table"), setting.alias("setting"), *numbers, pl.col("n").cast(pl.Int64))
