"""What a step frees is taken again without asking the system: told by its page faults."""

import os
import platform
import subprocess
import sys

import pytest

from suite.host import allocator
from suite.host.allocator import keep_freed_memory

FAULTS = """
import resource
import numpy as np
{first}
def step():
    np.ones(5 * 2**20)
step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
KEEP = "from suite.host.allocator import keep_freed_memory; assert keep_freed_memory()"


def faults(first: str) -> int:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    code = FAULTS.format(first=first)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=clean)
    return int(done.stdout)


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc" or tuple(map(int, platform.libc_ver()[1].split("."))) < (2, 35),
    reason="needs glibc 2.35 or newer, which keeps blocks of more than 32 MiB",
)
def test_freed_memory_is_taken_again_without_page_faults() -> None:
    """20 arrays of 40 MiB: by itself glibc asks the system every time, at least one page for each."""
    assert faults(KEEP) < 20 <= faults("")


@pytest.mark.parametrize("name", ["MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"])
def test_who_has_set_the_allocator_keeps_what_they_set(name: str) -> None:
    assert not keep_freed_memory({name: "1"})


class Older:
    """glibc before 2.35, which refuses a threshold above 32 MiB."""

    def __init__(self, largest: int = 2**25) -> None:
        self.largest, self.options = largest, dict[int, int]()

    def mallopt(self, option: int, value: int) -> int:
        if option == -3 and value > self.largest:
            return 0
        self.options[option] = value
        return 1


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="about Linux")
@pytest.mark.parametrize(("largest", "kept"), [(2**25, {-3: 2**25, -1: 2**31 - 1, -2: 2**26}), (0, {})])
def test_an_older_library_keeps_what_it_may_or_is_left_alone(
    largest: int, kept: dict[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of it would fix the threshold at 128 KiB, which is worse than nothing."""
    library = Older(largest)
    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda name: library)
    assert keep_freed_memory({}) == bool(kept) and library.options == kept


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not keep_freed_memory({})
