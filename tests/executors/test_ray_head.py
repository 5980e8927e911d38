"""The head node of a cluster dies: nightly, since it needs a cluster of its own, unlike the other tests."""

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from .test_ray import SETTINGS, Node, environment

__all__ = ["environment"]

Suite = Callable[[str], Result]
SWEEP = "sweep gated.draws --grid numbers=1,2"


@pytest.mark.nightly
def test_a_head_node_that_dies_ends_the_run_in_one_line_and_the_same_command_continues_it_anywhere(
    suite: Suite, start: Callable[[str], Any], tables: Callable[[Path], dict[str, bytes]], gate: Any, gated: Path,
    environment: None, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
        monkeypatch.setenv(name, SETTINGS[name])
    assert suite(f"{SWEEP} --runs alone").exit_code == 0
    gate.reset()
    gate.hold()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    head = Node("--head", f"--port={port}", "--include-dashboard=false", GATED_NODE="head")
    try:
        running = start(f"{SWEEP} --executor ray --ray-address 127.0.0.1:{port}")
        gate.wait_for(workers=1)
    finally:
        head.kill()
    died = time.monotonic()
    _, told = running.communicate(timeout=120)
    last = told.splitlines()[-1]
    assert (running.returncode, last.partition(", 1")[0]) == (1, "error: the head node of the Ray cluster"), told
    assert last.endswith("(start it again: what is finished is kept, and the same command continues)")
    assert time.monotonic() - died < 60
    gate.open()
    assert suite(SWEEP).exit_code == 0
    assert tables(Path("runs")) == tables(Path("alone"))
