import pickle
import struct
from collections.abc import Callable
from hashlib import md5
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from torchvision import datasets

from suite.data import load, prepare
from suite.errors import SuiteError

RNG = np.random.default_rng(2)
LABELS = {"train": [3, 0, 9, 1], "test": [2, 7]}


def write(path: Path, content: bytes) -> str:
    """Writes a file and gives its md5, which torchvision compares."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return md5(content).hexdigest()


def write_idx(root: Path) -> dict[str, np.ndarray]:
    """Images in MNIST's file format, below `MNIST/raw/`."""
    images = {}
    for split, prefix in (("train", "train"), ("test", "t10k")):
        count = len(LABELS[split])
        images[split] = RNG.integers(0, 256, (count, 1, 28, 28), dtype=np.uint8)
        head = struct.pack(">IIII", 0x803, count, 28, 28)
        write(root / f"{prefix}-images-idx3-ubyte", head + images[split].tobytes())
        write(root / f"{prefix}-labels-idx1-ubyte", struct.pack(">II", 0x801, count) + bytes(LABELS[split]))
    return images


@pytest.mark.parametrize(("name", "folder"), [("mnist", "MNIST"), ("fashion_mnist", "FashionMNIST")])
def test_idx_files(tmp_path: Path, name: str, folder: str) -> None:
    images = write_idx(tmp_path / "data" / name / folder / "raw")
    data = load(name)
    for split in ("train", "test"):
        np.testing.assert_array_equal(getattr(data, split).images, images[split])
        assert getattr(data, split).labels.tolist() == LABELS[split]
    assert data.classes[0] == {"mnist": "0", "fashion_mnist": "T-shirt/top"}[name]
    assert data.num_classes == 10


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_cifar_pickles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    reader = {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}[name]
    root = tmp_path / "data" / name / reader.base_folder
    images = {}
    for split in ("train", "test"):
        images[split] = RNG.integers(0, 256, (len(LABELS[split]), 3, 32, 32), dtype=np.uint8)
        batch = {"data": images[split].reshape(-1, 3072), "labels": LABELS[split]}
        monkeypatch.setattr(reader, f"{split}_list", [[split, write(root / split, pickle.dumps(batch))]])
    names = [f"thing {number}" for number in range(10)]
    digest = write(root / "meta", pickle.dumps({"names": names}))
    monkeypatch.setattr(reader, "meta", {"filename": "meta", "key": "names", "md5": digest})

    data = load(name)
    for split in ("train", "test"):
        np.testing.assert_array_equal(getattr(data, split).images, images[split])
        assert getattr(data, split).labels.tolist() == LABELS[split]
    assert data.classes == tuple(names)


def test_svhn_matrices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the files, images are (H, W, C, N) and the digit 0 has the label 10."""
    root = tmp_path / "data" / "svhn"
    root.mkdir(parents=True)
    images, entries = {}, {}
    for split in ("train", "test"):
        images[split] = RNG.integers(0, 256, (len(LABELS[split]), 3, 32, 32), dtype=np.uint8)
        labels = np.array([[label or 10] for label in LABELS[split]], dtype=np.uint8)
        file = root / f"{split}_32x32.mat"
        scipy.io.savemat(file, {"X": images[split].transpose(2, 3, 1, 0), "y": labels})
        entries[split] = ["", file.name, md5(file.read_bytes()).hexdigest()]
    monkeypatch.setattr(datasets.SVHN, "split_list", entries)
    data = load("svhn")
    for split in ("train", "test"):
        np.testing.assert_array_equal(getattr(data, split).images, images[split])
        assert getattr(data, split).labels.tolist() == LABELS[split]


def test_real_mnist_is_the_original_bytes(real_data: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    raw = real_data("mnist/MNIST/raw")
    monkeypatch.setenv("SUITE_DATA", str(raw.parents[2]))
    data = load("mnist")
    for split, prefix in ((data.train, "train"), (data.test, "t10k")):
        pixels = np.fromfile(raw / f"{prefix}-images-idx3-ubyte", dtype=np.uint8, offset=16)
        np.testing.assert_array_equal(split.images.reshape(-1), pixels)
        labels = np.fromfile(raw / f"{prefix}-labels-idx1-ubyte", dtype=np.uint8, offset=8)
        np.testing.assert_array_equal(split.labels, labels)
    assert data.shape == (1, 28, 28)


def test_absent_data_names_the_command_and_touches_no_disk(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"'cifar10' is not in .*run `suite data prepare cifar10`"):
        load("cifar10")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", ["cut", "gone", "bad label"])
def test_damaged_data_is_one_error(tmp_path: Path, cached: Callable[[], list[str]], damage: str) -> None:
    root = tmp_path / "data" / "mnist" / "MNIST" / "raw"
    write_idx(root)
    match damage:
        case "cut":
            (root / "t10k-images-idx3-ubyte").write_bytes((root / "t10k-images-idx3-ubyte").read_bytes()[:-1])
        case "gone":
            (root / "t10k-labels-idx1-ubyte").unlink()
        case _:
            (root / "t10k-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, 2) + bytes([2, 10]))
    with pytest.raises(SuiteError, match=r"cannot read data set 'mnist' in .*suite data prepare mnist"):
        load("mnist")
    assert cached() == []


def test_only_prepare_downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr(datasets.MNIST, "download", lambda self: calls.append(self.root))
    write_idx(tmp_path / "data" / "mnist" / "MNIST" / "raw")
    load("mnist")
    assert calls == []
    assert prepare("mnist").digest == load("mnist").digest
    assert len(calls) == 2


def test_a_failed_download_is_one_error(monkeypatch: pytest.MonkeyPatch, cached: Callable[[], list[str]]) -> None:
    def fail(self: object) -> None:
        raise RuntimeError("no route to host\nand more")

    monkeypatch.setattr(datasets.CIFAR10, "download", fail)
    with pytest.raises(SuiteError, match=r"cannot download 'cifar10' into .*: no route to host \(check"):
        prepare("cifar10")
    assert cached() == []
