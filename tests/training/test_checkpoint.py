"""Checkpoints: the newest, the one before where the newest is torn, and one clear error where both are."""

import logging
from pathlib import Path

import pytest
import torch
from torch import nn

from suite.errors import SuiteError
from suite.training import Epoch, Recipe, fit, remove_checkpoint
from suite.training.checkpoint import read_checkpoint, write_checkpoint


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def two(path: Path) -> Path:
    write_checkpoint(path, {"epoch": 1, "weight": torch.ones(3)})
    write_checkpoint(path, {"epoch": 2, "weight": torch.zeros(3)})
    return path


def epoch_of(path: Path) -> int:
    state = read_checkpoint(path)
    assert state is not None
    return int(state["epoch"])


def damage(path: Path, how: str) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] if how == "truncated" else b"" if how == "empty" else b"\0" * 99)


def test_nothing_is_nothing_and_the_newest_wins(path: Path, two: Path) -> None:
    assert read_checkpoint(path.with_name("another")) is None
    assert epoch_of(two) == 2


@pytest.mark.parametrize("how", ["truncated", "empty", "zeroed"])
def test_a_torn_file_falls_back_to_the_previous_one_and_says_so(
    two: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    damage(two, how)
    with caplog.at_level(logging.WARNING):
        assert epoch_of(two) == 1
    assert [record.getMessage() for record in caplog.records] == [
        f"the training checkpoint {two} is damaged",
        f"continuing from the previous checkpoint, {two}.previous",
    ]


def test_who_finds_the_newest_taken_away_writes_his_own(two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes that train the same thing where there are no locks."""
    replace = Path.replace

    def quicker(path: Path, target: Path) -> Path:
        if path == two:
            two.unlink()
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", quicker)
    write_checkpoint(two, {"epoch": 3})
    assert read_checkpoint(two) == {"epoch": 3}


def test_killed_between_two_files_the_previous_one_counts(two: Path, caplog: pytest.LogCaptureFixture) -> None:
    two.unlink()
    assert epoch_of(two) == 1
    assert not caplog.records


def test_without_any_sound_file_there_is_one_clear_error(two: Path) -> None:
    damage(two, "truncated")
    damage(two.with_name("state.previous"), "truncated")
    with pytest.raises(SuiteError, match=r"state cannot be read \(delete it"):
        read_checkpoint(two)
    remove_checkpoint(two)
    assert read_checkpoint(two) is None
    assert not list(two.parent.iterdir())


def test_training_goes_on_from_the_previous_checkpoint_to_the_same_bits(path: Path) -> None:
    images, labels = torch.rand(30, 1, 2, 2), torch.arange(30) % 3

    def model() -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(nn.Flatten(), nn.Linear(4, 3))

    whole, torn = model(), model()
    undisturbed = fit(whole, images, labels, Recipe(5, 8, 0.1, momentum=0.9), seed=1)

    def stop(epoch: Epoch) -> None:
        if epoch.number == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fit(torn, images, labels, Recipe(5, 8, 0.1, momentum=0.9), seed=1, on_epoch=stop, checkpoint=path)
    damage(path, "truncated")
    told, again = list[int](), model()
    history = fit(
        again,
        images,
        labels,
        Recipe(5, 8, 0.1, momentum=0.9),
        seed=1,
        on_epoch=lambda epoch: told.append(epoch.number),
        checkpoint=path,
    )
    assert told == [3, 4]  # the fourth epoch was lost with the file, the others were not
    assert history == undisturbed
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), again.parameters(), strict=True))
