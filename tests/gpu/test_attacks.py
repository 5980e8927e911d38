"""Attacks on a GPU: the numbers of a CPU, and steps that never make the host wait."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from modules.linbp import linbp
from suite.attacks import (
    Adversary,
    Autograd,
    Settings,
    SignSteps,
    Trajectory,
    exact_engine,
    fab,
    fast_engine,
    iterate,
    sign_steps,
    square,
)
from suite.attacks.compiled import Compiled
from suite.gradients import bp

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="no CUDA device here: run this on one that has it"
)
CUDA = torch.device("cuda", 0)
EPSILONS = (0.01, 0.03, 0.1)


def net() -> nn.Module:
    torch.manual_seed(0)
    layers = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(16 * 64, 10),
    )  # fmt: skip
    return layers.eval().requires_grad_(False)


def images(n: int = 64) -> Tensor:
    return torch.rand(n, 3, 8, 8, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def no_waiting() -> Iterator[None]:
    """Whatever makes the host wait for the device is an error."""
    torch.cuda.set_sync_debug_mode("error")
    yield
    torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("rule", [bp, lambda model: linbp(model, "all")], ids=["bp", "linbp"])
@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("early_stop", [True, False])
def test_the_walk_is_that_of_the_cpu(rule: object, norm: str, early_stop: bool) -> None:
    scale = 1 if norm == "linf" else 10
    settings = Settings(12, 0.004 * scale, norm, early_stop=early_stop)  # type: ignore[arg-type]

    def walk(device: torch.device) -> Trajectory:
        model, x = net().double().to(device), images().double().to(device)
        engine = exact_engine(model, rule, x)  # type: ignore[arg-type]
        radii = tuple(scale * eps for eps in EPSILONS)
        return iterate(engine.differentiate, engine.predict, x, model(x).argmax(1), radii, settings)

    here, there = walk(torch.device("cpu")), walk(CUDA)
    assert 0.05 < float(here.fooled[..., -1].double().mean()) < 0.95
    assert torch.equal(here.fooled, there.fooled.cpu()) and torch.equal(here.prediction, there.prediction.cpu())
    torch.testing.assert_close(there.adversarials.cpu(), here.adversarials, rtol=0, atol=1e-9)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_no_step_waits(norm: str, request: pytest.FixtureRequest) -> None:
    model, x = net().to(CUDA), images().to(CUDA)
    y, settings = model(x).argmax(1), Settings(8, 0.01, norm, early_stop=False)  # type: ignore[arg-type]
    differentiate = Autograd(model)
    request.getfixturevalue("no_waiting")
    iterate(differentiate, model, x, y, EPSILONS, settings, judge=model, readings=(4,))
    Adversary(model, 0.03, settings)(x, y)
    if norm == "linf":
        sign_steps(lambda at, step: at.sin(), x, (0.03,), SignSteps(8, 0.01))


@pytest.mark.parametrize(("norm", "eps"), [("linf", 0.03), ("l2", 0.4), ("l1", 2.0)])
def test_fab_and_square_are_those_of_the_cpu(norm: str, eps: float) -> None:
    def found(device: torch.device) -> list[Tensor]:
        model, x = net().double().to(device), images().double().to(device)
        y, targets = model(x).topk(2).indices.unbind(1)
        by_fab = fab(Autograd(model), model, x, y, targets, eps, 20, norm=norm)  # type: ignore[arg-type]
        ids = torch.arange(len(x), device=device)
        by_square = square(model, x, y, eps, 100, ids=ids, norm=norm)  # type: ignore[arg-type]
        return [each.cpu() for each in (*by_fab, by_square[0].double(), by_square[1])]

    for here, there in zip(found(torch.device("cpu")), found(CUDA), strict=True):
        torch.testing.assert_close(there, here, rtol=0, atol=1e-8)


@pytest.mark.parametrize("rule", [bp, lambda model: linbp(model, "all")], ids=["bp", "linbp"])
def test_a_compiled_step_is_the_plain_one_from_one_pass_to_the_next(rule: object) -> None:
    model, x = rule(net().to(CUDA)), images().to(CUDA)  # type: ignore[operator]
    plain = Autograd(model)
    step = Compiled(model, plain, torch.channels_last)

    def cotangent(logits: Tensor) -> Tensor:
        return logits.softmax(1)

    kept = [(step(at, cotangent), plain(at, cotangent)) for at in (x, 1 - x, x.flip(0), x[:40], x.flip(3))]
    for ours, theirs in kept:
        for one, other in zip(ours, theirs, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4 * float(other.abs().max()))


def test_bfloat16_agrees_with_the_exact_gradient() -> None:
    model, x = net().to(CUDA), images().to(CUDA)
    assert float(fast_engine(model, bp, x, precision="bf16").facts["sign_agreement"]) > 0.9
