"""`suite run linbp.attack` as typed, in this process and in one of its own; trainings that are killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import Result

SMALL = "--model digits-cnn --gradients bp,linbp --eps 0.05,0.1"
"""A small net under two rules, where a test does not say otherwise: what is typed last counts."""
STEPS = "--steps 5,10 --step-size 0.01"
"""Few of them, for attacks that take these options."""


def small(*typed: str) -> tuple[str, ...]:
    """What is typed behind `SMALL`; alone where a preset or a file says what to run, since options win over these."""
    if any(name in " ".join(typed) for name in ("--preset", "--config")):
        return typed
    return (SMALL, *(() if "autoattack" in " ".join(typed) else (STEPS,)), *typed)


@pytest.fixture
def attack(study: Callable[..., Result]) -> Callable[..., Result]:
    """`suite run linbp.attack ...` in this process; arguments as typed, separated by spaces."""
    return lambda *typed: study("linbp.attack", *small(*typed))


@pytest.fixture
def finished(finished_study: Callable[..., Any]) -> Callable[..., Any]:
    """The same with `--json`, which must succeed."""
    return lambda *typed: finished_study("linbp.attack", *small(*typed))


@pytest.fixture
def command(workplace: Path) -> Callable[..., list[str]]:
    """The command line of a process of its own."""
    program = [sys.executable, "-c", "from suite.host.cli import main; main()", "run", "linbp.attack"]
    return lambda *typed: [*program, *" ".join(small(*typed)).split()]


@pytest.fixture
def process(command: Callable[..., list[str]]) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """`suite run linbp.attack ...` in a process of its own, after `first` ran in it."""

    def run(*typed: str, first: Callable[[], None] | None = None) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(command(*typed), capture_output=True, text=True, timeout=120, preexec_fn=first)

    return run


@pytest.fixture
def killed_and_continued(finished_study: Callable[..., Any], workplace: Path) -> Callable[..., tuple[Any, Any]]:
    """A study of trainings killed within one and continued after `tamper`, and the same run undisturbed."""

    def run(study: str, typed: str, tamper: Callable[[Path], None]) -> tuple[Any, Any]:
        checkpoint = killed_within_a_training(study, typed, workplace / "runs" / study)
        tamper(checkpoint.with_suffix(""))
        continued = finished_study(study, typed)
        assert continued.path == checkpoint.parents[1]
        return continued, finished_study(study, typed, "--runs", str(workplace / "elsewhere"))

    return run


def killed_within_a_training(study: str, typed: str, folder: Path) -> Path:
    """The checkpoint before the last of the training that was under way, once another one was done."""
    program = [sys.executable, "-c", "from suite.host.cli import main; main()", "run", study, *typed.split()]
    alike = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}  # sums round by the number of threads

    def half_way() -> list[Path]:
        done = {path.stem for path in folder.glob("*/parts/*")}
        return [path for path in folder.glob("*/checkpoints/*.previous") if done and path.stem not in done]

    with subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=alike) as victim:
        deadline = time.monotonic() + 180
        while True:
            assert victim.poll() is None and time.monotonic() < deadline
            if half_way():
                os.kill(victim.pid, signal.SIGSTOP)  # look again while it stands still: it may have moved on meanwhile
                if half_way():
                    break
                os.kill(victim.pid, signal.SIGCONT)
            time.sleep(0.002)
        os.kill(victim.pid, signal.SIGKILL)
    assert not list(folder.glob("*/tables/*"))
    (checkpoint,) = half_way()
    return checkpoint
