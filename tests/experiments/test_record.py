"""What an experiment's record lets go: files that it wrote itself, by names that lead nowhere else."""

import json
from pathlib import Path

import pytest

from suite.files import temporary_beside
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


BAD = {
    "no JSON": "{half",
    "nested too deeply": "[" * 100_000,
    "a stage of no form": json.dumps({"name": "a", "stages": {"s": {"points": 3}}, "failures": {}}),
    "failures of no form": json.dumps({"name": "a", "stages": {}, "failures": {"s/k": 3}}),
    "a run of two lines": json.dumps(
        {"name": "a", "stages": {"s": {"study": "t", "points": [{"axes": {}, "run": "a\nb"}]}}, "failures": {}}
    ),
}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD)
def test_a_record_that_cannot_be_trusted_is_none_and_costs_a_warning(
    tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = record(tmp_path).path
    path.parent.mkdir()
    path.write_text(content)
    record(tmp_path).replace_files({"a.svg": b"1"})
    assert [message.partition(": ")[0] for message in caplog.messages] == [f"cannot use {path}"]
    assert json.loads(path.read_text())["files"] == ["a.svg"]


def test_what_a_killed_process_left_half_written_goes_with_the_next_file(tmp_path: Path) -> None:
    first = record(tmp_path)
    first.replace_files({"a.svg": b"1"})
    left = [temporary_beside(first.path), temporary_beside(first.folder / "a.svg")]
    for path in left:
        path.touch()
    record(tmp_path).replace_files({"a.svg": b"2"})
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["a.svg", first.path.name]


def test_a_death_on_the_way_leaves_no_file_that_is_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record(tmp_path).replace_files({"a.svg": b"1"})
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            record(tmp_path).replace_files({"b.svg": b"2"})
    record(tmp_path).replace_files({"c.svg": b"3"})
    assert [path.name for path in record(tmp_path).folder.iterdir()] == ["c.svg"]
