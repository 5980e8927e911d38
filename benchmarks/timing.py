"""What the benchmarks share: a clock, ways that are timed in turns, and lines that appear at once."""

import sys
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

import torch

Result = TypeVar("Result")


def clock(device: str = "cpu") -> float:
    """CPU time of the process on the CPU, so that other work on the machine does not count; else wall-clock time."""
    if device == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def in_turns(
    ways: Mapping[str, Callable[[], Result]], repeats: int, device: str = "cpu"
) -> tuple[dict[str, list[float]], dict[str, Result]]:
    """Seconds of each way, `repeats` times, and what each gave in a first round that does not count."""
    results = {way: work() for way, work in ways.items()}
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(repeats):
        for way, work in ways.items():
            begin = clock(device)
            work()
            seconds[way].append(clock(device) - begin)
    return seconds, results


def write(line: str) -> None:
    """Prints a line that is seen at once, also in a file."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
