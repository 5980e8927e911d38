"""What the simulated studies share: parts, steps that are read, threads."""

import pytest
import torch

from modules.linbp.simulation import CHUNK, MEMORY, one_thread, read_steps, run_chunks


def test_chunks_cover_the_runs_and_keep_within_memory() -> None:
    for runs, size in ((10, 1), (CHUNK, 1), (2 * CHUNK + 3, 1), (9, MEMORY // 4), (3, 2 * MEMORY)):
        chunks = run_chunks(runs, size)
        assert [run for chunk in chunks for run in chunk] == list(range(runs))
        assert all(len(chunk) <= CHUNK and (len(chunk) == 1 or len(chunk) * size <= MEMORY) for chunk in chunks)


def test_steps_that_are_read() -> None:
    assert read_steps(100) == list(range(101))
    long = read_steps(10_000)
    assert long[0] == 0 and long[-1] == 10_000 and long == sorted(set(long)) and len(long) < 310
    assert {1, 2, 50, 5000} <= set(long)


def test_threads_are_given_back() -> None:
    before = torch.get_num_threads()
    with pytest.raises(ZeroDivisionError), one_thread():
        assert torch.get_num_threads() == 1
        raise ZeroDivisionError
    assert torch.get_num_threads() == before
