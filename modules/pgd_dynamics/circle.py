"""Every critical point of a two-layer softplus network on a circle, with a certificate that none is missed.

On delta = eps (cos t, sin t) let g(t) = df/dt. With z_r = w_r . (x + delta) and r_r = eps |w_r|, differentiating twice

    g'' + g = sum_r a_r (sigma'''(z_r) z_r'^3 + 3 sigma''(z_r) z_r' z_r''),  |z_r'| <= r_r, |z_r' z_r''| <= r_r^2 / 2,

so that |g'' + g| <= B = sum_r |a_r| sigma''_r (sharpness r_r^3 + 3/2 r_r^2), where sigma''_r is the largest on the arc:
sigma'' falls with |z|, and |z| falls by at most r_r h over an arc of half-width h. Hence, around the arc's middle,

    |g(t) - (g cos t + g' sin t)| <= B (1 - cos h),    |g'(t) - (g' cos t - g sin t)| <= B sin h,    |t| <= h.

An arc where the first model stays away from zero by its bound holds no root; one where the second does holds at most
one, and the signs at its ends say which. Arcs that neither decides are halved. (Own derivation; nearly linear networks
need few arcs, since the models are exact for a linear one.)
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import pi

import torch
from torch import Tensor

from modules.pgd_dynamics.losses import Loss
from modules.pgd_dynamics.two_layer import TwoLayer

ARCS = 64  # at first, of each circle
DEEPEST = 40  # halvings after which an arc stays undecided: a double root, as far as float64 can tell
MOST = 2**21  # arcs at once; where f is constant up to rounding, halving would never end
_CELLS = 2**14  # points x neurons at once: larger blocks come anew from the system at every operation


@dataclass(frozen=True)
class Roots:
    """Points on circles, sorted by circle and angle. place (Q,): which circle; angle (Q,) in [0, 2 pi)."""

    place: Tensor
    angle: Tensor


@dataclass(frozen=True)
class CriticalPoints(Roots):
    """Roots of g. f, curvature (Q,): f and g' = d2f/dt2 there; undecided (S,): arcs of unproven content."""

    f: Tensor
    curvature: Tensor
    undecided: Tensor


@dataclass(frozen=True)
class Circles:
    """The circle of radius eps (S,) around x (S, 2) under each of S networks on R^2."""

    net: TwoLayer
    x: Tensor
    eps: Tensor

    def critical_points(self, arcs: int = ARCS) -> CriticalPoints:
        """All critical points of f on all circles. `arcs`: how many to begin with; changes the cost, not the result."""
        left, right, undecided = self._brackets(arcs)
        roots = self.refine(left, right, self.slope)
        curvature = self.slope(roots.place, roots.angle)[1]
        return CriticalPoints(roots.place, roots.angle, self.value(roots.place, roots.angle), curvature, undecided)

    def stationary_outputs(self, critical: CriticalPoints, loss: Loss, y: Tensor) -> Roots:
        """Where l'(f) = 0 for a loss that is convex in f, labels y (S,): for the quadratic loss where f = y.

        Between neighbouring critical points f is monotone, so that the signs of l' there decide.
        """
        place, angle = critical.place, critical.angle
        follows = _next_on_circle(place)
        ahead = angle[follows] + 2 * pi * (angle[follows] <= angle)
        positive = loss.first(critical.f, y[place]) > 0
        crossing = positive != positive[follows]

        def slope(place: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
            f, g = self.value(place, angle), self.slope(place, angle)[0]
            return loss.first(f, y[place]), loss.second(f, y[place]) * g

        left, right = (Roots(place[crossing], ends[crossing]) for ends in (angle, ahead))
        return self.refine(left, right, slope)

    def refine(self, left: Roots, right: Roots, function: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]) -> Roots:
        """The root in each bracket by Newton's method, with a bisection wherever it would leave the bracket."""
        place, low, high = left.place, left.angle.clone(), right.angle.clone()
        rising = function(place, low)[0] < 0
        at = (low + high) / 2
        active = torch.arange(len(at), device=at.device)
        for _ in range(200):
            if not len(active):
                break
            value, slope = function(place[active], at[active])
            below = (value < 0) == rising[active]
            low[active] = torch.where(below, at[active], low[active])
            high[active] = torch.where(below, high[active], at[active])
            newton = at[active] - value / slope
            inside = (newton > low[active]) & (newton < high[active])
            following = torch.where(inside, newton, (low[active] + high[active]) / 2)
            moved = (following - at[active]).abs()
            at[active] = torch.where(value == 0, at[active], following)
            active = active[(value != 0) & (moved > 4e-16 * high[active].abs().clamp(min=1))]
        at = at % (2 * pi)
        order = torch.argsort(place.double() * 8 + at)
        return Roots(place[order], at[order])

    def value(self, place: Tensor, angle: Tensor) -> Tensor:
        """f (Q,) at angles of the circles `place`."""
        values = [angle.new_empty(0)]
        for which, part in self._parts(place, angle):
            points = self.x[which] + self.eps[which, None] * torch.stack([part.cos(), part.sin()], -1)
            values.append(self.net.at(which).value(points[:, None])[:, 0])
        return torch.cat(values)

    def slope(self, place: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
        """g = df/dt and g' = d2f/dt2 (Q,) at angles of the circles `place`."""
        parts = [self._local(*part)[:2] for part in self._parts(place, angle, torch.zeros_like(angle))]
        g, curvature = (torch.cat(column) for column in zip(*parts, strict=True)) if parts else angle.new_empty(2, 0)
        return g, curvature

    def _brackets(self, arcs: int) -> tuple[Roots, Roots, Tensor]:
        """The two ends of every arc with exactly one root, and how many arcs of each circle stay undecided (S,)."""
        S, device = len(self.net.W), self.x.device
        place = torch.arange(S, device=device).repeat_interleave(arcs)
        index = torch.arange(arcs, device=device, dtype=self.x.dtype).repeat(S)
        ends: list[tuple[Tensor, Tensor, Tensor]] = []
        undecided = torch.zeros(S, dtype=torch.long, device=device)
        for depth in range(DEEPEST):
            width = 2 * pi / arcs / 2**depth
            single, split, flat = self._classify(place, (index + 0.5) * width, width / 2)
            undecided += torch.bincount(place[flat], minlength=S)
            # Ends are multiples of a power of two of one number: neighbours compute the same end, and share its sign.
            ends.append((place[single], index[single] * width, (index[single] + 1) * width))
            place, index = place[split].repeat_interleave(2), (2 * index[split]).repeat_interleave(2)
            index[1::2] += 1
            if not 0 < len(place) <= MOST:
                break
        undecided += torch.bincount(place, minlength=S)
        place, low, high = (torch.cat(column) for column in zip(*ends, strict=True))
        change = (self.slope(place, low)[0] < 0) != (self.slope(place, high)[0] < 0)
        return Roots(place[change], low[change]), Roots(place[change], high[change]), undecided

    def _classify(self, place: Tensor, middle: Tensor, half: float) -> tuple[Tensor, Tensor, Tensor]:
        """Booleans (Q,): arcs with at most one root and not proven empty; to be halved; flat to float64."""
        kinds = []
        halves = torch.full_like(middle, half)
        for part in self._parts(place, middle, halves):
            g, slope, bound = self._local(*part)
            h = part[2]
            empty = _distance_from_zero(g, slope, h) > bound * (1 - h.cos())
            single = _distance_from_zero(slope, -g, h) > bound * h.sin()
            flat = (g == 0) & (slope == 0) & (bound == 0)
            kinds.append((single & ~empty, ~single & ~empty & ~flat, flat))
        single, split, flat = (torch.cat(column) for column in zip(*kinds, strict=True))
        return single, split, flat

    def _parts(self, *columns: Tensor) -> list[tuple[Tensor, ...]]:
        size = max(1, _CELLS // self.net.W.shape[1])
        return list(zip(*(column.split(size) for column in columns), strict=True)) if len(columns[0]) else []

    def _local(self, place: Tensor, angle: Tensor, half: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """g, g' at the angle and the bound B over the arc of that half-width around it (Q,) each."""
        W, a, eps, activation = self.net.W[place], self.net.a[place], self.eps[place, None], self.net.activation
        w1, w2 = W[..., 0], W[..., 1]
        cos, sin = angle.cos()[:, None], angle.sin()[:, None]
        radial, along = eps * (w1 * cos + w2 * sin), eps * (w2 * cos - w1 * sin)
        z = w1 * self.x[place, :1] + w2 * self.x[place, 1:] + radial
        slope, reach = activation.slope(z), eps * torch.hypot(w1, w2)
        g = (a * slope * along).sum(-1)
        curvature = (a * (activation.curvature(z) * along.square() - slope * radial)).sum(-1)
        largest = activation.curvature((z.abs() - reach * half[:, None]).clamp(min=0))
        bound = (a.abs() * largest * reach.square() * (activation.sharpness * reach + 1.5)).sum(-1)
        return g, curvature, bound


def _distance_from_zero(cosine: Tensor, sine: Tensor, half: Tensor) -> Tensor:
    """min |cosine cos t + sine sin t| over |t| <= half <= pi / 2: 0 if it has a root there, else the lesser end."""
    ends = cosine * half.cos() + sine * half.sin(), cosine * half.cos() - sine * half.sin()
    # |A cos(t - t0)| is concave between its zeros, which are pi apart: more than the arc.
    same = (ends[0] > 0) == (ends[1] > 0)
    return torch.where(same, torch.minimum(ends[0].abs(), ends[1].abs()), torch.zeros_like(cosine))


def _next_on_circle(place: Tensor) -> Tensor:
    """For points sorted by circle, the index of each one's successor on its own circle, cyclically (Q,)."""
    index = torch.arange(len(place), device=place.device)
    follows = index + 1
    last = torch.ones_like(place, dtype=torch.bool)
    last[:-1] = place[1:] != place[:-1]
    first = torch.searchsorted(place, place)
    return torch.where(last, first, follows)
