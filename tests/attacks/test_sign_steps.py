"""The loop of the transfer attacks: closed forms on linear directions, the fused loop bit for bit, shared paths."""

import pytest
import torch
from torch import Tensor, nn

from suite.attacks import Autograd, Settings, SignSteps, iterate, sign_steps
from suite.attacks.losses import LOSSES


def images(n: int = 6, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.rand(n, 1, 4, 4, generator=torch.Generator().manual_seed(0), dtype=dtype)


def net(dtype: torch.dtype) -> nn.Module:
    torch.manual_seed(0)
    layers = (nn.Conv2d(1, 6, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(96, 4))
    return nn.Sequential(*layers).to(dtype).eval().requires_grad_(False)


def test_a_constant_direction_goes_to_the_corner() -> None:
    """min(K step, eps) along the signs, within the pixel range; zero entries stay."""
    x = images()
    slope = torch.randn(1, 4, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    slope[0, 0] = 0
    found = sign_steps(lambda rows, step: slope.expand_as(rows), x, (0.03, 0.5), SignSteps(4, 0.02))
    for level, moved in enumerate((0.03, 0.08)):
        torch.testing.assert_close(found[level], (x + moved * slope.sign()).clamp(0, 1), rtol=0, atol=1e-15)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("epsilons", [(0.011, 0.035, 0.05, 0.4), (0.02,)])
def test_without_momentum_it_is_the_fused_loop_without_early_stop(
    dtype: torch.dtype, epsilons: tuple[float, ...]
) -> None:
    model, x, y = net(dtype), images(dtype=dtype), torch.arange(6) % 4
    differentiate = Autograd(model)
    theirs = iterate(differentiate, model, x, y, epsilons, Settings(9, 0.01, early_stop=False)).adversarials

    def direction(rows: Tensor, step: int) -> Tensor:
        labels = y.repeat(len(rows))
        return differentiate(rows.flatten(0, 1), lambda z: LOSSES["ce"](z, labels))[1].view_as(rows)

    ours = sign_steps(direction, x, epsilons, SignSteps(9, 0.01))
    assert torch.equal(ours, theirs)
    # A row a strength from the beginning is the same path.
    assert torch.equal(sign_steps(direction, x, epsilons, SignSteps(9, 0.01, share=False)), theirs)


def test_momentum_follows_its_formula() -> None:
    """g_t = decay g_{t-1} + d_t / |d_t|_1, x <- clip(x + step sign g_t): an explicit loop over samples and radii."""
    x, epsilons, settings = images(), (0.03, 0.2), SignSteps(12, 0.01, decay=0.7)
    waves = torch.randn(12, 6, 1, 4, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)

    def direction(rows: Tensor, step: int) -> Tensor:
        return waves[step] * (1 + rows)

    found = sign_steps(direction, x, epsilons, settings)
    plain = sign_steps(direction, x, epsilons, SignSteps(12, 0.01))
    assert not torch.equal(found, plain)
    for level, eps in enumerate(epsilons):
        for sample in range(6):
            at, momentum = x[sample], torch.zeros(1, 4, 4, dtype=torch.float64)
            for step in range(12):
                d = waves[step, sample] * (1 + at)
                momentum = 0.7 * momentum + d / d.abs().sum()
                at = at + 0.01 * momentum.sign()
                at = at.clamp(x[sample] - eps, x[sample] + eps).clamp(0, 1)
            torch.testing.assert_close(found[level, sample], at, rtol=0, atol=1e-13)


def test_a_zero_direction_stays_and_is_no_nan() -> None:
    x = images()
    found = sign_steps(lambda rows, step: torch.zeros_like(rows), x, (0.1, 0.2), SignSteps(3, 0.01, decay=1.0))
    assert torch.equal(found, x.expand(2, *x.shape))


def test_a_step_of_the_radius_is_fgsm_and_one_of_twice_the_radius_the_same() -> None:
    x, epsilons = images(), (0.03, 0.1)
    slope = torch.randn(x.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    found = sign_steps(lambda rows, step: slope.expand_as(rows), x, epsilons, SignSteps(1, None))
    for level, eps in enumerate(epsilons):
        torch.testing.assert_close(found[level], (x + eps * slope.sign()).clamp(0, 1), rtol=0, atol=1e-15)
        doubled = (x + 2 * eps * slope.sign()).clamp(x - eps, x + eps).clamp(0, 1)  # as released
        torch.testing.assert_close(found[level], doubled, rtol=0, atol=1e-15)


def test_strengths_share_a_path_until_a_ball_binds() -> None:
    rows: list[int] = []

    def direction(x: Tensor, step: int) -> Tensor:
        rows.append(len(x))
        return torch.ones_like(x)

    x = images()
    sign_steps(direction, x, (0.025, 0.055, 0.3), SignSteps(7, 0.01))
    assert rows == [1, 1, 1, 2, 2, 2, 3]  # the first ball binds in the third step, the second in the sixth
    rows.clear()
    sign_steps(direction, x, (0.02, 0.05, 0.3), SignSteps(3, 0.01, share=False))
    assert rows == [3, 3, 3]
    rows.clear()
    sign_steps(direction, x, (0.02, 0.05, 0.3), SignSteps(1, None))
    assert rows == [1]


def test_radii_must_ascend() -> None:
    with pytest.raises(ValueError, match="not ascending"):
        sign_steps(lambda rows, step: rows, images(), (0.2, 0.1), SignSteps(1))
