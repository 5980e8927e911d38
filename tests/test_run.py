"""Run: once, tables, figures, models, references, and how a run ends."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import suite.data
import suite.models
from suite.errors import SuiteError, WorkFailed
from suite.host import underway
from suite.host.inputs import Inputs, choose_device, references, resolve
from suite.host.progress import Loop, Progress
from suite.host.registry import Registry
from suite.host.run import Run
from suite.plugin import DatasetRef, GradientRefs, ModelRef, StudyConfig, option
from suite.tables import read_columns


class Config(StudyConfig):
    """Every kind of reference."""

    model: ModelRef = option("net", "The model.")
    rival: ModelRef | None = option(None, "Another one.")
    dataset: DatasetRef = option("images", "The data.")
    rules: GradientRefs = option(("bp",), "The rules.")
    batch: int = option(8, "Samples at once.", in_key=False)


Study = Callable[[Config, Run], None]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    """A run of the config's values, in a folder of this test."""
    made = []

    def make(digest: str = "d", **values: Any) -> Run:
        inputs = Inputs(torch.device("cpu"), {}, {}, {}, {"dataset images": digest})
        made.append(Run("toy.study", Config(**values), inputs.digests, lambda: inputs, tmp_path / "runs", code="c"))
        return made[-1]

    yield make
    for run in made:
        run.directory.close()


def manifest(run: Run) -> Any:
    """run.json."""
    return json.loads((run.directory.path / "run.json").read_text())


def test_key_changes_with_what_can_change_a_result(make: Callable[..., Run]) -> None:
    key = make().key
    assert make().key == key == make(batch=2).key
    assert len({key, make(seed=1).key, make(model="other").key, make(digest="e").key}) == 4


def test_once_computes_once_and_returns_what_the_disk_holds(make: Callable[..., Run]) -> None:
    calls = []

    def compute() -> dict[str, Any]:
        calls.append(1)
        return {"x": np.arange(3, dtype=np.int16), "name": ["a", "b", None], "noise": torch.rand(3).tolist()}

    first, second = make(), make()
    computed = first.once("rule linbp(start=layer4), eps 8/255", compute)
    first.directory.close()
    stored = second.once("rule linbp(start=layer4), eps 8/255", compute)
    assert len(calls) == 1
    np.testing.assert_array_equal(computed["x"], stored["x"])
    assert computed["x"].dtype == stored["x"].dtype == np.int16
    assert computed["name"] == stored["name"] == ["a", "b", None]
    second.once("rule linbp(start=layer4), eps 9/255", compute)
    assert len(calls) == 2


def test_draws_in_a_part_depend_on_seed_and_name_alone(make: Callable[..., Run]) -> None:
    def draw(run: Run, *names: str) -> float:
        values = [run.once(name, lambda: {"x": [torch.rand(()).item()]})["x"][0] for name in names]
        run.directory.discard()
        return float(values[-1])

    alone = draw(make(), "b")
    assert draw(make(), "a", "b") == alone
    assert draw(make(seed=1), "b") != alone != draw(make(), "a")


def test_a_truncated_part_is_computed_again(make: Callable[..., Run]) -> None:
    run = make()
    run.once("part", lambda: {"x": [1]})
    (part,) = (run.directory.path / "parts").iterdir()
    part.write_bytes(part.read_bytes()[:-5])
    assert run.once("part", lambda: {"x": [2]})["x"].tolist() == [2]


def test_tables_models_and_facts_end_up_in_the_directory(make: Callable[..., Run]) -> None:
    layer = torch.nn.Linear(2, 1)

    def study(config: Config, run: Run) -> None:
        table = run.table("rates")
        table.add(rule="bp", rate=np.float32(0.5), first=None)
        table.extend({"rule": ["linbp"], "rate": np.array([float("nan")]), "first": [3]})
        run.table("empty")
        run.save_model("layer", layer)
        run.record(engine="jacobian")

    run = make()
    run.execute(study)
    content, path = manifest(run), run.directory.path
    assert content["status"] == "finished"
    assert content["facts"] == {"engine": "jacobian"}
    assert content["tables"]["rates"] == {"file": "tables/rates.parquet", "rows": 2}
    assert {"config", "versions", "code", "device", "seed", "timings", "peak_memory_bytes", "argv"} <= content.keys()
    columns = read_columns(path / "tables/rates.parquet")
    assert columns is not None and columns["first"] == [None, 3]  # a gap is a gap
    assert columns["rate"][0] == 0.5 and np.isnan(columns["rate"][1])  # and NaN a number that is not one
    assert read_columns(path / "tables/empty.parquet") == {}
    assert torch.equal(load_file(path / "models/layer.safetensors")["weight"], layer.weight)


def test_tables_refuse_rows_that_do_not_fit(make: Callable[..., Run]) -> None:
    table = make().table("t")
    table.add(a=1, b=2)
    with pytest.raises(ValueError, match="a table of a, b cannot take a row of a, c"):
        table.add(a=1, c=2)
    with pytest.raises(ValueError, match="different lengths"):
        table.extend({"a": [1], "b": [1, 2]})
    assert len(table) == 1


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".x"])
def test_names_of_results_are_file_names(make: Callable[..., Run], name: str) -> None:
    with pytest.raises(ValueError, match="is no file name"):
        make().table(name)


def test_nothing_is_on_disk_before_the_first_write(make: Callable[..., Run], tmp_path: Path) -> None:
    def study(config: Config, run: Run) -> None:
        run.table("t").add(x=1)
        assert list(run.track([1, 2], "numbers")) == [1, 2]
        assert not list(tmp_path.iterdir())
        raise SuiteError("no correctly classified sample", "choose another model")

    with pytest.raises(SuiteError, match="no correctly") as caught:
        make().execute(study)
    assert not isinstance(caught.value, WorkFailed)
    assert not list(tmp_path.iterdir())


def fails_after(error: Exception) -> Study:
    """A study that stores a part and then fails."""

    def study(config: Config, run: Run) -> None:
        run.once("part", lambda: {"x": [1]})
        raise error

    return study


def test_a_failed_run_keeps_parts_and_error_and_is_continued(make: Callable[..., Run]) -> None:
    run = make()
    with pytest.raises(
        WorkFailed, match=r"^NaN in the loss \(lower the step; kept in .*; the same command continues it\)$"
    ):
        run.execute(fails_after(SuiteError("NaN in the loss", "lower the step")))
    assert run.directory.status() == "failed"
    assert manifest(run)["error"].endswith("NaN in the loss (lower the step)")

    def study(config: Config, run: Run) -> None:
        assert run.once("part", lambda: {"x": [2]})["x"].tolist() == [1]

    make().execute(study)
    assert run.directory.status() == "finished"


def test_fresh_forgets_the_parts(make: Callable[..., Run]) -> None:
    with pytest.raises(WorkFailed):
        make().execute(fails_after(ValueError("x")))

    def study(config: Config, run: Run) -> None:
        assert run.once("part", lambda: {"x": [2]})["x"].tolist() == [2]

    make().execute(study, fresh=True)


def test_an_unexpected_error_always_leaves_a_failed_run(make: Callable[..., Run]) -> None:
    def study(config: Config, run: Run) -> None:
        raise KeyError("x")

    run = make()
    with pytest.raises(WorkFailed, match="KeyError"):
        run.execute(study)
    assert manifest(run)["status"] == "failed"


def test_references_are_found_by_kind_also_inside_tuples() -> None:
    config = Config(rules=("bp", "linbp( start=all )"), rival="other")
    assert references(config, "model") == ["net", "other"]
    assert references(config, "dataset") == ["images"]
    assert references(config, "gradient") == ["bp", "linbp(start=all)"]
    assert references(Config(), "model") == ["net"]


def test_resolve_loads_models_for_the_data_set(monkeypatch: pytest.MonkeyPatch) -> None:
    images, net = SimpleNamespace(digest="of images"), SimpleNamespace(info=SimpleNamespace(digest="of net"))
    loaded = []

    def load(ref: str, dataset: Any, *, device: Any) -> Any:
        loaded.append((ref, dataset, device))
        return net

    monkeypatch.setattr(suite.data, "load", lambda ref: images)
    monkeypatch.setattr(suite.models, "load", load)
    inputs = resolve(Config(), Registry([]), "cpu")
    assert loaded == [("net", images, torch.device("cpu"))]
    assert inputs.digests == {"dataset images": "of images", "model net": "of net"}
    run = Run("toy.study", Config(), inputs.digests, lambda: inputs, Path("runs"), code="c")
    assert run.model("net") is net
    assert run.dataset("images") is images
    module = torch.nn.Identity()
    assert run.gradient("bp")(module) is module


@pytest.mark.parametrize("text", ["gpu", "cuda:x", "", "cuda:-1"])
def test_unknown_devices(text: str) -> None:
    with pytest.raises(SuiteError, match="unknown device"):
        choose_device(text)


def test_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("auto") == torch.device("cuda")
    assert choose_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(SuiteError, match=r"no GPU 'cuda:2' \(this machine has 2, numbered from 0\)"):
        choose_device("cuda:2")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == torch.device("cpu")


def test_progress_is_sparse_lines_in_a_pipe(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    progress = Progress()
    assert list(progress.track(range(1000), "samples")) == list(range(1000))
    assert capsys.readouterr() == ("", "")  # done in no time: nothing to say
    monkeypatch.setattr("suite.host.progress._SECONDS_BETWEEN_LINES", 0.0)
    assert list(progress.track(range(2), "samples")) == [0, 1]
    assert list(progress.track(iter("a"), "letters")) == ["a"]
    assert capsys.readouterr() == ("", "samples: 1/2, 0:00:00 left\nsamples: 2/2, 0:00:00 left\nletters: 1\n")


def test_progress_is_bars_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    progress = Progress()
    pairs = [(a, b) for a in progress.track([1, 2], "outer") for b in progress.track([3], "inner")]
    progress.stop()
    assert pairs == [(1, 3), (2, 3)]
    shown = capsys.readouterr()
    assert "outer" in shown.err and shown.out == ""


def test_while_it_works_a_run_says_how_far_it_is(make: Callable[..., Run]) -> None:
    seen = list[list[Loop]]()

    def study(config: Config, run: Run) -> None:
        run.once("part", lambda: {"x": [1]})
        for _ in run.track(range(3), "steps"):
            seen.append(underway.loops_of(run.directory.path))

    run = make()
    run.execute(study)
    assert seen[0] == [Loop("steps", 3, 0)]
    assert not (run.directory.path / underway.FILE).exists()
