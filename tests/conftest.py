"""The command line on private roots, with one cache for the whole session."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from suite import data
from suite.host.cli import main
from suite.host.executors.point import registry
from suite.models.stored import EMBEDDED

LONG = (
    "contract/test_modules.py",
    "executors/test_ray.py",
    "scaffold/test_walkthrough.py",
    "executors/test_sharding.py",
    "linbp/attack/test_cli.py",
    "linbp/attack/test_faults.py",
    "faults/test_kills.py",
    "experiments/test_ready_experiments.py",
    "cli/test_cli_tracking.py",
    "host/test_front.py",
    "cli/test_cli_experiment.py",
    "test_docs.py",
    "linbp/test_gradient_zoo.py",
)
"""Files of half a minute and more, the longest first: begun last, one would keep one process while the other idles."""
REAL = Path(os.environ.get("SUITE_DATA") or Path(__file__).parents[2] / "shared" / "data").absolute()


@dataclass(frozen=True)
class Finished:
    """What `suite run STUDY --json` gave, with its tables and manifest read back."""

    shown: dict[str, Any]

    @property
    def path(self) -> Path:
        return Path(self.shown["run"])

    @property
    def manifest(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.path / "run.json").read_text())
        return content

    def rows(self, table: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = pq.read_table(self.shown["tables"][table]).to_pylist()
        return rows

    def table_bytes(self) -> dict[str, bytes]:
        return {name: Path(file).read_bytes() for name, file in self.shown["tables"].items()}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files come first, in their order; `--no-loadscope-reorder` keeps it so for several processes."""
    place = {Path(__file__).parent / name: number for number, name in enumerate(LONG)}
    items.sort(key=lambda item: place.get(item.path, len(LONG)))


@pytest.fixture(scope="session")
def warm_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that all processes share: the decoded digits, and what of the zoo a test has trained."""
    base = tmp_path_factory.getbasetemp()
    cache = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "warm-cache"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SUITE_CACHE", str(cache))
        data.load("digits")  # under a lock of its own
    return cache


@pytest.fixture(scope="session")
def digits_cnn() -> Path:
    """The file of digits-cnn's weights that comes with the package."""
    (path,) = EMBEDDED.glob("*/digits-cnn.safetensors")
    return path


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path, str], Path]:
    """A folder as pip would fill it: a package of the tests, with the given entry points."""

    def install(package: Path, entry_points: str) -> Path:
        site = tmp_path_factory.mktemp(f"{package.name}_site")
        shutil.copytree(package, site / package.name, ignore=shutil.ignore_patterns("__pycache__"))
        info = site / f"{package.name}_plugin-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package.name}-plugin\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[suite.modules]\n{entry_points}")
        return site

    return install


@pytest.fixture(autouse=True)
def fresh_registry() -> None:
    """Points read the plugins once a process; here each test may have others."""
    registry.cache_clear()


@pytest.fixture
def workplace(tmp_path: Path, warm_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working folder, roots of its own, and no setting from outside."""
    for name in [name for name in os.environ if name.startswith("SUITE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SUITE_CACHE", str(warm_cache))
    monkeypatch.setenv("SUITE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("SUITE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def undrawn(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are made and not drawn, which is half of a small run; all are where a test is marked `drawn`."""
    if not request.node.get_closest_marker("drawn"):
        monkeypatch.setattr("suite.figures.render", lambda *_: {"svg": b"", "png": b""})


@pytest.fixture
def study(workplace: Path) -> Callable[..., Result]:
    """`suite run STUDY ...` in this process; arguments as typed, separated by spaces."""
    return lambda name, *typed: CliRunner().invoke(main, ["run", name, *_words(typed)], prog_name="suite")


@pytest.fixture
def finished_study(study: Callable[..., Result]) -> Callable[..., Finished]:
    """The same with `--json`, which must succeed."""

    def run(name: str, *typed: str) -> Finished:
        result = study(name, *typed, "--json")
        assert result.exit_code == 0, result.stderr
        return Finished(json.loads(result.stdout))

    return run


@pytest.fixture
def refused(study: Callable[..., Result], workplace: Path) -> Callable[..., str]:
    """The line of a run that must be refused: exit 2, nothing else on stderr, nothing on disk."""

    def run(name: str, *typed: str) -> str:
        result = study(name, *typed)
        assert result.exit_code == 2, result.output
        (line,) = result.stderr.splitlines()
        assert line.startswith("error: ") and not (workplace / "runs").exists()
        return str(line)

    return run


@pytest.fixture
def real(workplace: Path) -> Callable[[str], Path]:
    """A path in the folder that holds real data and weights; skips the test where it is absent."""

    def find(name: str) -> Path:
        path = REAL.parent / name
        if not path.exists():
            pytest.skip(f"no {path}: set SUITE_DATA to shared/data, or put the folder shared beside the checkout")
        return path

    return find


def _words(typed: tuple[str, ...]) -> list[str]:
    return [word for text in typed for word in text.split()]
