"""`--track mlflow` into real stores: a data base file, and a server that is killed at the end."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from mlflow import MlflowClient

from suite.host.tracking import background
from suite.host.tracking.background import Tracker

Suite = Callable[..., Result]
TRACK = ("--track", "mlflow")

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")  # in MLflow's own queries


class Server:
    """`mlflow server` on 127.0.0.1, with its own data base and artifacts."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.uri = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [
            sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port), "--workers", "1",
            "--backend-store-uri", f"sqlite:///{self.folder}/mlflow.db", "--artifacts-destination", str(self.folder),
        ]  # fmt: skip
        quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | quiet,
            start_new_session=True,
        )
        until(self.answers)

    def answers(self) -> bool:
        with suppress(OSError):
            return bool(urllib.request.urlopen(f"{self.uri}/health", timeout=5).status == 200)
        return False

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def until(holds: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data base without runs: making one takes seconds."""
    file = tmp_path_factory.mktemp("store") / "mlflow.db"
    MlflowClient(f"sqlite:///{file}").search_experiments()
    return file


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    shutil.copy(empty_store, folder)
    server = Server(folder)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def store(workplace: Path, empty_store: Path) -> MlflowClient:
    """What `--track mlflow` takes by default, in the working folder."""
    shutil.copy(empty_store, workplace / "mlflow.db")
    return MlflowClient(f"sqlite:///{workplace}/mlflow.db")


def tracked(client: MlflowClient, experiment: str) -> list[Any]:
    found = client.get_experiment_by_name(experiment)
    return [] if found is None else list(client.search_runs([found.experiment_id]))


def history(client: MlflowClient, run: Any, name: str) -> list[tuple[int, float]]:
    return [(metric.step, metric.value) for metric in client.get_metric_history(run.info.run_id, name)]


def test_a_run_is_read_back_from_the_data_base_and_is_there_once(
    suite: Suite, workplace: Path, store: MlflowClient
) -> None:
    result = suite("run", "toy.opinion", "--numbers", "1,2,5", *TRACK)
    assert result.exit_code == 0 and result.stderr.endswith("tracked: 1 run in sqlite:///mlflow.db\n")
    again = suite("run", "toy.opinion", "--numbers", "1,2,5", *TRACK)
    assert again.exit_code == 0 and again.stderr.endswith("tracked: 1 run in sqlite:///mlflow.db\n")
    assert again.stdout == result.stdout, "the tracker does not talk"
    (run,) = tracked(store, "toy.opinion")
    directory = next((workplace / "runs" / "toy.opinion").iterdir())
    assert run.info.status == "FINISHED" and run.data.tags["suite.run"] == f"toy.opinion/{directory.name}"
    assert run.data.params["numbers"] == "1,2,5" and run.data.params["study"] == "toy.opinion"
    assert run.data.params["seed"] == "0" and len(run.data.params["code"]) == 16
    assert history(store, run, "curve/square") == [(0, 1.0), (1, 4.0), (2, 25.0)]
    assert run.data.tags["suite.status"] == "finished"
    folder = store.download_artifacts(run.info.run_id, "tables")
    assert (Path(folder) / "curve.parquet").read_bytes() == (directory / "tables/curve.parquet").read_bytes()


def test_a_run_that_failed_is_shown_as_such_until_it_is_made_whole(
    suite: Suite, store: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOY_FATE", "crash@2")
    result = suite("run", "toy.squares", *TRACK)
    assert result.exit_code == 1 and result.stderr.splitlines()[-1].startswith("error: ZeroDivisionError")
    (run,) = tracked(store, "toy.squares")
    assert (run.info.status, run.data.tags["suite.status"]) == ("FAILED", "failed")
    monkeypatch.delenv("TOY_FATE")
    assert suite("run", "toy.squares", *TRACK).exit_code == 0
    (run,) = tracked(store, "toy.squares")
    assert run.info.status == "FINISHED" and history(store, run, "largest") == [(0, 9.0)]
    assert "nothing" not in run.data.metrics, "not a number"


@pytest.mark.nightly
def test_a_sweep_and_an_experiment_on_a_server(suite: Suite, workplace: Path, server: Server) -> None:
    uri = ("--tracking-uri", server.uri)
    result = suite("sweep", "toy.squares", "--grid", "seed=0,1", *TRACK, *uri)
    assert result.exit_code == 0 and result.stderr.endswith(f"tracked: 2 runs in {server.uri}\n"), result.stderr
    client = MlflowClient(server.uri)
    runs = tracked(client, "toy.squares")
    assert {run.data.params["seed"] for run in runs} == {"0", "1"}
    assert all(history(client, run, "largest") == [(0, 9.0)] for run in runs)
    Path("both.toml").write_text("[stages.one]\nstudy = 'toy.squares'\ngrid = { seed = [0, 1, 2] }\n")
    result = suite("experiment", "both.toml", *TRACK, *uri)
    assert result.exit_code == 0 and result.stderr.endswith(f"tracked: 3 runs in {server.uri}\n"), result.stderr
    assert len(tracked(client, "both")) == 3 and len(tracked(client, "toy.squares")) == 2
    names = {artifact.path for artifact in client.list_artifacts(runs[0].info.run_id)}
    assert names == {"run.json", "tables"}
    folder = Path(client.download_artifacts(runs[0].info.run_id, "tables"))
    own = workplace / "runs" / runs[0].data.tags["suite.run"] / "tables/squares.parquet"
    assert (folder / "squares.parquet").read_bytes() == own.read_bytes()


@pytest.mark.parametrize("listening", [False, True])
def test_a_server_that_is_not_there_or_never_answers_costs_a_warning(
    suite: Suite, workplace: Path, monkeypatch: pytest.MonkeyPatch, listening: bool
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1] if listening else free_port()
        result = suite("run", "toy.squares", *TRACK, "--tracking-uri", f"http://127.0.0.1:{port}")
    assert result.exit_code == 0 and "headline" in result.stdout
    line = result.stderr.splitlines()[-1]
    assert line.startswith(f"warning: not tracked in http://127.0.0.1:{port}: 1 of 1 run: MlflowException")
    assert result.stderr.count("warning: not tracked") == 1
    (directory,) = (workplace / "runs" / "toy.squares").iterdir()
    assert '"status": "finished"' in (directory / "run.json").read_text()


def test_a_tracker_that_hangs_is_given_up(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "PATIENCE", 0.5)
    tracker = Tracker("sqlite:///mlflow.db")
    assert tracker._process.pid is not None
    os.kill(tracker._process.pid, signal.SIGSTOP)
    tracker.add("toy", workplace)
    begin = time.monotonic()
    assert tracker.close().endswith("1 of 1 run: no answer for 0.5 s")
    assert time.monotonic() - begin < 5 and not tracker._process.is_alive()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--track", "wandb"), "error: invalid value for '--track'"),
        ((*TRACK, "--tracking-uri", "ftp://host"), "error: --tracking-uri: 'ftp://host' is no store (write sqlite:///"),
    ],
)
def test_bad_input_ends_before_work(suite: Suite, workplace: Path, arguments: tuple[str, ...], told: str) -> None:
    result = suite("run", "toy.squares", *arguments)
    assert result.exit_code == 2 and result.stderr.splitlines()[-1].startswith(told)
    assert not (workplace / "computed").exists()


def test_without_mlflow_the_command_that_installs_it_is_told(
    process: Callable[..., "subprocess.CompletedProcess[str]"], workplace: Path
) -> None:
    result = process("run", "toy.squares", *TRACK, first="import sys; sys.modules['mlflow'] = None")
    assert result.returncode == 2 and not (workplace / "computed").exists()
    assert result.stderr.splitlines()[-1] == (
        "error: --track mlflow: MLflow is not installed (pip install 'suite-robustness[mlflow]')"
    )


@pytest.mark.nightly
def test_a_server_killed_in_the_middle_costs_a_warning_and_the_same_command_tracks_the_rest(
    suite: Suite, workplace: Path, server: Server
) -> None:
    """The last test of the server."""
    for seed in "12":
        assert suite("run", "toy.opinion", "--seed", seed).exit_code == 0
    first, second = sorted((workplace / "runs" / "toy.opinion").iterdir())
    tracker, client = Tracker(server.uri), MlflowClient(server.uri)
    tracker.add("toy.opinion", first)
    until(lambda: any("suite.version" in run.data.tags for run in tracked(client, "toy.opinion")))
    server.kill()
    tracker.add("toy.opinion", second)
    assert f"not tracked in {server.uri}: 1 of 2 runs: " in tracker.close()
    server.start()
    grid = ("--grid", "seed=1,2")
    assert suite("sweep", "toy.opinion", *grid, *TRACK, "--tracking-uri", server.uri).exit_code == 0
    assert sorted(run.data.params["seed"] for run in tracked(client, "toy.opinion")) == ["1", "2"]
