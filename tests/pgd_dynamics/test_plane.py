"""Extrema on circles in the plane alternate, and are what the loss says."""

import torch

from modules.pgd_dynamics.draws import draw
from modules.pgd_dynamics.losses import LOGISTIC, QUADRATIC
from modules.pgd_dynamics.plane import extrema
from modules.pgd_dynamics.two_layer import RELU, softplus


def test_minima_and_maxima_of_L_alternate_around_every_circle() -> None:
    for loss in (QUADRATIC, LOGISTIC):
        for activation in (softplus(), softplus(10.0), RELU):
            landscape = draw(range(5), 80, 2, 1.0, loss, 1.0, activation)
            found = extrema(landscape, 10.0)
            for network in range(5):
                kinds = found.is_minimum[found.place == network]
                assert len(kinds) >= 2
                assert (kinds != kinds.roll(1)).all()
                L = found.L[found.place == network]
                assert (L[kinds] < torch.minimum(L.roll(1)[kinds], L.roll(-1)[kinds])).all()
