"""Every hostile file of weights is one line within two seconds."""

import gc
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from suite.data import Dataset
from suite.errors import SuiteError
from suite.models import load
from tests.models.hostile import good, hostile

with warnings.catch_warnings(action="ignore"):  # of sparse layouts and quantisation, which are to be refused
    FILES = dict(hostile())


def test_the_file_that_they_are_made_from_loads(noise: Callable[..., Dataset], tmp_path: Path) -> None:
    torch.save(good(), tmp_path / "w.pt")
    assert load(f"two-layer(width=4)@{tmp_path / 'w.pt'}", noise()).info.digest


@pytest.mark.parametrize("name", FILES)
def test_hostile_files(name: str, noise: Callable[..., Dataset], tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(FILES[name])
    gc.freeze()  # what earlier tests left is not searched for garbage on this file's account
    begun = time.process_time()
    with pytest.raises(SuiteError) as error:
        load(f"two-layer(width=4)@{tmp_path / name}", noise())
    spent = time.process_time() - begun
    gc.unfreeze()
    assert spent < 2
    assert "\n" not in str(error.value) and len(str(error.value)) < 1_000
