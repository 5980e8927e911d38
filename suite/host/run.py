"""Run: what a study measures through. Raw tables, models, progress and resume, kept in one directory."""

import hashlib
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from suite.errors import SuiteError, WorkFailed, one_line
from suite.files import NAME, atomic
from suite.host import underway
from suite.host.inputs import Inputs
from suite.host.keys import run_key
from suite.host.manifest import FORMAT
from suite.host.progress import Progress
from suite.host.provenance import git_state, peak_memory, versions
from suite.host.store import RunDirectory
from suite.host.table import Table
from suite.measuring import Part
from suite.plugin import StudyConfig
from suite.tables import read_columns, write_columns

if TYPE_CHECKING:
    import torch
    from torch import nn

    from suite.data import Dataset
    from suite.models import Architecture, Classifier

T = TypeVar("T")


class Run:
    """One execution of a study. Nothing is on disk before the first write.

    Attributes:
        study: its full name.
        config: the validated config.
        code: digest of all code that measures.
        origins: digests of what the run is made of beside the config: the code, each data set and model.
        key: the name of the directory, by content.
        directory: where results go.
        seed: the config's.
        before_each: what `each` asks to have its parts computed elsewhere, or None.
    """

    before_each: Callable[[Sequence[Part]], None] | None = None

    def __init__(
        self,
        study: str,
        config: StudyConfig,
        digests: Mapping[str, str],
        load: Callable[[], Inputs],
        root: Path,
        code: str,
    ) -> None:
        self.study, self.config, self.seed = study, config, config.seed
        self._digests, self._load = digests, load
        self.code = code
        self.origins = {"code": self.code, **digests}
        self.key = run_key(study, config, self.code, digests)
        self.directory = RunDirectory(root / study / self.key)
        self._progress = Progress(self._note)
        self._tables: dict[str, Table] = {}
        self._facts: dict[str, Any] = {}
        self._models: dict[str, str] = {}
        self._started = datetime.now(UTC)
        self._clock, self._cpu_clock = time.perf_counter(), time.process_time()

    @cached_property
    def _inputs(self) -> Inputs:
        """What the config refers to, loaded when it is first asked for: a run that is stored needs none of it."""
        inputs = self._load()
        if changed := [name for name, digest in inputs.digests.items() if digest != self._digests.get(name)]:
            raise SuiteError(f"{' and '.join(changed)} changed while this was begun", "run it again")
        return inputs

    @property
    def device(self) -> "torch.device":
        """Where the models are and the work happens."""
        return self._inputs.device

    def model(self, ref: str) -> "Classifier":
        """The model that a reference in the config stands for: for its data set, on the device, eval mode."""
        return self._inputs.models[ref]

    def architecture(self, ref: str) -> "Architecture":
        """The untrained architecture that a reference in the config stands for, built for its data set."""
        return self._inputs.architectures[ref]

    def dataset(self, ref: str) -> "Dataset":
        """The data set that a reference in the config stands for."""
        return self._inputs.datasets[ref]

    def gradient(self, ref: str) -> Callable[["nn.Module"], "nn.Module"]:
        """The gradient rule that a reference in the config stands for, its arguments bound."""
        return self._inputs.gradients[ref]

    def track(self, items: Iterable[T], description: str) -> Iterator[T]:
        """Yields the items and shows on stderr how many are done."""
        return self._progress.track(items, description)

    def once(self, name: str, compute: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        """Columns that are computed once and stored: the unit of resume.

        Args:
            name: identifies the part in the run; says everything that the part depends on beyond the config.
            compute: gives columns of equal length (lists or 1-d arrays). torch's global generator is seeded
                from (seed, name) for it, so that draws do not depend on which parts were computed before.

        Returns:
            The columns as the disk holds them, whether just computed or stored by an earlier process: numpy
            arrays, or lists where a column holds text or gaps.
        """
        import torch

        self._open()
        path = self._part(name)
        stored = read_columns(path)
        if stored is not None:
            return stored
        torch.manual_seed(int.from_bytes(hashlib.sha256(f"{self.seed} {name}".encode()).digest()[:7]))
        return write_columns(path, compute())

    def each(self, parts: Sequence[Part], description: str) -> Iterator[dict[str, Any]]:
        """The columns of (name, compute) parts, each as `once` gives them, in this order; progress is shown.

        They may be computed in any order, and in other processes that run the study as far as here: with `--jobs`,
        where the Study is `parallel`. What a part gives must not depend on other parts.
        """
        if self.before_each is not None:
            self._open()
            self.before_each(parts)
        for name, compute in self.track(parts, description):
            yield self.once(name, compute)

    def has(self, name: str) -> bool:
        """Whether the part of that name is stored."""
        return self._part(name).exists()

    def checkpoint(self, name: str) -> Path:
        """Where the part of that name keeps its state while it is computed (suite.training.fit)."""
        return self.directory.path / "checkpoints" / _file_name(name)

    @contextmanager
    def training(self, name: str, epochs: int) -> Iterator[dict[str, Any]]:
        """Within the block: what `suite.training.fit` needs to show progress and to keep its state in the run."""
        ticks = iter(self.track(range(epochs), name))
        next(ticks)
        yield {"on_epoch": lambda _: next(ticks, None), "checkpoint": self.checkpoint(name)}
        for _ in ticks:  # a training that ended early or was continued has fewer epochs to show
            pass

    def table(self, name: str) -> Table:
        """The table of that name; new and empty at its first mention."""
        return self._tables.setdefault(_checked(name), Table())

    def save_model(self, name: str, module: "nn.Module") -> Path:
        """Stores a module's parameters and buffers as `models/NAME.safetensors`; returns the path.

        A classifier of the zoo says of which architecture it is, so that `run:RUN/NAME` loads it.
        """
        from safetensors.torch import save

        from suite.models import Classifier

        self._open()
        file_name = f"models/{_checked(name)}.safetensors"
        tensors = {key: value.detach().cpu().contiguous().clone() for key, value in module.state_dict().items()}
        with atomic(self.directory.path / file_name) as file:
            file.write(save(tensors, {"model": module.info.name} if isinstance(module, Classifier) else {}))
        self._models[name] = file_name
        return self.directory.path / file_name

    def record(self, **facts: Any) -> None:
        """Notes facts about how the work was done, such as `engine="jacobian"`."""
        self._facts |= facts

    def execute(self, function: Callable[[Any, "Run"], None], *, fresh: bool = False) -> None:
        """Does the study's work and finishes the run.

        Args:
            function: the study.
            fresh: forget what an earlier process has stored, instead of continuing from it.

        Raises:
            SuiteError: the study refused its input before anything was stored; nothing is left on disk.
            WorkFailed: it failed later; the directory keeps what was done and the error.
        """
        _ = self._inputs  # before anything is forgotten: they may be gone
        try:
            if self.directory.path.exists():
                self._open(fresh=fresh)
            function(self.config, self)
            self._finish()
        except Exception as error:
            self._progress.stop()
            underway.forget(self.directory.path)
            self._fail(error)
        finally:
            self._progress.stop()
            underway.forget(self.directory.path)
            self.directory.close()

    def _part(self, name: str) -> Path:
        return self.directory.path / "parts" / f"{_file_name(name)}.parquet"

    def _open(self, *, fresh: bool = False) -> None:
        if not self.directory.is_open:
            self.directory.open()
            if fresh:
                self.directory.clear()
            self.directory.write(self._manifest("running"))

    def _note(self, loops: Sequence[underway.Loop]) -> None:
        """Tells those who look at the directory how far the work is; nothing before anything is stored."""
        if self.directory.is_open:
            underway.note(self.directory.path, loops)

    def _finish(self) -> None:
        self._open()
        for name, table in self._tables.items():
            write_columns(self.directory.path / _table_file(name), table.columns)
        self._progress.stop()
        underway.forget(self.directory.path)  # first: nobody opens a finished run only to remove it
        self.directory.write(self._manifest("finished"))

    def _fail(self, error: Exception) -> None:
        if isinstance(error, SuiteError):
            if not self.directory.is_open:
                raise error
            if self.directory.is_empty():
                self.directory.discard()
                raise error
        with suppress(SuiteError):  # a full disk is often the very reason
            self._open()
            self.directory.write({**self._manifest("failed"), "error": one_line(error)})
        what, remedy = (error.what, error.remedy) if isinstance(error, SuiteError) else (one_line(error), "")
        kept = f"kept in {self.directory.path}; the same command continues it"
        raise WorkFailed(what, f"{remedy}; {kept}" if remedy else kept) from error

    def _manifest(self, status: str) -> dict[str, Any]:
        tables = {name: {"file": _table_file(name), "rows": len(table)} for name, table in self._tables.items()}
        return {
            "format": FORMAT,
            "study": self.study,
            "key": self.key,
            "status": status,
            "config": self.config.model_dump(mode="json"),
            "seed": self.seed,
            "device": str(self.device),
            "inputs": dict(self._digests),
            "classes": {ref: list(dataset.classes) for ref, dataset in self._inputs.datasets.items()},
            "code": {"digest": self.code, "git": git_state()},
            "versions": versions(),
            "argv": sys.argv,
            "timings": {
                "started": self._started.isoformat(timespec="seconds"),
                "written": datetime.now(UTC).isoformat(timespec="seconds"),
                "seconds": round(time.perf_counter() - self._clock, 3),
                "cpu_seconds": round(time.process_time() - self._cpu_clock, 3),  # of all threads, whatever else runs
            },
            "peak_memory_bytes": peak_memory(),
            "facts": self._facts,
            "tables": tables,
            "models": self._models,
        }


def _table_file(name: str) -> str:
    return f"tables/{name}.parquet"


def _file_name(name: str) -> str:
    """A readable file name for any text; the hash tells texts apart that look alike."""
    slug = re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.")[:60]
    return f"{slug}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def _checked(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no file name: use letters, digits, '_', '-' and '.'")
    return name
