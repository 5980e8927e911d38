"""The plane through three models in weight space, in coordinates as Garipov et al. 2018's code draws it.

Origin: the start. First axis: to the end, in units of their distance. Second: orthogonal to it, towards the middle, in
units of the middle's distance from the line.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from modules.phase_transition.connectivity.curve import Weights

MARGIN = 0.2  # of the grid beyond the three models, in units of the axes


@dataclass(frozen=True)
class Plane:
    """Lengths in weight space.

    Args:
        width: from start to end.
        height: of the middle above the line through them.
        foot: where on that line the middle stands: 0 at the start, 1 at the end.
    """

    width: float
    height: float
    foot: float

    def coordinates(self, coefficients: Tensor) -> Tensor:
        """Of points with these coefficients (..., 3) of sum 1: (..., 2) in units of the axes."""
        _, c1, c2 = coefficients.unbind(-1)
        return torch.stack([c2 + self.foot * c1, c1], -1)

    def coefficients(self, coordinates: Tensor) -> Tensor:
        """The reverse: (..., 2) -> (..., 3)."""
        alpha, c1 = coordinates.unbind(-1)
        c2 = alpha - self.foot * c1
        return torch.stack([1 - c1 - c2, c1, c2], -1)

    def grid(self, side: int) -> Tensor:
        """Coordinates of side x side points, the first axis running faster: (side * side, 2), float64.

        All three models are inside, also where the middle does not stand between the ends.
        """
        low, high = min(0.0, self.foot) - MARGIN, max(1.0, self.foot) + MARGIN
        across = torch.linspace(low, high, side, dtype=torch.float64)
        up = torch.linspace(-MARGIN, 1 + MARGIN, side, dtype=torch.float64)
        second, first = torch.meshgrid(up, across, indexing="ij")
        return torch.stack([first, second], -1).flatten(0, 1)


def plane_through(start: Weights, middle: Weights, end: Weights) -> Plane:
    """Of three models that need not be in general position: the foot is 1/2 where start and end are one."""
    along, towards = (_flat(end) - _flat(start)), (_flat(middle) - _flat(start))
    length = float(along.norm())
    foot = float(along @ towards) / length**2 if length else 0.5
    return Plane(length, float((towards - foot * along).norm()), foot)


def _flat(weights: Weights) -> Tensor:
    return torch.cat([value.flatten().double() for value in weights.values()])
