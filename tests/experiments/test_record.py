"""What an experiment's record lets go: files that it wrote itself, by names that lead nowhere else."""

import json
from pathlib import Path

import pytest

from suite.host.experiments.definition import sweep
from suite.host.experiments.record import Record

EXPERIMENT = sweep("toy.squares", None, {}, {"seed": [0]})


def record(root: Path) -> Record:
    return Record(root, EXPERIMENT)


def test_only_files_of_its_own_are_removed(tmp_path: Path) -> None:
    folder = record(tmp_path).folder
    assert record(tmp_path).replace_files({"a.parquet": b"1", "b.svg": b"2"}) == [
        folder / "a.parquet",
        folder / "b.svg",
    ]
    (folder / "c.parquet").write_bytes(b"somebody's own")
    record(tmp_path).replace_files({"a.parquet": b"3"})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "a.parquet": b"3",
        "c.parquet": b"somebody's own",
    }


@pytest.mark.parametrize("name", ["../precious", "/tmp/precious", "..", "", "a/b", 3, None])
def test_a_record_that_names_others_files_is_not_believed(tmp_path: Path, name: object) -> None:
    first = record(tmp_path)
    first.replace_files({"a.svg": b"1"})
    (first.folder.parent / "precious").write_bytes(b"keep")
    content = json.loads(first.path.read_text())
    first.path.write_text(json.dumps({**content, "files": [name, "a.svg"]}))
    record(tmp_path).replace_files({"b.svg": b"2"})
    assert (first.folder.parent / "precious").exists()
    assert [path.name for path in first.folder.iterdir()] == ["b.svg"]


def test_a_death_on_the_way_leaves_no_file_that_is_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record(tmp_path).replace_files({"a.svg": b"1"})
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            record(tmp_path).replace_files({"b.svg": b"2"})
    record(tmp_path).replace_files({"c.svg": b"3"})
    assert [path.name for path in record(tmp_path).folder.iterdir()] == ["c.svg"]
