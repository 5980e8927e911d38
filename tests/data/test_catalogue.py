import io
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image

from suite.data import NAMES, describe, load, prepare
from suite.data.foolbox_samples import SAMPLES
from suite.errors import SuiteError

CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


@pytest.mark.parametrize(("typed", "meant"), [("minst", "mnist"), ("cifar-10", "cifar10"), ("digit", "digits")])
def test_an_unknown_name_is_answered_with_the_nearest(typed: str, meant: str) -> None:
    with pytest.raises(SuiteError, match=f"there is no data set '{typed}' .did you mean .*{meant}"):
        load(typed)


@pytest.mark.parametrize("typed", ["", "folder:", "zzzz"])
def test_what_is_no_name_at_all_is_answered_too(typed: str) -> None:
    with pytest.raises(SuiteError, match=f"there is no data set '{typed}'"):
        prepare(typed)


def test_a_bare_path_is_answered_with_the_way_to_write_it(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=f"write folder:{tmp_path}"):
        load(str(tmp_path))


def test_describe_lists_every_name_and_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "data" / "svhn").mkdir(parents=True)
    (tmp_path / "data" / "svhn" / "train_32x32.mat").touch()
    (tmp_path / "data" / "cifar10").mkdir()
    rows = {row.name: row for row in describe()}
    assert list(rows) == [*NAMES, "folder:PATH"]
    assert [name for name in NAMES if rows[name].present] == ["digits", "svhn", *SAMPLES]
    assert rows["mnist"].where == str(tmp_path / "data" / "mnist")


def test_prepare_of_embedded_and_own_data_is_load(pack: Callable[..., Path], pets: dict[str, bytes]) -> None:
    for ref in ("digits", f"folder:{pack(pets)}"):
        assert prepare(ref).digest == load(ref).digest


def test_real_photographs_from_a_zip(real_data: Callable[[str], Path], pack: Callable[..., Path]) -> None:
    """A part of CIFAR-10 as JPEGs: in the label order of CIFAR-10, every pixel as Pillow decodes it."""
    with ZipFile(real_data("cifar10-jpeg.zip")) as archive:
        names = [f"{split}/{label}/{n:04}.jpg" for split in ("train", "test") for label in CIFAR10 for n in range(20)]
        files = {name: archive.read(name) for name in names}
    data = load(f"folder:{pack(files)}")
    assert data.classes == CIFAR10
    assert data.shape == (3, 32, 32)
    for split, labelled in ((data.train, names[:200]), (data.test, names[200:])):
        assert split.labels.tolist() == [CIFAR10.index(name.split("/")[1]) for name in labelled]
        expected = np.stack([np.asarray(Image.open(io.BytesIO(files[name]))) for name in labelled])
        np.testing.assert_array_equal(split.images.transpose(0, 2, 3, 1), expected)
