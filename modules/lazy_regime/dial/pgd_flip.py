"""The smallest radius at which l2-PGD flips a net's sign, point by point, by bisection of its logarithm."""

import torch
from torch import Tensor

from modules.lazy_regime.nets import LazyNets
from modules.lazy_regime.pgd import Attack, Field, l2_pgd

_LEAST, _MOST = 1e-4, 2.0  # of |x|: where the search begins
_HALVINGS = 10  # of the logarithm: to 1 %


@torch.no_grad()
def pgd_flips(nets: LazyNets, field: Field, x: Tensor, steps: int) -> Tensor:
    """Radius (S, N), float64, at which the last of so many steps flips the sign; infinite where that of 2 |x| does not.

    One is returned at which the attack does flip it, and which is 1 % larger than one at which it does not (or the
    least that is tried); where success is no monotone function of the radius, a smaller one may do as well.

    Args:
        nets: S nets.
        field: what the attack follows, see `pgd.gradient_field`.
        x: points (N, d).
        steps: of the attack, 2.5 eps / steps long.
    """
    S, m, d = nets.shape
    side = nets(x.expand(S, *x.shape)).sign()
    norm = torch.linalg.vector_norm(x, dim=-1).double().expand(S, -1)

    def flipped(radii: Tensor) -> Tensor:
        crafted = l2_pgd(field, x, side, radii.to(x.dtype), Attack(steps), max(m, d))
        changed: Tensor = nets(crafted).sign() == -side
        return changed

    least, most = (share * norm for share in (_LEAST, _MOST))
    possible = flipped(most)
    for _ in range(_HALVINGS):
        middle = (least * most).sqrt()
        enough = flipped(middle)
        least, most = torch.where(enough, least, middle), torch.where(enough, middle, most)
    return torch.where(possible, most, torch.inf)
