"""What a step frees is taken again without asking the system: told by its page faults."""

import subprocess
import sys

import pytest

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
    done = subprocess.run(
        [sys.executable, "-c", FAULTS.format(first=first)], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(not keep_freed_memory({}), reason="no glibc here")
def test_freed_memory_is_taken_again_without_page_faults() -> None:
    """20 arrays of 40 MiB: above 32 MiB glibc asks the system every time, at least one page for each."""
    assert faults(KEEP) < 20 <= faults("")


@pytest.mark.parametrize("name", ["MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"])
def test_who_has_set_the_allocator_keeps_what_they_set(name: str) -> None:
    assert not keep_freed_memory({name: "1"})


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not keep_freed_memory({})
