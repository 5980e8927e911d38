"""One run in several processes: what it stores is what one process stores, whoever dies on the way."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from ..faults.processes import descendants, left_after

Suite = Callable[[str], Result]
Tables = Callable[[Path], dict[str, bytes]]
Start = Callable[[str], "subprocess.Popen[str]"]


def in_one_process(suite: Suite, tables: Tables, typed: str) -> dict[str, bytes]:
    """The tables of an undisturbed run, made in another folder."""
    done = suite(f"{typed} --runs alone")
    assert done.exit_code == 0, done.stderr
    return tables(Path("alone"))


def test_two_processes_store_what_one_does_and_share_the_parts(suite: Suite, tables: Tables, gate: Any) -> None:
    alone = in_one_process(suite, tables, "run gated.draws")
    gate.reset()
    done = suite("run gated.draws --jobs 2")
    assert done.exit_code == 0, done.stderr
    assert tables(Path("runs")) == alone and len(alone) == 1
    workers = {pid: {name for name, other, _ in gate.passed() if other == pid} for _, pid, _ in gate.passed()}
    assert sorted(map(sorted, workers.values())) == [["1", "3"], ["2", "4"]]  # nothing twice, nothing here
    assert "already finished" in suite("run gated.draws").stderr  # the number of jobs is no part of the key


def test_what_shares_leave_undone_is_done_by_whoever_holds_the_run(suite: Suite, gate: Any) -> None:
    # One share dies at 3, three times; the other fails at 13, and so does this process, which has made 3 before.
    typed = "run gated.draws --numbers 1,2,3,13"
    alone = suite(f"{typed} --runs alone")
    gate.reset()
    gate.kill_elsewhere("3")
    shared = suite(f"{typed} --jobs 2")
    assert (alone.exit_code, shared.exit_code) == (1, 1)
    assert [name for name, _, _ in gate.passed()].count("3") == 4
    assert parts(Path("runs")) == parts(Path("alone")) and len(parts(Path("runs"))) == 4
    ends = [told.stderr.splitlines()[-1].partition(" (kept in ")[0] for told in (alone, shared)]
    assert ends == ["error: ZeroDivisionError: thirteen"] * 2
    manifests = [json.loads(path.read_text()) for path in Path().glob("*/gated.draws/*/run.json")]
    assert [(manifest["status"], manifest["error"]) for manifest in manifests] == [
        ("failed", "ZeroDivisionError: thirteen")
    ] * 2


def test_a_killed_run_is_continued_by_however_many(suite: Suite, start: Start, tables: Tables, gate: Any) -> None:
    alone = in_one_process(suite, tables, "run gated.draws")
    gate.reset()
    gate.hold()
    running = start("run gated.draws --jobs 2")
    gate.wait_for(workers=2)
    children = descendants(running.pid)
    running.kill()
    running.wait()
    assert len(children) == 4 and {pid for _, pid, _ in gate.passed()} <= {*children}
    assert not left_after(2, children)  # nothing works on behind its back: neither processes nor their server
    gate.open()
    done = suite("run gated.draws")
    assert done.exit_code == 0, done.stderr
    assert tables(Path("runs")) == alone


def parts(runs: Path) -> dict[str, bytes]:
    """The stored parts below a folder of runs."""
    return {path.name: path.read_bytes() for path in runs.glob("*/*/parts/*")}


def test_only_studies_that_can_offer_it(suite: Suite) -> None:
    assert "--jobs" in suite("run gated.draws --help").stdout
    assert "--jobs" not in suite("run gated.logits --help").stdout
    refused = suite("run gated.logits --jobs 2")
    assert refused.exit_code == 2 and refused.stderr.startswith("error: no such option --jobs")


@pytest.mark.parametrize(
    "typed",
    [
        pytest.param(
            "linbp.attack --attack pgd --gradients bp,linbp(start=auto) --steps 3 --calibration 40 --fast",
            marks=pytest.mark.nightly,
        ),
        "linbp.transfer --methods fgsm,pgd --steps 2 --gradients bp,linbp --limit 200 --eps 0.1",
    ],
)
def test_attacks_do_not_show_how_many_made_them(suite: Suite, tables: Tables, typed: str) -> None:
    alone = in_one_process(suite, tables, f"run {typed} --batch-size 64")
    done = suite(f"run {typed} --jobs 2 --batch-size 50")
    assert done.exit_code == 0, done.stderr
    assert tables(Path("runs")) == alone and len(alone) >= 4
