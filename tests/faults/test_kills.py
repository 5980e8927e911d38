"""The short form of `make faults`: a few kills of each kind, and four processes at once."""

from pathlib import Path

import pytest

from .areas import areas
from .kills import try_kills
from .others import at_once

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found in /proc: Linux")


@pytest.mark.parametrize("name", ["study", "zoo", "decoding"])
def test_after_a_few_kills_everything_is_as_without(site: None, tmp_path: Path, name: str) -> None:
    area, _ = areas(tmp_path / "inputs")[name]
    tally = try_kills(area, tmp_path / "work" / "here", kills=2, seed=1)
    assert (tally.faults, tally.survived) == ([], 2)


def test_four_processes_at_once_on_an_empty_cache(site: None, tmp_path: Path) -> None:
    area, _ = areas(tmp_path / "inputs")["zoo"]
    assert at_once(area, tmp_path / "work" / "here", rounds=1).faults == []
