"""Run directories to report on: one of a real attack, and as many made by hand as a test asks for; and a browser."""

import contextlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner, Result

from suite.figures import panels
from suite.host.cli import main
from suite.host.manifest import FORMAT
from suite.host.plain import plain
from suite.host.store import RunDirectory
from suite.tables import write_columns

MakeRun = Callable[..., RunDirectory]


@pytest.fixture(
    params=["<script>window.hacked = 1</script>", "\"><img src=x onerror='window.hacked=2'>", "'</script>&lt;<!--"]
)
def hostile(request: pytest.FixtureRequest) -> str:
    """A text that acts where it is not escaped."""
    return str(request.param)


@pytest.fixture(scope="session")
def attack_run(warm_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a real, small `linbp.attack` run, with pixels of attacked samples; not to be changed."""
    place = tmp_path_factory.mktemp("attack")
    with pytest.MonkeyPatch.context() as patch, contextlib.chdir(place):
        patch.setenv("SUITE_CACHE", str(warm_cache))
        patch.setenv("SUITE_RUNS", str(place / "runs"))
        typed = [
            "--model",
            "digits-cnn",
            "--gradients",
            "bp,linbp",
            "--limit",
            "60",
            "--eps",
            "0.1,0.3",
            "--examples",
            "3",
            "--json",
        ]
        result = CliRunner().invoke(main, ["run", "linbp.attack", *typed], prog_name="suite")
    assert result.exit_code == 0, result.stderr
    return place / Path(json.loads(result.stdout)["run"])


@pytest.fixture
def roots(workplace: Path, attack_run: Path) -> Path:
    """A folder of runs with the real attack in it."""
    shutil.copytree(attack_run.parents[1], workplace / "runs")
    return workplace / "runs"


@pytest.fixture
def report(workplace: Path) -> Callable[..., Result]:
    """`suite report ...` in this process."""
    return lambda *typed: CliRunner().invoke(main, ["report", *map(str, typed)], prog_name="suite")


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A figure of a line as SVG and PNG; the path is without its ending."""
    path = tmp_path_factory.mktemp("figures") / "lines"
    figure, (axes,) = panels()
    axes.plot([0, 1, 2], [1, 10, 100], label="<bp> & co")
    axes.set(xlabel="step", ylabel="loss", yscale="log", title="a title")
    axes.legend()
    figure.savefig(path.with_suffix(".svg"))
    figure.savefig(path.with_suffix(".png"), dpi=40)
    return path


@pytest.fixture
def make_run(tmp_path: Path, drawn: Path) -> MakeRun:
    """Writes a run directory as `suite run` does: tables (name -> columns), figures (name -> caption), `run.json`."""

    def make(
        study: str = "linbp.attack", key: str = "0123456789abcdef", *, root: Path = tmp_path / "runs",
        tables: dict[str, dict[str, list[Any]]] | None = None, figures: dict[str, str] | None = None, **said: Any,
    ) -> RunDirectory:  # fmt: skip
        run = RunDirectory(root / study / key)
        for name, columns in (tables or {}).items():
            write_columns(run.path / "tables" / f"{name}.parquet", columns)
        results = run.path / "results"
        for name in figures or {}:
            (results / "figures").mkdir(parents=True, exist_ok=True)
            for kind in ("svg", "png"):
                shutil.copy(drawn.with_suffix(f".{kind}"), results / "figures" / f"{name}.{kind}")
        files = {name: {"file": f"tables/{name}.parquet", "rows": 1} for name in tables or {}}
        shown = {
            name: {"svg": f"figures/{name}.svg", "png": f"figures/{name}.png", "caption": caption}
            for name, caption in (figures or {}).items()
        }
        results.mkdir(parents=True, exist_ok=True)
        made = {"headline": {}, "shown": [], "figures": shown, "tables": {}, "notes": [], "code": "86" * 32}
        made |= {name: said.pop(name) for name in ("headline", "shown") if name in said}
        (results / "results.json").write_text(json.dumps(plain(made)))
        run.write({**_MANIFEST, "study": study, "key": key, "tables": files, **said})
        return run

    return make


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One headless Chromium for all tests, on a profile of its own, its console and network recorded."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="no Selenium: pip install 'suite-robustness[dev]'")
    from selenium.webdriver.chrome.service import Service

    found = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    if None in found.values():
        pytest.skip("no Chromium: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = found["chromium"]
    profile = f"--user-data-dir={tmp_path_factory.mktemp('profile')}"
    for flag in (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
        "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage", profile,
    ):  # fmt: skip
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, Service(found["chromedriver"]))
    yield driver
    driver.quit()


class Page:
    """What Chromium has open: `page("document.title")` is the value of a JavaScript expression."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(self, file: Path) -> "Page":
        for log in ("browser", "performance"):
            self.driver.get_log(log)
        self.driver.get(file.absolute().as_uri())
        return self

    def __call__(self, script: str) -> Any:
        """The value of a JavaScript expression; `$` and `$$` find one element or all."""
        helpers = "const $ = s => document.querySelector(s), $$ = s => [...document.querySelectorAll(s)];"
        return self.driver.execute_script(f"{helpers} return {script}")

    def column(self, number: int, table: str = "table.data") -> list[str]:
        """The cells of a column that are in sight."""
        rows = f"$$('{table} tbody tr').filter(row => !row.hidden)"
        found: list[str] = self(f"{rows}.map(row => row.cells[{number}].textContent)")
        return found

    def complaints(self) -> list[str]:
        """What the console has against the page."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]

    def events(self, method: str) -> list[dict[str, Any]]:
        """What Chromium's own log of its network has of one kind since the page was opened."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [event["params"] for event in events if event["method"] == method]

    def requests(self) -> set[str]:
        """By which schemes the page asked for anything."""
        return {urlsplit(event["request"]["url"]).scheme for event in self.events("Network.requestWillBeSent")}

    def of_width(self, width: int, height: int = 800) -> "Page":
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        return self


@pytest.fixture
def page(chromium: Any) -> Iterator[Page]:
    yield Page(chromium).of_width(1200)
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


_MANIFEST: dict[str, Any] = {
    "format": FORMAT,
    "status": "finished",
    "config": {"seed": 0},
    "seed": 0,
    "device": "cpu",
    "inputs": {"dataset digits": "0a" * 32},
    "code": {"digest": "86" * 32, "git": {"revision": "9c" * 20, "dirty": True}},
    "versions": {"python": "3.11.7", "suite": "0.1.0"},
    "argv": ["suite", "run", "linbp.attack"],
    "timings": {"started": "2026-05-01T10:00:00+00:00", "written": "2026-05-01T11:30:00+00:00", "seconds": 5400.0},
    "peak_memory_bytes": 2**30,
    "facts": {"engines": {"bp": {"engine": "autograd"}}},
    "models": {},
}
