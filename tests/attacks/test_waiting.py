"""FAB and Square give the same however often they look at who is fooled, and wait for a device no more often."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from suite.attacks import Autograd, fab, square
from suite.attacks.waiting import WINDOW, window_on
from tests.attacks.test_climb import images, net
from tests.attacks.test_fixed_shape import Waits

NORMS = [("linf", 0.05), ("l2", 0.3), ("l1", 2.0)]


def by_fab(norm: Any, eps: float, steps: int, window: int | None = None) -> tuple[Tensor, Tensor]:
    model, x = net(), images()
    y, targets = model(x).topk(2).indices.unbind(1)
    distances, nearest = fab(Autograd(model), model, x, y, targets, eps, steps, norm=norm, window=window)
    return distances <= eps, nearest


def by_square(norm: Any, eps: float, queries: int, window: int | None = None) -> tuple[Tensor, Tensor]:
    model, x = net(), images()
    y, ids = model(x).argmax(1), torch.arange(len(x))
    return square(model, x, y, eps, queries, ids=ids, norm=norm, window=window)


@pytest.mark.parametrize("attack", [by_fab, by_square])
@pytest.mark.parametrize(("norm", "eps"), NORMS)
def test_the_result_does_not_depend_on_how_often_it_is_looked(
    attack: Callable[..., tuple[Tensor, Tensor]], norm: str, eps: float
) -> None:
    """Samples are fooled at different steps, some at none; in float64 batches of other sizes differ by rounding."""
    fooled, found = attack(norm, eps, 23)
    assert 0 < int(fooled.sum()) < len(fooled)
    for window in (2, WINDOW, 100):
        other, there = attack(norm, eps, 23, window)
        assert torch.equal(other, fooled)
        torch.testing.assert_close(there, found, rtol=0, atol=1e-9)


@pytest.mark.parametrize("attack", [by_fab, by_square])
@pytest.mark.parametrize(("norm", "eps"), NORMS)
def test_the_host_waits_once_a_window(attack: Callable[..., tuple[Tensor, Tensor]], norm: str, eps: float) -> None:
    def waits(steps: int, window: int) -> int:
        with Waits() as watched:
            attack(norm, eps / 1000, steps, window)  # fools nobody
        return int(watched.count.total())

    a_window = waits(1 + WINDOW, WINDOW) - waits(1, WINDOW)
    assert a_window > 0 and waits(1 + 3 * WINDOW, WINDOW) - waits(1, WINDOW) == 3 * a_window
    assert waits(1 + WINDOW, 1) - waits(1, 1) == WINDOW * a_window  # so this tells


def test_a_cpu_looks_at_every_step() -> None:
    assert (window_on(torch.device("cpu")), window_on(torch.device("cuda"))) == (1, WINDOW)
