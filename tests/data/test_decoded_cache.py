import errno
import fcntl
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from suite.data import cache, load
from suite.errors import SuiteError
from suite.files import of_temporary, temporary_beside

Files = dict[str, bytes]
Write = Callable[..., Path]
Cached = Callable[[], list[str]]


def test_decoding_happens_once(pack: Write, pets: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load(f"folder:{pack(pets)}")
    monkeypatch.setattr(cache, "_write", None)
    second = load(first.name)
    assert second.digest == first.digest
    assert second.classes == first.classes
    np.testing.assert_array_equal(second.train.images, first.train.images)
    assert isinstance(second.test.images, np.memmap)


@pytest.mark.parametrize("kind", ["directory", "zip"])
def test_a_changed_source_is_decoded_anew(kind: str, pack: Write, unpack: Write, pets: Files, cached: Cached) -> None:
    write = unpack if kind == "directory" else pack
    before = load(f"folder:{write(pets)}")
    swapped = {**pets, "test/cat/0.png": pets["test/cat/1.png"], "test/cat/1.png": pets["test/cat/0.png"]}
    after = load(f"folder:{write(swapped)}")
    np.testing.assert_array_equal(after.test.images[:2], before.test.images[[1, 0]])
    assert after.digest != before.digest
    assert len(cached()) == 2


def test_the_same_content_elsewhere_has_the_same_digest(pack: Write, pets: Files) -> None:
    assert load(f"folder:{pack(pets, 'a.zip')}").digest == load(f"folder:{pack(pets, 'b.zip')}").digest


def flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 64
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        "flipped images",
        "flipped labels",
        "flipped about",
        "cut images",
        "cut labels",
        "no about",
        "broken about",
        "strange about",
        "gone images",
        "a file",
    ],
)
def test_a_damaged_entry_is_decoded_anew(
    pack: Write, pets: Files, tmp_path: Path, cached: Cached, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    ref = f"folder:{pack(pets)}"
    before = load(ref)
    intact = [np.array(before.train.images), np.array(before.train.labels), before.classes, before.digest]
    [folder] = (tmp_path / "cache" / "data").iterdir()
    match damage.split():
        case ["flipped", "about"]:
            flip(folder / "about.json", (folder / "about.json").read_bytes().index(b"dog") + 1)
        case ["flipped", what]:
            flip(folder / f"train_{what}.npy", 130)
        case ["cut", what]:
            os.truncate(folder / f"train_{what}.npy", 130)
        case ["gone", what]:
            (folder / f"train_{what}.npy").unlink()
        case ["no", _]:
            (folder / "about.json").unlink()
        case ["broken", _]:
            (folder / "about.json").write_text("{")
        case ["strange", _]:
            (folder / "about.json").write_text(json.dumps([]))
        case _:
            folder.rename(tmp_path / "aside")
            folder.write_text("")
    for _ in range(2):
        after = load(ref)
        for found, expected in zip(
            (after.train.images, after.train.labels, after.classes, after.digest), intact, strict=True
        ):
            np.testing.assert_array_equal(found, expected)
    assert cached() == [folder.name]
    assert ["is damaged: it is decoded again" in message for message in caplog.messages] == [True]
    assert folder.is_dir()


def test_a_cache_that_cannot_be_made_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SUITE_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(SuiteError, match=r"cannot write .*file/cache/data/digits-.*: Not a directory .*SUITE_CACHE"):
        load("digits")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write into read-only folders")
def test_a_read_only_cache_is_one_error_and_still_readable(tmp_path: Path, pack: Write, pets: Files) -> None:
    load("digits")
    (tmp_path / "cache" / "data").chmod(0o500)
    try:
        assert len(load("digits").test) == 540
        with pytest.raises(SuiteError, match=r"cannot write .*cache/data/folder-.*: Permission denied"):
            load(f"folder:{pack(pets)}")
    finally:
        (tmp_path / "cache" / "data").chmod(0o700)


def python(code: str, *arguments: str) -> subprocess.Popen[str]:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", code, *arguments], **pipes)  # type: ignore[call-overload]


FULL_DISK = """
import resource
from suite.data import load
from suite.errors import SuiteError
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
try:
    load("digits")
except SuiteError as error:
    print(error)
"""


def test_a_full_disk_is_one_error_and_leaves_nothing(cached: Cached) -> None:
    """No file may grow beyond 4 KiB; in a process of its own, since the limit also holds for the tests' own output."""
    said, _ = python(FULL_DISK).communicate(timeout=120)
    assert re.fullmatch(rf"cannot write .*cache/data/digits-.*: {os.strerror(errno.EFBIG)} \(.*\)\n", said)
    assert cached() == []


KILLED = """
import os, signal, sys
from suite.data import cache, load
def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
cache.{step} = die
load(sys.argv[1])
"""


@pytest.mark.parametrize("step", ["np.save", "_install"])
def test_a_writer_killed_before_a_step_leaves_nothing_that_is_read(
    pack: Write, pets: Files, tmp_path: Path, cached: Cached, step: str
) -> None:
    ref = f"folder:{pack(pets)}"
    with python(KILLED.format(step=step), ref) as child:
        assert child.wait() == -signal.SIGKILL
    lock, left = sorted(cached(), key=lambda name: name.endswith(".tmp"))
    assert lock.endswith(".lock") and of_temporary(left) == lock[1:-5]

    load("digits")
    assert left in cached()  # it might belong to a living writer: of that entry, the lock alone tells
    assert len(load(ref).train) == 6
    assert lock not in cached() and left not in cached()


def test_what_was_left_of_an_entry_that_nobody_makes_again_is_removed_after_a_day(
    tmp_path: Path, cached: Cached
) -> None:
    left = temporary_beside(tmp_path / "cache" / "data" / "folder-0")
    left.mkdir(parents=True)
    os.utime(left, (0, 0))
    load("digits")
    assert left.name not in cached()


TOGETHER = """
import sys
from suite.data import load
sys.stdin.readline()
print(load(sys.argv[1]).digest)
"""


def test_two_writers_at_once_agree(pack: Write, pets: Files, cached: Cached) -> None:
    path = pack({name.replace(".png", f"-{i}.png"): content for i in range(100) for name, content in pets.items()})
    children = [python(TOGETHER, f"folder:{path}") for _ in range(2)]
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    digests = [child.communicate()[0].strip() for child in children]
    assert digests == [load(f"folder:{path}").digest] * 2
    assert len(cached()) == 1


def test_without_locks_an_entry_finished_by_another_writer_meanwhile_stays(
    pack: Write, pets: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cached: Cached
) -> None:
    def unknown(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", unknown)
    ref = f"folder:{pack(pets)}"
    install = cache._install

    def late(partial: Path, folder: Path, aside: Path) -> None:
        monkeypatch.setattr(cache, "_install", install)
        load(ref)
        (folder / "mark").touch()
        install(partial, folder, aside)

    monkeypatch.setattr(cache, "_install", late)
    assert len(load(ref).test) == 4
    [name] = cached()
    assert (tmp_path / "cache" / "data" / name / "mark").exists()
