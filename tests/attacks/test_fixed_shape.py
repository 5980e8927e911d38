"""The walk for GPUs, on a CPU: the other one's numbers, and nothing in its steps that waits for a device."""

from collections import Counter
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from modules.linbp import linbp
from suite.attacks import (
    Adversary,
    Autograd,
    Settings,
    SignSteps,
    Trajectory,
    ball_noise,
    iterate,
    random_starts,
    sign_steps,
)
from suite.attacks.fixed_shape import iterate_in_fixed_shapes
from suite.attacks.waiting import WINDOW
from suite.gradients import bp

STEP = 0.007
EPSILONS = (0.0, 0.02, 0.035, 0.2)
RULES = {"bp": bp, "linbp": lambda model: linbp(model, "all")}


class Waits(TorchDispatchMode):
    """Counts what makes a host wait for its GPU: values that are read, and shapes that depend on values."""

    READ = frozenset({
        torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default, torch.ops.aten.equal.default,
        torch.ops.aten.masked_select.default, torch.ops.aten._unique2.default,
    })  # fmt: skip
    INDEX = frozenset({
        torch.ops.aten.index.Tensor, torch.ops.aten.index_put.default, torch.ops.aten.index_put_.default,
        torch.ops.aten._index_put_impl_.default,
    })  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.count = Counter[str]()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        masks = any(isinstance(each, Tensor) and each.dtype == torch.bool for each in tree_leaves(args[1:2]))
        if function in self.READ or (function in self.INDEX and masks):
            self.count[str(function)] += 1
        return function(*args, **(kwargs or {}))


def net() -> nn.Module:
    torch.manual_seed(0)
    layers = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.Flatten(),
        nn.Linear(288, 5),
    )  # fmt: skip
    return layers.double().eval().requires_grad_(False)


def images(n: int = 16) -> Tensor:
    return torch.rand(n, 3, 6, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def both(settings: Settings, rule: str = "bp", *, random: bool = False, **more: Any) -> tuple[Trajectory, Trajectory]:
    """By `iterate` and in fixed shapes; images whose labels are wrong from the start among them."""
    model, x = net(), images()
    y = model(x).argmax(1)
    y[:2] = (y[:2] + 1) % 5
    epsilons = tuple(eps * (1 if settings.norm == "linf" else 10) for eps in EPSILONS)
    noise = ball_noise(range(len(x)), tuple(x.shape[1:]), seed=0, norm=settings.norm).double()
    start = random_starts(x, noise, epsilons, settings) if random else None
    given = (Autograd(RULES[rule](model)), model, x, y, epsilons, settings)
    return iterate(*given, start=start, **more), iterate_in_fixed_shapes(*given, start=start, **more)


def assert_alike(one: Trajectory, other: Trajectory) -> None:
    assert torch.equal(one.fooled, other.fooled) and torch.equal(one.prediction, other.prediction)
    torch.testing.assert_close(other.adversarials, one.adversarials, rtol=0, atol=1e-12)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("early_stop", [True, False])
@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("random", [True, False])
def test_equals_the_other_walk(rule: str, early_stop: bool, norm: str, random: bool) -> None:
    scale = 1 if norm == "linf" else 10
    settings = Settings(12, STEP * scale, norm, early_stop=early_stop)  # type: ignore[arg-type]
    one, other = both(settings, rule, random=random)
    assert 0.1 < float(one.fooled[..., -1].double().mean()) < 0.9  # some leave, and some never do
    assert_alike(one, other)


@pytest.mark.parametrize("loss", ["nll_logits", "stable_ce"])
def test_other_losses_and_targets(loss: str) -> None:
    assert_alike(*both(Settings(7, STEP, loss=loss)))
    assert_alike(*both(Settings(12, STEP, loss="ce", targeted=True)))


@pytest.mark.parametrize("early_stop", [True, False])
def test_a_judge_that_is_harder_to_fool(early_stop: bool) -> None:
    """A claim counts where the judge agrees, and everywhere at the readings and the end."""
    judge = net()
    last = judge[-1]
    assert isinstance(last, nn.Linear)
    last.bias += 0.05 * torch.tensor([1.0, -1, 0.5, 0, 2], dtype=torch.float64)
    settings = Settings(12, STEP, early_stop=early_stop)
    alone, _ = both(settings)
    one, other = both(settings, judge=judge, readings=(3, 7))
    assert not torch.equal(one.fooled, alone.fooled)
    assert_alike(one, other)


def test_all_are_fooled_before_the_first_wait() -> None:
    model, x = net(), images()
    y = (model(x).argmax(1) + 1) % 5
    given = (Autograd(model), model, x, y, (0.1, 0.2), Settings(2 * WINDOW, STEP))
    assert_alike(iterate(*given), iterate_in_fixed_shapes(*given))


def test_a_batch_of_none() -> None:
    model, x = net(), images(0)
    given = (Autograd(model), model, x, torch.zeros(0, dtype=torch.int64), (0.1, 0.2), Settings(3, STEP))
    assert_alike(iterate(*given), iterate_in_fixed_shapes(*given))


def waits(walk: Any, steps: int, **settings: Any) -> int:
    model, x = net(), images(6)
    y = model(x).argmax(1)
    with Waits() as watched:
        walk(Autograd(model), model, x, y, EPSILONS, Settings(steps, STEP, **settings), judge=model, readings=(2,))
    return watched.count.total()


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("loss", ["ce", "nll_logits", "stable_ce"])
def test_steps_wait_for_nothing(norm: str, loss: str) -> None:
    """Labels are looked at once, before the first step, and on a CPU alone."""
    one, many = (waits(iterate_in_fixed_shapes, k, norm=norm, loss=loss, early_stop=False) for k in (1, 9))
    assert one == many
    assert waits(iterate, 9, early_stop=False) > waits(
        iterate, 1, early_stop=False
    )  # the other walk does, so this tells


def test_early_stop_waits_once_every_few_steps() -> None:
    one, many = (waits(iterate_in_fixed_shapes, k) for k in (1, 2 * WINDOW + 1))
    assert many == one + 2


def test_walks_of_trainings_and_of_transfer_wait_for_nothing() -> None:
    """They have no other form for a GPU. A training's labels are looked at on a CPU alone, at every step."""
    model, x = net(), images(6)
    y, directions = model(x).argmax(1), []
    with Waits() as watched:
        sign_steps(lambda at, step: directions.append(at) or at.sin(), x, (0.01, 0.1), SignSteps(9, 0.01))
    assert len(directions) == 9 and not watched.count
    with Waits() as watched:
        Adversary(model, 0.03, Settings(9, 0.01), start="near", against="clean")(x, y)
    assert not watched.count
