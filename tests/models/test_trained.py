"""Weights that are made once and kept: by one process while others wait, and never used when damaged."""

import logging
import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from suite.data import Dataset
from suite.errors import SuiteError, WorkFailed
from suite.models import describe, kept_weights, load, train, training
from suite.models.weights import write_weights

Noise = Callable[..., Dataset]


def _load(dataset: Dataset, start: Any, told: Any) -> None:
    torch.set_num_threads(1)
    start.wait()
    told.put(load("digits-cnn", dataset).info.digest)


def test_processes_that_need_the_same_weights_make_them_once(noise: Noise, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")  # a fork cannot differentiate where this process already has
    start, told = context.Barrier(3), context.Queue()
    processes = [context.Process(target=_load, args=(noise(), start, told)) for _ in range(3)]
    for process in processes:
        process.start()
    digests = {told.get(timeout=60) for _ in processes}
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0] and len(digests) == 1
    (path,) = (file for file in (tmp_path / "cache" / "models").rglob("*") if file.is_file())
    assert path.name == "digits-cnn.safetensors"


def test_weights_of_earlier_epochs_are_those_of_a_training_that_stops_there(noise: Noise, tmp_path: Path) -> None:
    """And keeping them changes nothing: neither the last weights, nor what the cache is said to hold."""
    dataset, constant = noise(), {"learning_rate": 0.001, "schedule": "constant"}
    alone = [train("mnist-cnn(width=4)", dataset, epochs=epochs, **constant).info for epochs in (1, 2, 3)]
    kept = train("mnist-cnn(width=4)", dataset, epochs=3, keep=(1, 2), **constant)
    assert kept.info.digest == alone[2].digest
    assert [len(row.trained) for row in describe() if row.name == "mnist-cnn"] == [2]  # and the package's
    for epoch in (1, 2):
        path = kept_weights(Path(kept.info.source), epoch)
        assert path.parent.parent == Path(kept.info.source).parent
        found = load(f"mnist-cnn(width=4)@{path}", dataset).info
        assert (found.digest, found.accuracy) == (alone[epoch - 1].digest, alone[epoch - 1].accuracy)
    with pytest.raises(SuiteError, match="after epoch 4 of 3 cannot be kept"):
        train("mnist-cnn(width=4)", dataset, epochs=3, keep=(4,))


def test_what_is_kept_is_of_this_training(noise: Noise, tmp_path: Path) -> None:
    """Weights that another seed kept, and halves of files, are gone; a training that diverges keeps nothing."""
    dataset = noise()
    first = train("mnist-cnn(width=4)", dataset, epochs=2, keep=(1, 2))
    folder = kept_weights(Path(first.info.source), 1).parent
    (folder / ".1.safetensors.7-abcdef01.tmp").write_bytes(b"half")
    (folder / "mine.txt").write_text("stays")
    train("mnist-cnn(width=4)", dataset, epochs=2, keep=(2,), seed=3)
    assert sorted(file.name for file in folder.iterdir()) == ["2.safetensors", "mine.txt"]
    with safe_open(folder / "2.safetensors", "pt") as file:
        assert (file.metadata()["seed"], file.metadata()["epoch"]) == ("3", "2")
    with pytest.raises(WorkFailed, match="diverged in epoch 2"):
        train("mnist-cnn(width=4)", dataset, epochs=2, keep=(2,), learning_rate=1e30, optimiser="sgd")
    assert [file.name for file in folder.iterdir()] == ["mine.txt"]


def test_an_epoch_to_keep_that_was_interrupted_is_trained_again(noise: Noise, monkeypatch: pytest.MonkeyPatch) -> None:
    """The weights are stored before the checkpoint, or else a kill between both would lose them."""
    dataset, order = noise(), list[str]()
    write = training.write_weights

    def killed(path: Path, *given: Any) -> None:
        order.append(path.name)
        if len(order) == 1:
            raise KeyboardInterrupt
        write(path, *given)

    monkeypatch.setattr(training, "write_weights", killed)
    with pytest.raises(KeyboardInterrupt):
        train("mnist-cnn(width=4)", dataset, epochs=3, keep=(2,))
    epochs: list[int] = []
    done = train("mnist-cnn(width=4)", dataset, epochs=3, keep=(2,), on_epoch=lambda epoch: epochs.append(epoch.number))
    assert epochs == [1, 2] and order == ["2.safetensors", "2.safetensors", "mnist-cnn(width=4).safetensors"]
    assert kept_weights(Path(done.info.source), 2).exists()


def _flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("where", ["weights", "accuracy", "header", "end"])
def test_damaged_weights_are_made_again(
    where: str, noise: Noise, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = load("mnist-cnn(width=4)", noise()).info
    (path,) = (tmp_path / "cache" / "models").rglob("*.safetensors")
    if where == "end":
        path.write_bytes(path.read_bytes()[:-5])
    elif where == "accuracy":
        with safe_open(path, "pt") as file:
            facts = dict(file.metadata())
        write_weights(path, load_file(path), {**facts, "accuracy": "0.99"})
    else:
        _flip(path, 20 if where == "header" else -3)
    caplog.clear()
    assert load("mnist-cnn(width=4)", noise()).info.digest == made.digest
    assert caplog.messages[0].endswith("is damaged: mnist-cnn(width=4) is trained again")
    assert load("mnist-cnn(width=4)", noise()).info.accuracy == made.accuracy
    assert caplog.records[0].levelno == logging.WARNING


def test_weights_from_before_there_were_seals_still_serve(
    noise: Noise, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = load("mnist-cnn(width=4)", noise()).info
    (path,) = (tmp_path / "cache" / "models").rglob("*.safetensors")
    with safe_open(path, "pt") as file:
        facts = {name: value for name, value in file.metadata().items() if name != "seal"}
    write_weights(path, load_file(path), facts)
    caplog.clear()
    found = load("mnist-cnn(width=4)", noise()).info
    assert (found.digest, found.accuracy, caplog.messages) == (made.digest, made.accuracy, [])
    write_weights(path, {name: 2 * tensor for name, tensor in load_file(path).items()}, facts)
    assert load("mnist-cnn(width=4)", noise()).info.digest == made.digest
    assert caplog.messages[0].endswith("is damaged: mnist-cnn(width=4) is trained again")


def test_damaged_weights_that_take_long_are_refused_and_listed(noise: Noise) -> None:
    made = train("two-layer(width=5)", noise(), epochs=1).info
    Path(made.source).write_bytes(b"broken")
    with pytest.raises(SuiteError, match=r"is damaged \(suite models train 'two-layer\(width=5\)' --dataset noise"):
        load("two-layer(width=5)", noise())
    (weights,) = {row.name: row for row in describe()}["two-layer"].trained
    assert (weights.model, weights.dataset, weights.accuracy) == ("two-layer(width=5)", None, None)


@pytest.mark.parametrize("width", [10**6, 99_999_999, 2**62])
@pytest.mark.parametrize("name", ["wrn34", "cifar-cnn"])
def test_a_network_that_is_far_too_large_is_refused_before_it_is_built(name: str, width: int, noise: Noise) -> None:
    with pytest.raises(SuiteError, match=r"cannot be built|parameters \(at most 2e\+09"):
        load(f"{name}(width={width})@random(0)", noise((3, 8, 8)))
