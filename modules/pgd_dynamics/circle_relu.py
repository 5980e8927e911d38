"""Every local extremum of a two-layer ReLU network on a circle, exactly: f is sinusoidal between its neurons' kinks."""

from math import pi

import torch
from torch import Tensor

from modules.pgd_dynamics.two_layer import TwoLayer


def relu_extrema(net: TwoLayer, x: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """Local extrema of one ReLU network's f on x + eps (cos t, sin t), by angle.

    Between kinks f = const + eps v . (cos t, sin t) with v = sum of a_r w_r over the active neurons: its extrema are at
    v's angle and opposite, where these lie in the arc. At a kink df/dt jumps: an extremum where it changes sign.

    Args:
        net: one network (S = 1) on R^2. x: (2,). eps: the radius.

    Returns:
        angle (Q,) in [0, 2 pi) ascending, f (Q,), and whether it is a maximum (Q,).
    """
    W = net.W[0]
    reach = eps * torch.linalg.vector_norm(W, dim=-1)
    offset = -(W @ x) / reach
    bends = offset.abs() < 1
    towards, spread = torch.atan2(W[:, 1], W[:, 0])[bends], torch.acos(offset[bends])
    kinks = torch.cat([towards - spread, towards + spread]).remainder(2 * pi).sort().values
    if not len(kinks):
        kinks = kinks.new_zeros(1)  # a linear function: any place to cut the circle
    ends = torch.cat([kinks[1:], kinks[:1] + 2 * pi])
    v = net.gradient((x + eps * _unit((kinks + ends) / 2))[None])[0]

    top = torch.atan2(v[:, 1], v[:, 0])
    smooth, smooth_is_top = [], []
    for shift, a_top in ((0.0, True), (pi, False)):
        at = kinks + (top + shift - kinks).remainder(2 * pi)
        smooth.append(at[(at < ends) & v.any(-1)])  # where no neuron is active f is flat: no strict extremum
        smooth_is_top.append(torch.full_like(smooth[-1], a_top, dtype=torch.bool))
    before, after = _slope(v.roll(1, 0), kinks), _slope(v, kinks)
    turns = before * after < 0
    angle = torch.cat([*smooth, kinks[turns]]).remainder(2 * pi)
    is_top = torch.cat([*smooth_is_top, before[turns] > 0])
    order = angle.argsort()
    angle = angle[order]
    return angle, net.value((x + eps * _unit(angle))[None])[0], is_top[order]


def _unit(angle: Tensor) -> Tensor:
    return torch.stack([angle.cos(), angle.sin()], -1)


def _slope(v: Tensor, angle: Tensor) -> Tensor:
    """v . d(cos t, sin t)/dt."""
    return v[:, 1] * angle.cos() - v[:, 0] * angle.sin()
