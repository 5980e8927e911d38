"""`suite run linbp.attack` as typed, in this process and in one of its own."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result


@pytest.fixture
def attack(study: Callable[..., Result]) -> Callable[..., Result]:
    """`suite run linbp.attack ...` in this process; arguments as typed, separated by spaces."""
    return lambda *typed: study("linbp.attack", *typed)


@pytest.fixture
def finished(finished_study: Callable[..., Any]) -> Callable[..., Any]:
    """The same with `--json`, which must succeed."""
    return lambda *typed: finished_study("linbp.attack", *typed)


@pytest.fixture
def command(workplace: Path) -> Callable[..., list[str]]:
    """The command line of a process of its own."""
    program = [sys.executable, "-c", "from suite.host.cli import main; main()", "run", "linbp.attack"]
    return lambda *typed: [*program, *" ".join(typed).split()]


@pytest.fixture
def process(command: Callable[..., list[str]]) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """`suite run linbp.attack ...` in a process of its own, after `first` ran in it."""

    def run(*typed: str, first: Callable[[], None] | None = None) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(command(*typed), capture_output=True, text=True, timeout=120, preexec_fn=first)

    return run
