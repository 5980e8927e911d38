"""Looking at who is fooled every few steps gives what looking at every step does."""

import sys
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from suite.attacks import Autograd, apgd
from suite.attacks.climb import climb
from suite.attacks.waiting import WINDOW
from tests.attacks.test_fixed_shape import Waits

MODULES = ("suite.attacks.apgd", "suite.attacks.sparse_apgd")


def net() -> nn.Module:
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(96, 4))
    return layers.eval().requires_grad_(False).double()


def images(n: int = 40) -> Tensor:
    return torch.rand(n, 3, 6, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch) -> Any:
    def every(steps: int | None) -> None:
        for name in MODULES:
            monkeypatch.setattr(sys.modules[name], "climb", partial(climb, window=steps))

    return every


@pytest.mark.parametrize(("norm", "eps"), [("linf", 0.02), ("l2", 0.15), ("l1", 1.0)])
def test_the_result_does_not_depend_on_how_often_it_is_looked(norm: Any, eps: float, looking: Any) -> None:
    """Samples are fooled at different steps, some at none; in float64 batches of other sizes differ by rounding."""
    model, x = net(), images()
    y = model(x).argmax(1)
    results = {}
    for window in (1, WINDOW, 100):
        looking(window)
        results[window] = apgd(Autograd(model), x, y, eps, 12, norm=norm, early_stop=True)
    fooled, found = results[1]
    assert 0 < int(fooled.sum()) < len(x)
    for other, there in (results[WINDOW], results[100]):
        assert torch.equal(other, fooled)
        torch.testing.assert_close(there, found, rtol=0, atol=1e-10)
    assert torch.equal(model(found).argmax(1) != y, fooled)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_the_host_waits_once_a_window(norm: Any, looking: Any) -> None:
    model, x = net(), images()
    y = model(x).argmax(1)

    def waits(steps: int, early_stop: bool) -> int:
        with Waits() as watched:
            apgd(Autograd(model), x, y, 1e-6, steps, norm=norm, early_stop=early_stop)  # fools nobody
        return int(watched.count.total())

    looking(WINDOW)
    assert waits(2 * WINDOW + 1, early_stop=False) == waits(1, early_stop=False)
    assert waits(2 * WINDOW + 1, early_stop=True) == waits(1, early_stop=True) + 2
    looking(1)
    assert waits(2 * WINDOW + 1, early_stop=True) == waits(1, early_stop=True) + 2 * WINDOW  # so this tells


def test_a_cpu_looks_before_every_step() -> None:
    """A sample that is fooled costs nothing any more."""
    model, x = net(), images()
    y = model(x).argmax(1)
    sizes: list[int] = []

    def counting(at: Tensor, cotangent: Any) -> tuple[Tensor, Tensor]:
        sizes.append(len(at))
        return Autograd(model)(at, cotangent)

    apgd(counting, x, y, 0.02, 12, early_stop=True)
    assert sizes == sorted(sizes, reverse=True) and sizes[2] < sizes[0] and WINDOW > 2
