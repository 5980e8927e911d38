"""Files on their way: what is packed, how it arrives, and who sees whose folder."""

import errno
import fcntl
import shutil
import threading
from pathlib import Path

import pytest

from suite.errors import WorkFailed
from suite.host.executors.transfer import appear, listing, marked, pack, sees, unpack


def written(folder: Path, names: tuple[str, ...]) -> Path:
    """A folder with files that hold their own names."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def test_what_is_packed_arrives_elsewhere(tmp_path: Path) -> None:
    names = ("s/k/run.json", "s/k/parts/a", "s/k/lock", "s/k/parts/.b.tmp", "s/other/run.json", "r/models/net")
    source = written(tmp_path / "here", names)
    sent = pack(source, ["s/k", "r/models/net", "absent"])
    assert sorted(sent) == ["r/models/net", "s/k/parts/a", "s/k/run.json"]
    assert sorted(sent) == sorted(listing(source, ["s/k", "r/models/net"]))
    unpack(sent, tmp_path / "there")
    assert pack(tmp_path / "there", ["s", "r"]) == sent


def test_the_record_that_says_finished_is_written_last(tmp_path: Path) -> None:
    written(tmp_path, ("s/k/parts",))  # a file where a folder should be
    with pytest.raises(WorkFailed, match="cannot write"):
        unpack({"s/k/run.json": b"{}", "s/k/parts/a": b""}, tmp_path)
    assert not (tmp_path / "s/k/run.json").exists()


def test_the_mark_is_seen_in_the_folder_itself_and_in_no_copy(tmp_path: Path) -> None:
    root, copy = tmp_path / "runs", tmp_path / "copy"
    with marked(root) as mark:
        shutil.copytree(root, copy)
        assert sees(root, mark) and not sees(tmp_path, mark)
        with marked(root) as again:  # a second driver on the same folder changes nothing for the first
            assert again == mark
    with marked(root) as later:
        assert later != mark and not sees(copy, later)


def test_files_that_come_late_are_waited_for(tmp_path: Path) -> None:
    late = threading.Timer(0.3, written, (tmp_path, ("a/late",)))
    written(tmp_path, ("a/early",))
    late.start()
    appear(tmp_path, ["a/early", "a/late"])
    assert (tmp_path / "a/late").exists()
    late.join()
    appear(tmp_path, ["a/never"], seconds=0.2)
    appear(tmp_path, [])


def test_without_locks_a_folder_can_be_marked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", unknown)
    with marked(tmp_path) as first, marked(tmp_path) as second:  # two drivers at once
        assert sees(tmp_path, second) and not sees(tmp_path, first)  # whose nodes send what they make, from now on
