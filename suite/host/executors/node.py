"""What a worker process of a Ray node does with a point: the part of the Ray executor that runs elsewhere.

A node that sees the driver's folder of runs works there, as a local process would. One that does not works in a folder
of its own: what the run needs of other runs, and what there is of itself, is asked of the driver's node; what it made
is sent back. Weights of the zoo that a node lacks are asked for in either case. Data sets are not sent.
"""

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from suite.errors import SuiteError, one_line
from suite.host.allocator import keep_freed_memory
from suite.host.executors.point import Outcome, Point, execute, registry
from suite.host.executors.transfer import Files, listing, pack, sees, unpack
from suite.host.inputs import references
from suite.paths import cache_root
from suite.plugin import StudyConfig


@dataclass(frozen=True)
class RemotePoint:
    """A point for another machine.

    Args:
        mark: what stands in the driver's folder of runs.
        home: id of the driver's node.
        folder: working folder of the driver, which a node that has it works in, too.
        roots: the driver's folders by environment variable; those hold on a node that has them, else its own.
        argv: the driver's command line, for the run's record.
    """

    point: Point
    mark: str
    home: str
    folder: Path
    roots: Mapping[str, Path]
    argv: Sequence[str]


@dataclass(frozen=True)
class Reply:
    """How it went.

    Args:
        stored: the files of the run that stand in the driver's folder of runs, by a node that sees it.
        files: new or changed files of the run, from a node that does not see that folder.
    """

    outcome: Outcome
    stored: Sequence[str] = ()
    files: Files = field(default_factory=dict)


def work(remote: RemotePoint) -> Reply:
    """Runs a point on this node. A failure is an outcome, as it is of local processes."""
    try:
        keep_freed_memory()
        _settle(remote)
        _fetch_weights(remote)
        if sees(remote.point.root, remote.mark):
            outcome = execute(remote.point)
            return Reply(outcome, listing(remote.point.root, [_own(remote.point)]))
        with tempfile.TemporaryDirectory(prefix="suite-") as folder:
            return _work_apart(remote, Path(folder))
    except SuiteError as error:
        return Reply(Outcome("failed", None, 0.0, str(error)))
    except Exception as error:
        return Reply(Outcome("failed", None, 0.0, one_line(error)))


def _settle(remote: RemotePoint) -> None:
    sys.argv = [*remote.argv]
    with suppress(OSError):
        os.chdir(remote.folder)
    for variable, folder in remote.roots.items():
        if folder.is_dir():
            os.environ[variable] = str(folder)


def _work_apart(remote: RemotePoint, folder: Path) -> Reply:
    """Works in a folder that nobody else sees."""
    point = remote.point
    own = _own(point)
    needed = [f"{run}/models/{name}.safetensors" for run, name in _models_of_runs(_config(point))]
    sent = _fetch(remote, point.root, [own, *needed])
    unpack(sent, folder)
    outcome = execute(replace(point, root=folder))
    made = {name: content for name, content in pack(folder, [own]).items() if sent.get(name) != content}
    if point.parts is not None:
        made = {name: content for name, content in made.items() if name.startswith(f"{own}/parts/")}
    run = None if outcome.run is None else point.root / own
    error = outcome.error.replace(str(folder), str(point.root))
    return Reply(replace(outcome, run=run, error=error), files=made)


def _fetch_weights(remote: RemotePoint) -> None:
    """Trained weights that this node lacks, from the driver's cache; a data set that is another one asks for none."""
    from suite import data
    from suite.models.stored import weights_path
    from suite.models.zoo import find

    config = _config(remote.point)
    zoo = [ref for ref in references(config, "model") if ":" not in ref and "@" not in ref]
    if not zoo:
        return
    dataset = data.load(config.model_dump()["dataset"])
    paths = [weights_path(find(ref)[1], dataset) for ref in zoo]
    missing = [path.relative_to(cache_root()).as_posix() for path in paths if not path.exists()]
    if missing:
        unpack(_fetch(remote, remote.roots["SUITE_CACHE"], missing), cache_root())


def _fetch(remote: RemotePoint, folder: Path, names: Sequence[str]) -> Files:
    """Files from the driver's node."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    there = NodeAffinitySchedulingStrategy(remote.home, soft=False)
    task = ray.remote(pack).options(num_cpus=0, scheduling_strategy=there)
    files: dict[str, bytes] = ray.get(task.remote(folder, names))
    return files


def _own(point: Point) -> str:
    """Where the point's run is, below a folder of runs."""
    return f"{point.study}/{point.key}"


def _models_of_runs(config: StudyConfig) -> list[tuple[str, str]]:
    """(run, name) of every model that an earlier run made."""
    made = [ref.removeprefix("run:") for ref in references(config, "model") if ref.startswith("run:")]
    return [(run, name) for run, _, name in (ref.rpartition("/") for ref in made)]


def _config(point: Point) -> StudyConfig:
    return registry().config(point.study).model_validate(dict(point.values))
