"""What the simulated attack and the simulated training share: draws by run, steps that are read, Eq. 21 and 22."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from modules.linbp.theory import StepSizeCondition

RULES = ("bp", "linbp")
TRAJECTORIES = ("simulated", "expected")
DISTANCES = (*RULES, *(f"expected {rule}" for rule in RULES))
LOSSES = tuple(f"loss {rule}" for rule in RULES)
CHUNK = 128  # most runs that are computed at once and stored together: what an interruption can lose
MEMORY = 2**24  # numbers that they may hold
DENSE, SPARSE = 200, 100  # up to DENSE steps all are read, of more this many evenly spaced and up to SPARSE early ones


def run_generator(seed: int, run: int) -> np.random.Generator:
    """The draws of one run, keyed by (seed, run): neither the number of runs nor the chunk changes them."""
    return np.random.Generator(np.random.Philox(key=np.array([seed, run], np.uint64)))


def run_chunks(runs: int, size: int) -> list[range]:
    """The runs 0..runs-1 in parts of at most CHUNK, and of at most MEMORY numbers where a run holds `size`."""
    length = max(1, min(CHUNK, MEMORY // size))
    return [range(first, min(first + length, runs)) for first in range(0, runs, length)]


def read_steps(steps: int) -> list[int]:
    """The steps of 0..steps at which results are read, the first and the last among them, in ascending order."""
    if steps <= DENSE:
        return list(range(steps + 1))
    even, early = np.linspace(0, steps, DENSE + 1), np.geomspace(1, steps, SPARSE)
    return sorted({round(step) for step in (*even, *early)})


def stacked(arrays: Sequence[np.ndarray], device: torch.device) -> Tensor:
    """Draws of several runs as one tensor, runs first."""
    return torch.from_numpy(np.stack(arrays)).to(device)


def l1_distance(x: Tensor, x_star: Tensor) -> Tensor:
    """|x - x*|_1 over the last axis."""
    return (x - x_star).abs().sum(-1)


@contextmanager
def one_thread() -> Iterator[None]:
    """Within the block torch uses one CPU thread: these tensors are too small to share, and waiting costs tenfold."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class ConditionLog:
    """Eq. 21 or 22 along a simulated and an expected trajectory of BP, and where it has held from the start on.

    Args:
        start, x_star: (R, 1, d).
        rates: by name of `units`, the rate r = step size * units / 2.
    """

    def __init__(self, start: Tensor, x_star: Tensor, rates: dict[str, float]) -> None:
        both = start.expand(-1, len(TRAJECTORIES), -1)
        self._rates = torch.tensor(list(rates.values()), dtype=start.dtype, device=start.device)
        self._condition = StepSizeCondition(both, x_star, self._rates)
        self._held = torch.ones((len(rates), *both.shape), dtype=torch.bool, device=start.device)
        self._names = [f"held {trajectory} {name}" for name in rates for trajectory in TRAJECTORIES]
        self._steps = 0

    def take(self, simulated: Tensor, expected: Tensor) -> None:
        """The states (R, d) before the next step."""
        self._held = self._held & self._condition.after(torch.stack([simulated, expected], 1))
        self._steps += 1

    def read(self) -> Tensor:
        """(F * 2, R): the share of coordinates for which the condition has held at all steps so far.

        NaN where |1 - r|^m is so small that both sides of the condition are rounding: it cannot be evaluated there.
        """
        share = self._held.to(torch.float64).mean(-1).transpose(1, 2)
        resolved = (1 - self._rates).abs() ** self._steps > 1e-10
        return share.where(resolved[:, None, None], torch.nan).flatten(0, 1)

    @property
    def names(self) -> list[str]:
        """`held TRAJECTORY UNITS` for the rows that `read` gives."""
        return self._names
