"""l2-PGD on batched lazy nets: against a plain loop with autograd, closed forms, invariants, gradient rules."""

from functools import partial

import pytest
import torch
from torch import Tensor

from modules.lazy_regime import pgd
from modules.lazy_regime.nets import LazyNets, initial
from modules.lazy_regime.pgd import Attack, correct, gradient_field, l2_pgd
from modules.linbp.gradient import linbp
from suite.errors import SuiteError
from suite.gradients import bp, leaky

EPS = torch.tensor([0.05, 0.3, 0.9], dtype=torch.float64)


@pytest.fixture
def nets() -> LazyNets:
    return initial([0, 1, 2], 256, 12, dtype=torch.float64)


@pytest.fixture
def points() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(5)
    x = torch.rand(9, 12, generator=generator, dtype=torch.float64)
    y = torch.where(torch.arange(9) % 2 == 0, 1.0, -1.0).double()
    return x / x.norm(dim=1, keepdim=True), y


def crafted(nets: LazyNets, points: tuple[Tensor, Tensor], attack: Attack, rule: object = bp) -> Tensor:
    return l2_pgd(gradient_field(nets, rule), *points, EPS[: len(nets.weight)], attack, nets.shape[1])  # type: ignore[arg-type]


def plain(nets: LazyNets, x: Tensor, y: Tensor, eps: float, steps: int, clip: bool) -> Tensor:
    """One net: logistic loss, autograd, a step of 2.5 eps / steps along the unit gradient, clip, then projection."""
    delta = torch.zeros_like(x)
    for _ in range(steps):
        at = (x + delta).requires_grad_()
        loss = torch.log1p(torch.exp(-y * nets(at)[0])).sum()
        (gradient,) = torch.autograd.grad(loss, at)
        delta = delta + 2.5 * eps / steps * gradient / gradient.norm(dim=1, keepdim=True)
        if clip:
            delta = (x + delta).clamp(0, 1) - x
        delta = delta * (eps / delta.norm(dim=1, keepdim=True).clamp(min=eps))
    return x + delta


@pytest.mark.parametrize("clip", [False, True])
def test_it_is_the_plain_loop_net_by_net(nets: LazyNets, points: tuple[Tensor, Tensor], clip: bool) -> None:
    found = crafted(nets, points, Attack(12, clip))
    for place, eps in enumerate(EPS.tolist()):
        expected = plain(nets.at([place]), *points, eps, 12, clip)
        torch.testing.assert_close(found[place], expected, rtol=0, atol=1e-12)


def test_the_ball_and_the_box_hold_it(nets: LazyNets, points: tuple[Tensor, Tensor]) -> None:
    x, _ = points
    for clip in (False, True):
        found = crafted(nets, points, Attack(20, clip))
        assert bool(((found - x).norm(dim=-1) <= EPS[:, None] * (1 + 1e-12)).all())
        inside = bool((found >= -1e-12).all() and (found <= 1 + 1e-12).all())
        assert inside == clip  # without it the largest eps leaves the box, or this test says nothing


def test_one_neuron_is_walked_along_its_row() -> None:
    """f = a relu(w . x): delta is -y a eps w / |w| while the neuron stays active, and nothing where it is not."""
    weight = torch.tensor([[[3.0, 4.0]]], dtype=torch.float64)
    nets = LazyNets(weight, torch.ones(1, 1, dtype=torch.float64))
    x = torch.tensor([[2.0, 2.0], [-1.0, -1.0]], dtype=torch.float64)  # active, and dead: no gradient, no NaN
    y = torch.tensor([1.0, 1.0], dtype=torch.float64)
    found = l2_pgd(gradient_field(nets, bp), x, y, torch.tensor([0.5], dtype=torch.float64), Attack(10), 1)
    expected = torch.tensor([[[2 - 0.3, 2 - 0.4], [-1.0, -1.0]]], dtype=torch.float64)
    torch.testing.assert_close(found, expected)


def test_it_still_has_a_direction_where_the_loss_is_flat() -> None:
    """|f| > 104 in float32: the sigmoid of -|f| is 0, and so is the loss's gradient."""
    nets = initial([0], 64, 6)
    with torch.no_grad():
        nets.weight *= 1000
    x = torch.eye(6)
    with torch.no_grad():
        before = nets(x)[0]
        y = before.sign()
        assert float(torch.sigmoid(-y * before).max()) == 0
        found = l2_pgd(gradient_field(nets, bp), x, y, torch.tensor([0.3]), Attack(10), 64)
        assert bool(((nets(found)[0] - before) * y < 0).all())


def test_the_closed_form_is_autograd_bit_for_bit(points: tuple[Tensor, Tensor]) -> None:
    """At m = 256 the factor 1 / sqrt m is a power of 2, and rounds nothing."""
    nets, x = initial([3, 4], 256, 12), points[0].float().expand(2, -1, -1)
    at = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(nets(at).sum(), at)
    assert torch.equal(gradient_field(nets, bp)(x), 16 * gradient)


def test_linbp_walks_along_its_constant_direction(nets: LazyNets, points: tuple[Tensor, Tensor]) -> None:
    """In closed form: x - y eps W^T a / |W^T a|; and the same as autograd under the rule finds."""
    x, y = points
    found = crafted(nets, points, Attack(10), linbp)
    direction = nets.linear_direction()
    direction = direction / direction.norm(dim=-1, keepdim=True)
    torch.testing.assert_close(found, x - y[:, None] * EPS[:, None, None] * direction, rtol=0, atol=1e-12)
    at = x.expand(3, -1, -1).clone().requires_grad_()
    (gradient,) = torch.autograd.grad(linbp(nets)(at).sum(), at)
    field = gradient_field(nets, linbp)(x.expand(3, -1, -1))
    torch.testing.assert_close(field.expand_as(gradient), gradient, rtol=1e-12, atol=1e-13)


def test_any_rule_goes_through_autograd(nets: LazyNets, points: tuple[Tensor, Tensor]) -> None:
    """leaky(1) is LinBP and leaky(0) is BP, found the slow way; what lies between is neither."""
    fast = {rule: crafted(nets, points, Attack(8), rule) for rule in (bp, linbp)}
    slow = {slope: crafted(nets, points, Attack(8), partial(leaky, slope=slope)) for slope in (0, 0.5, 1)}
    torch.testing.assert_close(slow[0], fast[bp], rtol=0, atol=1e-12)
    torch.testing.assert_close(slow[1], fast[linbp], rtol=0, atol=1e-12)
    assert min(float((slow[0.5] - fast[rule]).abs().max()) for rule in fast) > 1e-3
    assert all(parameter.requires_grad for parameter in nets.parameters())


def test_a_rule_that_does_not_fit_is_refused(nets: LazyNets) -> None:
    with pytest.raises(SuiteError, match="out of range"):
        gradient_field(nets, partial(linbp, start=3))
    with pytest.raises(SuiteError, match="no module 'layer4'"):
        gradient_field(nets, partial(linbp, start="layer4"))


def test_biases_shift_the_gates(points: tuple[Tensor, Tensor]) -> None:
    nets = initial([0, 1], 40, 12, biases=True, dtype=torch.float64)
    found = crafted(nets, points, Attack(6))
    for place, eps in enumerate(EPS[:2].tolist()):
        torch.testing.assert_close(found[place], plain(nets.at([place]), *points, eps, 6, False), rtol=0, atol=1e-12)


def test_neither_company_nor_parts_change_a_point(
    nets: LazyNets, points: tuple[Tensor, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    together = crafted(nets, points, Attack(10))
    alone = l2_pgd(gradient_field(nets.at([2]), bp), *points, EPS[2:], Attack(10), 256)
    torch.testing.assert_close(together[2:], alone, rtol=0, atol=1e-13)
    counts = correct(nets, together, points[1])
    monkeypatch.setattr(pgd, "MEMORY", 2 * 3 * 256)  # two points at a time
    torch.testing.assert_close(crafted(nets, points, Attack(10)), together, rtol=0, atol=1e-13)
    assert torch.equal(correct(nets, together, points[1]), counts)


def test_correct_counts_signs(nets: LazyNets, points: tuple[Tensor, Tensor]) -> None:
    x, y = points
    expected = [sum(bool(value * label > 0) for value, label in zip(row, y, strict=True)) for row in nets(x)]
    assert correct(nets, x, y).tolist() == expected
    assert correct(nets, x.expand(3, -1, -1), y).tolist() == expected
