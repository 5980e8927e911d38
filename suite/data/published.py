"""The published data sets, read by torchvision's own classes from `data_root()/NAME`."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite.data.source import SPLITS, Contents, Decoded, Source, stamp, to_array
from suite.errors import SuiteError, one_line
from suite.locks import made_once
from suite.paths import data_root

DIGITS = tuple("0123456789")


@dataclass(frozen=True)
class Published:
    """A data set that torchvision can read.

    Args:
        reader: name of its class in `torchvision.datasets`.
        summary: one line with its paper.
        classes: class names in label order where torchvision has none that fit.
    """

    reader: str
    summary: str
    classes: tuple[str, ...] = ()


PUBLISHED: Mapping[str, Published] = {
    "mnist": Published("MNIST", "70,000 handwritten digits, 28x28, grey (LeCun et al. 1998)", DIGITS),
    "fashion_mnist": Published("FashionMNIST", "70,000 clothes in 10 classes, 28x28, grey (Xiao et al. 2017)"),
    "cifar10": Published("CIFAR10", "60,000 photographs in 10 classes, 32x32, RGB (Krizhevsky 2009)"),
    "cifar100": Published("CIFAR100", "60,000 photographs in 100 classes, 32x32, RGB (Krizhevsky 2009)"),
    "svhn": Published("SVHN", "99,289 house-number digits, 32x32, RGB (Netzer et al. 2011)", DIGITS),
}


def root_of(name: str) -> Path:
    """The folder that holds a published data set in torchvision's layout."""
    return data_root() / name


def source(name: str) -> Source:
    """The files of a published data set. Raises SuiteError when there are none."""
    root = root_of(name)
    files = sorted(path for path in root.resolve().rglob("*") if path.is_file())
    if not files:
        raise SuiteError(
            f"data set {name!r} is not in {root}",
            f"run `suite data prepare {name}`, or set SUITE_DATA to the folder that holds {name}/",
        )
    return Source(name, (name, *map(stamp, files)), lambda: _read(name))


def download(name: str) -> None:
    """Fetches what is missing of a published data set into its folder. Raises SuiteError when that fails."""
    with made_once(root_of(name), f"the files of {name}"):
        for split in SPLITS:
            try:
                _open(name, split, download=True)
            except Exception as error:  # torchvision lets through whatever network, archive and disk raise
                raise SuiteError(
                    f"cannot download {name!r} into {root_of(name)}: {one_line(error)}",
                    f"check the network and the disk, or copy torchvision's files for {name} there by hand",
                ) from error


@contextmanager
def _read(name: str) -> Iterator[Contents]:
    try:
        train, test = (_decode(_open(name, split, download=False)) for split in SPLITS)
        classes = PUBLISHED[name].classes or tuple(_open(name, "test", download=False).classes)
        if not {*train.labels, *test.labels} <= {*range(len(classes))}:
            raise ValueError("a label is out of range")
    except Exception as error:  # damaged files end in errors of many types in torchvision's readers
        raise SuiteError(
            f"cannot read data set {name!r} in {root_of(name)}: {one_line(error)}",
            f"delete what is damaged there and run `suite data prepare {name}`",
        ) from error
    yield Contents(classes, train, test)


def _open(name: str, split: str, *, download: bool) -> Any:
    """The torchvision data set of a split."""
    from torchvision import datasets

    choice = {"split": split} if name == "svhn" else {"train": split == "train"}
    return getattr(datasets, PUBLISHED[name].reader)(root_of(name), download=download, **choice)


def _decode(dataset: Any) -> Decoded:
    pairs = [(to_array(image), int(label)) for image, label in (dataset[i] for i in range(len(dataset)))]
    images, labels = zip(*pairs, strict=True)
    return Decoded(images[0].shape, images, list(labels))
