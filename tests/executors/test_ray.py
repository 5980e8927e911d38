"""Points on Ray: a real cluster of two nodes on 127.0.0.1, nodes that are killed, a node that shares no folder."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from suite.host.executors import ray as on_ray

from ..faults.processes import descendants, is_alive, kill, left_after

pytest.importorskip("ray", reason="pip install 'suite-robustness[ray]'")

Suite = Callable[[str], Result]
Tables = Callable[[Path], dict[str, bytes]]
Start = Callable[[str], "subprocess.Popen[str]"]

SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "token",  # `ray start` listens for everybody: whoever does not know the token is sent away
    "RAY_AUTH_TOKEN": secrets.token_hex(16),
    "RAY_health_check_initial_delay_ms": "0",  # a dead node is missed after one second, not fifteen
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_failure_threshold": "2",
}
TWO_STAGES = """
[stages.nets]
study = "gated.nets"
grid = { seed = [0, 1] }

[stages.logits]
study = "gated.logits"
set = { models = ["{nets.models.net}", "digits-cnn"] }
grid = { seed = [0, 1] }
"""


class Node:
    """A Ray node of one CPU as `ray start` makes it, in the foreground."""

    def __init__(self, *arguments: str, hidden: Path | None = None, **variables: str) -> None:
        command = [str(Path(sys.executable).parent / "ray"), "start", "--block", "--num-cpus=1", *arguments]
        if hidden is not None:  # it sees an empty folder there
            command = ["unshare", "-m", "sh", "-c", f"mount -t tmpfs none '{hidden}' && exec \"$@\"", "sh", *command]
        self.process = subprocess.Popen(
            [*command, "--node-ip-address=127.0.0.1", "--object-store-memory=80000000"],
            env={**os.environ, **SETTINGS, **variables}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        told = []
        for line in self.process.stdout:
            told.append(line)
            if "Ray runtime started" in line:
                return
        self.process.communicate()
        raise AssertionError("".join(told))

    def kill(self) -> None:
        """`kill -9` for everything that belongs to it, the node's own processes first."""
        processes = [self.process.pid, *descendants(self.process.pid)]
        for process in processes:
            kill(process)
        self.process.communicate()


def listening(processes: list[int]) -> list[str]:
    """Addresses, as `/proc/net/tcp` has them in hexadecimal, on which any of these processes listens."""
    sockets = set()
    for process in processes:
        for link in Path(f"/proc/{process}/fd").glob("*"):
            try:
                sockets.add(str(link.readlink()))
            except OSError:
                continue
    lines = [line.split() for name in ("tcp", "tcp6") for line in Path("/proc/net", name).read_text().splitlines()[1:]]
    return [fields[1].partition(":")[0] for fields in lines if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets]


@pytest.fixture(scope="module")
def environment(gated_site: Path, gate_folder: Path) -> Iterator[None]:
    """What nodes are started with: the plugin, and nothing of this project's settings."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("SUITE_")]:
            patch.delenv(name)
        patch.setenv("PYTHONPATH", str(gated_site))
        patch.setenv("GATED_FOLDER", str(gate_folder))
        patch.setenv("OMP_NUM_THREADS", "1")
        yield


@pytest.fixture(scope="module")
def address(environment: None) -> Iterator[str]:
    """A cluster of one node, which the drivers share."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    head = Node("--head", f"--port={port}", "--include-dashboard=false", GATED_NODE="head")
    yield f"127.0.0.1:{port}"
    head.kill()


@pytest.fixture
def add_node(address: str) -> Iterator[Callable[..., Node]]:
    """Adds nodes to the cluster, until the end of the test."""
    nodes: list[Node] = []

    def add(**settings: Any) -> Node:
        nodes.append(Node(f"--address={address}", **settings))
        return nodes[-1]

    yield add
    for node in nodes:
        if is_alive(node.process.pid):
            node.kill()


@pytest.fixture
def member(address: str, gated: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Options that join the cluster."""
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
        monkeypatch.setenv(name, SETTINGS[name])
    return f"--executor ray --ray-address {address}"


@pytest.mark.nightly
def test_a_node_that_dies_costs_nothing_but_time(
    suite: Suite, start: Start, tables: Tables, gate: Any, gated: Path, member: str, add_node: Callable[..., Node]
) -> None:
    sweep = "sweep gated.draws --grid numbers=1,2,3,13,4"
    alone = suite(f"{sweep} --runs {gated}/alone")
    gate.reset()
    gate.hold()
    second = add_node(GATED_NODE="second")
    running = start(f"{sweep} {member}")
    gate.wait_for(workers=2)
    assert {node for _, _, node in gate.passed()} == {"head", "second"}
    second.kill()
    gate.open()
    shown, told = running.communicate(timeout=120)
    # 13 fails on every executor, in the same words; what the dead node had begun is made by the other one.
    assert (running.returncode, alone.exit_code) == (1, 1), told
    assert tables(Path("runs")) == tables(Path("alone")) and len(tables(Path("runs"))) == 4
    begun = [name for name, _, node in gate.passed()]
    assert sorted(begun) == sorted(["1", "2", "3", "4", "13", *[n for n, _, node in gate.passed() if node == "second"]])
    assert without_times(told) == without_times(alone.stderr.replace("/alone/", "/runs/"))
    assert shown.splitlines()[:3] == alone.stdout.splitlines()[:3]
    here, there = ([*json.loads(p.read_text())["failures"]] for p in Path().glob("*/experiments/*.json"))
    assert here == there and len(here) == 1


def without_times(told: str) -> list[str]:
    """The lines in any order, without how long it took."""
    return sorted(" ".join(word for word in line.split() if not word[0].isdigit()) for line in told.splitlines())


@pytest.mark.nightly
def test_a_driver_that_dies_is_continued_by_the_same_command_and_a_worker_that_dies_is_replaced(
    suite: Suite, start: Start, tables: Tables, gate: Any, member: str
) -> None:
    assert suite("sweep gated.draws --grid numbers=1,2 --runs alone").exit_code == 0
    gate.reset()
    gate.hold()
    gate.kill_elsewhere("7")
    typed = f"sweep gated.draws --grid numbers=1,7,2 {member}"
    first = start(typed)
    gate.wait_for(workers=1)
    kill(first.pid)
    gate.open()
    again = start(typed)
    _, told = again.communicate(timeout=120)
    assert again.returncode == 1 and "1 point failed" in told
    assert "draws (numbers=7): failed, 0.0 s, its worker died 3 times" in told
    assert [name for name, _, _ in gate.passed()].count("7") == 3
    assert tables(Path("runs")) == tables(Path("alone"))


@pytest.mark.nightly
def test_a_node_without_the_folder_is_sent_what_it_needs_and_sends_back_what_it_made(
    suite: Suite, start: Start, tables: Tables, gate: Any, gated: Path, member: str, add_node: Callable[..., Node],
    warm_cache: Path, digits_cnn: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    if subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
        pytest.skip("no mount namespaces here: they need root")
    Path("two.toml").write_text(TWO_STAGES)
    assert suite("experiment two.toml --runs alone").exit_code == 0
    assert suite("run gated.draws --runs alone").exit_code == 0
    gate.reset()
    # The driver's runs and its cache, with weights of its own, are where the second node sees an empty folder.
    private = gated / "private"
    trained = private / "cache/models" / digits_cnn.parent.name
    trained.mkdir(parents=True)
    shutil.copy(digits_cnn, trained)
    (private / "cache/data").symlink_to(warm_cache / "data")
    monkeypatch.setenv("SUITE_CACHE", str(private / "cache"))
    cache = gated / "cache_of_the_node"
    add_node(hidden=private, GATED_NODE="hidden", SUITE_CACHE=str(cache))
    ray = f"--runs {private}/runs {member}"
    gate.hold()
    running = start(f"experiment two.toml {ray}")
    gate.wait_for(workers=2)
    gate.open()
    _, told = running.communicate(timeout=120)
    assert running.returncode == 0, told
    shared = start(f"run gated.draws {ray} --jobs 2")
    _, told = shared.communicate(timeout=120)
    assert shared.returncode == 0, told
    assert tables(private / "runs") == tables(Path("alone")) and len(tables(Path("alone"))) == 3
    made = {name.partition("-")[0] for name, _, node in gate.passed() if node == "hidden"}
    assert {"net", "logits"} <= made and made & {"1", "2", "3", "4"}
    assert [path.name for path in cache.glob("models/*/*")] == ["digits-cnn.safetensors"]
    models = sorted(path.read_bytes() for path in Path("alone").glob("*/*/models/*"))
    assert sorted(path.read_bytes() for path in private.glob("runs/*/*/models/*")) == models


def test_a_cluster_of_our_own_is_ours_alone_and_ends_with_us(start: Start, gate: Any, gated: Path) -> None:
    typed = "sweep gated.draws --grid numbers=1,2"
    gate.hold()
    driver = start(f"{typed} --executor ray --jobs 1")
    gate.wait_for(workers=1)
    processes = descendants(driver.pid)
    loopback = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}
    addresses = listening(processes)
    assert len(addresses) > 3 and set(addresses) <= loopback
    kill(driver.pid)
    assert not left_after(2.0, processes)
    gate.open()
    done = start(f"{typed} --executor ray --jobs 1")
    shown, told = done.communicate(timeout=120)
    assert done.returncode == 0, told
    assert shown.splitlines()[2].split() == ["draws", "2", "0", "0"] and "ray" not in shown.lower()
    assert [line.split()[-3] for line in told.splitlines()] == ["finished,"] * 2
    facts = [json.loads(path.read_text())["facts"] for path in Path("runs").glob("gated.draws/*/run.json")]
    assert facts == [{"threads": os.cpu_count()}] * 2  # one at a time has all cores, whatever our own setting is


def test_addresses_that_do_not_answer(suite: Suite, gated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_ray, "_PATIENCE_WITH_PYTHON", 3)
    with socket.socket() as silent, socket.socket() as closed:
        for one in (silent, closed):
            one.bind(("127.0.0.1", 0))
        silent.listen()
        refused = {
            f"127.0.0.1:{closed.getsockname()[1]}": "nothing answers (Connection refused) (start it with ray start",
            f"127.0.0.1:{silent.getsockname()[1]}": "no Ray cluster answers in 3 s",
            "here": "'here' is no address (write auto or HOST:PORT)",
            "127.0.0.1:99999": "is no address",
        }
        for address, line in refused.items():
            result = suite(f"sweep gated.draws --grid numbers=1,2 --executor ray --ray-address {address}")
            assert result.exit_code == 2 and result.stderr.count("\n") == 1
            assert line in result.stderr and address in result.stderr
    assert not Path("runs").exists()


def test_an_address_is_for_ray(suite: Suite) -> None:
    refused = suite("sweep gated.draws --grid numbers=1,2 --ray-address auto")
    assert refused.exit_code == 2 and "--ray-address auto is for --executor ray" in refused.stderr


def test_without_ray(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    for command in ("sweep gated.draws --grid numbers=1,2", "run gated.draws"):
        refused = suite(f"{command} --executor ray")
        assert refused.exit_code == 2
        assert refused.stderr == "error: --executor ray: Ray is not installed (pip install 'suite-robustness[ray]')\n"
    assert not Path("runs").exists()


CPU, GPU = {"CPU": 4.0}, {"CPU": 8.0, "GPU": 2.0}


@pytest.mark.parametrize(
    ("nodes", "jobs", "device", "expected"),
    [
        ([CPU], None, "auto", (1, 0, 4)),
        ([CPU], 2, "auto", (2, 0, 2)),
        ([CPU, CPU], 1, "cpu", (4, 0, 1)),  # no node has eight
        ([CPU], 8, "auto", (1, 0, 8)),
        ([CPU, GPU], None, "auto", (4, 1, 2)),  # two points, each with a GPU and half the CPUs beside them
        ([CPU, GPU], None, "cpu", (1, 0, 12)),
        ([GPU, GPU], 2, "cuda", (8, 1, 2)),
        ([CPU], None, "cuda", (1, 0, 4)),  # refused before any point runs
        ([{}], None, "auto", (1, 0, 0)),
    ],
)
def test_what_a_point_takes_of_a_cluster(
    nodes: list[dict[str, float]], jobs: int | None, device: str, expected: tuple[int, int, int]
) -> None:
    assert on_ray.demand(nodes, jobs, device) == on_ray.Demand(*expected)
