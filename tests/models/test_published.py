"""Published CIFAR-10 checkpoints reach their known accuracy on real images."""

import io
import math
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image

from suite.data import Dataset, Split
from suite.models import load
from suite.training import evaluate, resident

STRIDE = 10  # every tenth test image: 100 of each class


def cifar10(archive: Path) -> Dataset:
    with ZipFile(archive) as files:
        names = [name for name in sorted(files.namelist()) if name.startswith("test/") and name.endswith(".jpg")]
        chosen = names[::STRIDE]
        images = [np.asarray(Image.open(io.BytesIO(files.read(name)))) for name in chosen]
    classes = sorted({name.split("/")[1] for name in names})
    labels = np.array([classes.index(name.split("/")[1]) for name in chosen])
    split = Split(np.stack(images).transpose(0, 3, 1, 2), labels)
    return Dataset("cifar10-jpeg", tuple(classes), split, split, "0" * 64)


@pytest.mark.parametrize(
    ("name", "file", "accuracy"),
    [
        ("resnet20", "resnet20-12fca82f.th", 0.810),
        ("resnet32", "resnet32-d509ac18.th", 0.826),
        ("resnet56", "resnet56-4bfd9763.th", 0.832),
    ],
)
def test_accuracy_on_the_jpeg_test_set(name: str, file: str, accuracy: float, shared: Callable[[str], Path]) -> None:
    dataset = cifar10(shared("data/cifar10-jpeg.zip"))
    model = load(f"{name}@{shared('models/cifar10') / file}", dataset)
    count = len(dataset.test)
    assert count == 1000
    tolerance = 3 * math.sqrt(accuracy * (1 - accuracy) / count)
    assert evaluate(model, *resident(dataset.test)).accuracy == pytest.approx(accuracy, abs=tolerance)
    # The file's name ends in the first digits of its sha256.
    assert f"(sha256 {file[-11:-3]}" in model.info.source
