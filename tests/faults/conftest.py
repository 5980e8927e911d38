"""The plugin `tried`, installed for this process and the commands that it begins, and its command line in this one."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from suite.host.cli import main
from suite.host.executors.point import registry

from .areas import plugin


@pytest.fixture(scope="module")  # not longer: a plugin that stays is one more study in every later test
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with plugin(tmp_path_factory.mktemp("tried")):
        yield


@pytest.fixture
def suite(site: None, workplace: Path) -> Iterator[Callable[[str], Result]]:
    """Runs a command line in this process; words as typed, separated by spaces."""
    registry.cache_clear()
    yield lambda typed: CliRunner().invoke(main, typed.split(), prog_name="suite")
    registry.cache_clear()
