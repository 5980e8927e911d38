"""A study tried in its smallest form: its configs, and the runs of it that the checks share."""

import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any
from unittest import mock

from suite.errors import WorkFailed
from suite.host.analysis import analyse
from suite.host.executors import Outcome, Point, execute
from suite.host.executors.sharding import spread
from suite.host.preparing import prepare
from suite.host.registry import Registry, load_target
from suite.host.run import Run
from suite.host.settings import build_config
from suite.host.store import RunDirectory
from suite.host.testing.values import other_values
from suite.plugin import Study, StudyConfig

SMALLEST = ("smoke", "quick")
"""Presets under which a study is tried: the first that it has."""


class _Stopped(BaseException):
    """Ends a run where Ctrl-C would."""


@dataclass
class Watched:
    """What a run did: options that the study read, parts that were computed, and the directory."""

    directory: RunDirectory
    read: set[str] = field(default_factory=set)
    computed: list[str] = field(default_factory=list)


class _Shares:
    """Computes the parts of a run as two jobs would, one share after the other and in this process; none may fail."""

    places = 2

    def __call__(self, points: Sequence[Point]) -> Iterator[tuple[int, Outcome]]:
        for place, point in enumerate(points):
            outcome = execute(point)
            if outcome.error:
                raise WorkFailed(f"a share of its parts cannot be computed apart: {outcome.error}")
            yield place, outcome


class Trial:
    """One study under test.

    Attributes:
        name: its full name.
        study: its entry in the module's table.
    """

    def __init__(self, name: str, study: Study) -> None:
        self.name, self.study = name, study

    @cached_property
    def registry(self) -> Registry:
        """All installed plugins."""
        return Registry()

    @cached_property
    def config_class(self) -> type[StudyConfig]:
        """The study's own."""
        return self.registry.config(self.name)

    @cached_property
    def preset(self) -> str | None:
        """The smallest preset; None: the study has neither."""
        return next((name for name in SMALLEST if name in self.study.presets), None)

    @cached_property
    def config(self) -> StudyConfig:
        """The config of all runs."""
        return build_config(self.config_class, self.study, {}, preset=self.preset)

    @cached_property
    def root(self) -> Path:
        """A folder of runs that goes when the trial does."""
        folder = tempfile.mkdtemp(prefix="suite-contract-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return Path(folder)

    @cached_property
    def undisturbed(self) -> Watched:
        """The run from beginning to end."""
        return self._run("undisturbed", self.config)

    @cached_property
    def elsewhere(self) -> Watched:
        """The same with other values of the options that are not in the key, in other threads, in two shares."""
        config = self.config
        for name in unkeyed(self.config_class):
            config = next(other_values(config, name), config)
        with _other_number_of_threads():
            return self._run("elsewhere", config, shares=self.study.parallel, analysed=False)

    @cached_property
    def interrupted(self) -> Watched:
        """A run that is stopped as Ctrl-C would, when half of the parts are stored."""
        return self._run("stopped", self.config, stop_after=(len(self.undisturbed.computed) + 1) // 2, analysed=False)

    @cached_property
    def continued(self) -> Watched:
        """The same command again, which goes on from there."""
        return self._run(self.interrupted.directory.path.parents[1].name, self.config, analysed=False)

    def _run(
        self,
        folder: str,
        config: StudyConfig,
        *,
        shares: bool = False,
        stop_after: int | None = None,
        analysed: bool = True,
    ) -> Watched:
        run = prepare(self.name, config, self.registry, root=self.root / folder, device="cpu")
        watched = Watched(run.directory)
        function: Callable[[Any, Run], None] = load_target(self.study.measure)
        if shares:
            run.before_each = partial(spread, run, executor=_Shares())
        with suppress(_Stopped), _watching(watched.computed, stop_after):
            run.execute(lambda config, run: function(_noting(config, watched.read), run))
            if analysed:
                analyse(run.directory, self.registry, config=_noting(config, watched.read))
        return watched


def unkeyed(config: type[StudyConfig]) -> list[str]:
    """Options that say of themselves that they cannot change a result."""
    extras = {name: declared.json_schema_extra for name, declared in config.model_fields.items()}
    return [name for name, extra in extras.items() if isinstance(extra, dict) and extra.get("in_key") is False]


def _noting(config: StudyConfig, read: set[str]) -> StudyConfig:
    """The same config, which notes the names of the options that are asked of it."""
    kind: Any = type(config)

    def noted(self: StudyConfig, name: str) -> Any:
        if name in kind.model_fields:
            read.add(name)
        return kind.__getattribute__(self, name)

    noting: Any = type(kind.__name__, (kind,), {"__getattribute__": noted, "__module__": kind.__module__})
    values: Mapping[str, Any] = {name: getattr(config, name) for name in kind.model_fields}
    noted_before = {*read}
    made: StudyConfig = noting.model_construct(**values)
    read.clear()
    read |= noted_before
    return made


@contextmanager
def _watching(computed: list[str], stop_after: int | None) -> Iterator[None]:
    """Within the block, runs note the parts that they compute and stop after so many."""
    once = Run.once

    def noted(run: Run, name: str, compute: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        def first() -> Mapping[str, Any]:
            computed.append(name)
            return compute()

        columns = once(run, name, first)
        if len(computed) == stop_after:
            raise _Stopped
        return columns

    with mock.patch.object(Run, "once", noted):
        yield


@contextmanager
def _other_number_of_threads() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2 if before == 1 else 1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
