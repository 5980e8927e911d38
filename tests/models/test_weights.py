"""Weights from files: every spelling of a right one loads, every wrong one is one clear line, no code is run."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors
import safetensors.torch
import torch
from torch import nn

from suite.data import Dataset
from suite.errors import SuiteError
from suite.models import ZOO, Classifier, load
from suite.models.tensor_file import digest_of_file
from suite.models.weights import write_weights

Noise = Callable[..., Dataset]


@pytest.fixture
def dataset(noise: Noise) -> Dataset:
    return noise((3, 8, 8))


@pytest.fixture
def network(dataset: Dataset) -> nn.Module:
    """A ResNet-20 whose every tensor, running statistics too, is unlike a fresh one's."""
    torch.manual_seed(0)
    network = ZOO["resnet20"].network({}, dataset)
    for tensor in network.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand_like(tensor) / 8)
    return network.eval()


def from_file(path: Path, dataset: Dataset, model: str = "resnet20") -> Classifier:
    return load(f"{model}@{path}", dataset)


def same(classifier: Classifier, network: nn.Module) -> bool:
    expected, found = network.state_dict(), classifier.network.state_dict()
    return expected.keys() == found.keys() and all(torch.equal(found[name], expected[name]) for name in expected)


@pytest.mark.parametrize("wrapper", [None, "state_dict", "model"])
@pytest.mark.parametrize("prefix", ["", "module.", "network.", "module.network."])
def test_wrapped_and_prefixed_state_dicts(
    wrapper: str | None, prefix: str, network: nn.Module, dataset: Dataset, tmp_path: Path
) -> None:
    state = {prefix + name: tensor for name, tensor in network.state_dict().items()}
    torch.save({wrapper: state, "epoch": 3, "best": 0.5} if wrapper else state, tmp_path / "w.pth")
    assert same(from_file(tmp_path / "w.pth", dataset), network)


def test_every_format_loads_and_has_the_same_digest(network: nn.Module, dataset: Dataset, tmp_path: Path) -> None:
    state = network.state_dict()
    safetensors.torch.save_file(state, tmp_path / "w.safetensors")
    torch.save(state, tmp_path / "w.pt")
    torch.save(state, tmp_path / "w.th", _use_new_zipfile_serialization=False)
    models = [from_file(path, dataset) for path in sorted(tmp_path.glob("w.*"))]
    assert len(models) == 3
    assert all(same(model, network) for model in models)
    assert len({model.info.digest for model in models}) == 1
    assert models[0].info.accuracy is None
    nn.init.zeros_(network.get_parameter("linear.bias"))
    torch.save(network.state_dict(), tmp_path / "other.pt")
    assert from_file(tmp_path / "other.pt", dataset).info.digest != models[0].info.digest


def test_loaded_weights_are_trainable_and_own_their_memory(
    network: nn.Module, dataset: Dataset, tmp_path: Path
) -> None:
    state = {name: value for name, value in network.state_dict().items() if "num_batches" not in name}
    half = {name: value.half() for name, value in state.items()}
    torch.save(half, tmp_path / "old.pt")  # half precision, without counters, as old checkpoints are
    model = from_file(tmp_path / "old.pt", dataset)
    model(torch.rand(2, 3, 8, 8)).sum().backward()
    for parameter in model.parameters():
        assert parameter.dtype == torch.float32
        assert parameter.grad is not None
    counters = [value for name, value in model.network.named_buffers() if "num_batches" in name]
    assert len(counters) == 19
    assert not any(counters)


def test_loading_leaves_the_random_state_alone(network: nn.Module, dataset: Dataset, tmp_path: Path) -> None:
    torch.save(network.state_dict(), tmp_path / "w.pt")
    before = torch.get_rng_state()
    assert not from_file(tmp_path / "w.pt", dataset).training
    assert torch.equal(torch.get_rng_state(), before)


def test_missing_file_and_foreign_suffix(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"no weights at .*gone\.pt \(give the path"):
        from_file(tmp_path / "gone.pt", dataset)
    (tmp_path / "w.onnx").touch()
    with pytest.raises(SuiteError, match=r"w\.onnx is no file of weights"):
        from_file(tmp_path / "w.onnx", dataset)


@pytest.mark.parametrize("suffix", ["pt", "th", "safetensors"])
@pytest.mark.parametrize("kept", [0.0, 1e-5, 0.001, 0.1, 0.5, 0.99])
def test_truncated_files(suffix: str, kept: float, network: nn.Module, dataset: Dataset, tmp_path: Path) -> None:
    path = tmp_path / f"w.{suffix}"
    if suffix == "safetensors":
        safetensors.torch.save_file(network.state_dict(), path)
    else:
        torch.save(network.state_dict(), path, _use_new_zipfile_serialization=suffix == "pt")
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    with pytest.raises(SuiteError, match=rf"w\.{suffix} (cannot be read|was refused).*(truncated|damaged)") as error:
        from_file(path, dataset)
    assert "\n" not in str(error.value)


class Malicious:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch '{self.mark}'",)


@pytest.mark.parametrize("form", ["zip", "legacy", "bare"])
def test_a_malicious_pickle_is_refused_and_does_not_run(form: str, dataset: Dataset, tmp_path: Path) -> None:
    mark, path = tmp_path / "mark", tmp_path / "w.pt"
    content = {"conv1.weight": torch.zeros(1), "extra": Malicious(mark)}
    if form == "bare":
        path.write_bytes(pickle.dumps(Malicious(mark)))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=form == "zip")
    with pytest.raises(SuiteError, match="was refused, as loading it could run any code") as error:
        from_file(path, dataset)
    assert not mark.exists()
    assert "\n" not in str(error.value)
    if form != "bare":
        assert f"{os.system.__module__}.system" in str(error.value)


def test_a_whole_pickled_module_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "w.pt")
    with pytest.raises(SuiteError, match=r"it holds torch\.nn\.modules\.linear\.Linear besides tensors"):
        from_file(tmp_path / "w.pt", dataset)


@pytest.mark.parametrize("content", [torch.zeros(2), {}, {"epoch": 3}, [1, 2]])
def test_no_state_dict(content: object, dataset: Dataset, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(SuiteError, match="holds no state dict"):
        from_file(tmp_path / "w.pt", dataset)


def test_another_architecture_is_told_by_its_first_differences(
    network: nn.Module, dataset: Dataset, tmp_path: Path
) -> None:
    torch.save(network.state_dict(), tmp_path / "w.pt")
    with pytest.raises(SuiteError, match=r"60 missing: layer1\.3\.conv1\.weight, .*, \.\.\."):
        from_file(tmp_path / "w.pt", dataset, "resnet32")
    state = network.state_dict() | {"head": torch.zeros(1), "conv1.weight": torch.zeros(16, 3, 5, 5)}
    torch.save(state, tmp_path / "w.pt")
    told = r"1 unexpected: head; 1 of another shape: conv1\.weight \(16, 3, 5, 5\) instead of \(16, 3, 3, 3\)"
    with pytest.raises(SuiteError, match=told):
        from_file(tmp_path / "w.pt", dataset)


def test_class_count_of_another_data_set(network: nn.Module, noise: Noise, tmp_path: Path) -> None:
    torch.save(network.state_dict(), tmp_path / "w.pt")
    with pytest.raises(SuiteError, match=r"tell 10 classes apart, the network 7"):
        from_file(tmp_path / "w.pt", noise((3, 8, 8), classes=7))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite(value: float, network: nn.Module, dataset: Dataset, tmp_path: Path) -> None:
    network.state_dict()["layer2.0.bn1.running_var"][3] = value
    torch.save(network.state_dict(), tmp_path / "w.pt")
    with pytest.raises(SuiteError, match=r"not finite: layer2\.0\.bn1\.running_var"):
        from_file(tmp_path / "w.pt", dataset)


def test_the_same_content_is_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    """The library keeps metadata in a table whose order is drawn anew in each process."""
    facts = {f"fact {n}": f'"{n}" é' for n in range(12)}
    write_weights(tmp_path / "w.safetensors", {"b": torch.arange(3.0), "a": torch.ones(2, 2)}, facts)
    header = (tmp_path / "w.safetensors").read_bytes()[8:].split(b"}", 1)[0].decode()
    assert [header.index(f'"{name}"') for name in sorted(facts)] == sorted(header.index(f'"{name}"') for name in facts)
    with safetensors.safe_open(tmp_path / "w.safetensors", "pt") as file:
        assert file.metadata() == facts and torch.equal(file.get_tensor("b"), torch.arange(3.0))


@pytest.mark.parametrize("metadata", [{}, {"model": "x"}])
def test_a_file_without_tensors_has_no_digest(metadata: dict[str, str], tmp_path: Path) -> None:
    safetensors.torch.save_file({}, tmp_path / "none.safetensors", metadata)
    assert digest_of_file(tmp_path / "none.safetensors") is None
