import errno
import fcntl
import logging
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from suite.errors import WorkFailed
from suite.locks import NotMade, is_locked, made_once, making_nothing, taken

HOLD = """
import sys
from pathlib import Path
from suite.locks import made_once
with made_once(Path(sys.argv[1]), "the thing"):
    print("held", flush=True)
    sys.stdin.readline()
"""


def make(thing: Path, made: list[str]) -> None:
    if not thing.exists():
        with made_once(thing, "the thing"):
            if not thing.exists():
                made.append("made")
                thing.touch()


def test_one_of_many_makes_the_thing_and_nothing_else_is_left(tmp_path: Path) -> None:
    """Threads open the lock's file each for itself, as processes do."""
    made: list[str] = []
    with ThreadPoolExecutor(8) as threads:
        for _ in range(20):
            list(threads.map(lambda _: make(tmp_path / "thing", made), range(8)))
            (tmp_path / "thing").unlink()
    assert made == ["made"] * 20
    assert not list(tmp_path.iterdir())


def test_who_waits_says_so_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "suite")
    waiting, held = Event(), Event()

    def hold() -> None:
        with made_once(tmp_path / "new" / "thing", "the weights of a net"):
            held.set()
            waiting.wait(10)

    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(hold)
        held.wait(10)
        caplog.handler.addFilter(lambda record: waiting.set() or True)
        with made_once(tmp_path / "new" / "thing", "the weights of a net"):
            first.result()
    assert caplog.messages == ["waiting for another process that makes the weights of a net"]


def test_a_killed_maker_holds_nothing(tmp_path: Path) -> None:
    thing = tmp_path / "thing"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(thing)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        assert is_locked(tmp_path / ".thing.lock")
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert not is_locked(tmp_path / ".thing.lock")
    with made_once(thing, "the thing"):
        thing.touch()
    assert [path.name for path in tmp_path.iterdir()] == ["thing"]


def test_an_error_frees_the_lock(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), made_once(tmp_path / "thing", "the thing"):
        _ = 1 / 0
    with made_once(tmp_path / "thing", "the thing"):
        pass


def test_a_folder_that_cannot_be_made_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(WorkFailed, match=r"cannot write .*file/folder/thing: Not a directory .*SUITE_CACHE"),
        made_once(tmp_path / "file" / "folder" / "thing", "the thing"),
    ):
        pass


def test_a_lock_is_looked_for_as_long_as_one_has_patience(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as held, (tmp_path / "lock").open("w") as wanted:
        assert taken(held)
        assert is_locked(tmp_path / "lock")
        assert not taken(wanted, patience=0.05)
    assert not is_locked(tmp_path / "lock")


def test_without_locks_the_work_is_done_after_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def unknown(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", unknown)
    for _ in range(2):
        with made_once(tmp_path / "thing", "the thing"), made_once(tmp_path / "thing", "the thing"):
            pass
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "has no locks" in caplog.text


def test_who_only_looks_makes_nothing(tmp_path: Path) -> None:
    with making_nothing():
        with pytest.raises(NotMade, match="the net is not there yet"), made_once(tmp_path / "folder/net", "the net"):
            raise AssertionError("it was made")
        assert not (tmp_path / "folder").exists()
    with made_once(tmp_path / "net", "the net"):
        pass
