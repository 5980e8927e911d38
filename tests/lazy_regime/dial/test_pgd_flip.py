"""The smallest radius at which PGD flips: against the exact step where the field is constant, a scan elsewhere."""

import torch

from modules.lazy_regime.dial.pgd_flip import pgd_flips
from modules.lazy_regime.exact_flip import flip_steps
from modules.lazy_regime.nets import LazyNets, initial
from modules.lazy_regime.pgd import Attack, gradient_field, l2_pgd
from modules.linbp.gradient import linbp
from suite.gradients import bp

STEPS = 8


def scene() -> tuple[LazyNets, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    return initial([0, 1], 200, 12, dtype=torch.float64), torch.rand(7, 12, generator=generator, dtype=torch.float64)


def test_along_a_constant_field_it_is_the_exact_step() -> None:
    nets, x = scene()
    x = x / x.norm(dim=1, keepdim=True)
    field = gradient_field(nets, linbp)
    exact = flip_steps(nets, x, field(x).expand(2, 7, 12), -nets(x.expand(2, 7, 12)).sign())
    found = pgd_flips(nets, field, x, STEPS)
    assert (found.isinf() == (exact > 2)).all() and found.isfinite().any()
    reached = found.isfinite()
    assert (found[reached] >= exact[reached] * (1 - 1e-9)).all()
    assert (found[reached] <= exact[reached] * 1.011).all()


def test_the_attack_flips_at_that_radius_and_not_one_per_cent_below() -> None:
    nets, x = scene()
    field = gradient_field(nets, bp)
    side, found = nets(x.expand(2, 7, 12)).sign(), pgd_flips(nets, field, x, STEPS)
    assert found.isfinite().all() and (found < 2 * x.norm(dim=1)).all()

    def flipped(radii: torch.Tensor) -> torch.Tensor:
        return nets(l2_pgd(field, x, side, radii, Attack(STEPS), 200)).sign() == -side

    assert flipped(found).all() and not flipped(found / 1.0101).any()


def test_a_radius_for_each_point_is_that_radius_for_all() -> None:
    nets, x = scene()
    field, side = gradient_field(nets, bp), torch.ones(7, dtype=torch.float64)
    radii = torch.linspace(0.1, 0.8, 14, dtype=torch.float64).view(2, 7)
    each = l2_pgd(field, x, side, radii, Attack(STEPS), 200)
    for place in range(7):
        alone = l2_pgd(field, x, side, radii[:, place], Attack(STEPS), 200)
        torch.testing.assert_close(each[:, place], alone[:, place], rtol=0, atol=1e-12)


def test_a_net_that_never_changes_its_sign_is_never_flipped() -> None:
    nets = LazyNets(torch.eye(4).double()[None], torch.ones(1, 4).double())  # f >= 0 everywhere
    assert pgd_flips(nets, gradient_field(nets, bp), torch.ones(3, 4).double(), STEPS).isinf().all()
