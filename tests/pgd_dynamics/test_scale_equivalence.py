"""The scale of the input is the sharpness of softplus: a claim about one is a claim about the other.

s sigma_{beta s}(z) = sigma_beta(s z), so that f_beta(s x) = s f_{beta s}(x), and with u = x + delta / s

    (y - f_beta(s u))^2 = s^2 (y / s - f_{beta s}(u))^2.

An input of length s with a ball of radius r s under sharpness beta is one of length 1 with a ball of radius r under
sharpness beta s and label y / s; raw steps of the same rate take the same path. ReLU has no sharpness: of the scale
only the label is left, and under other losses what s times the output saturates.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from modules.pgd_dynamics.ascent import ascend, uniform_in_ball
from modules.pgd_dynamics.circle import Circles
from modules.pgd_dynamics.theory import Objective
from modules.pgd_dynamics.two_layer import RELU, Activation, softplus, xavier

SCALES = [0.01, 0.3, 10.0, 100.0]


def pair(landscape: Objective, scale: float, *, relu: bool) -> tuple[Objective, Objective]:
    """At this scale, with sharpness 1; and what must be the same at scale 1."""

    def with_activation(activation: Activation) -> Objective:
        return replace(landscape, net=replace(landscape.net, activation=activation))

    scaled = replace(with_activation(RELU if relu else softplus(1.0)), x=scale * landscape.x)
    return scaled, replace(with_activation(RELU if relu else softplus(scale)), y=landscape.y / scale)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("relu", [False, True])
def test_values_derivatives_and_paths_of_ascent_are_the_same(
    objective: Callable[..., Objective], scale: float, relu: bool
) -> None:
    scaled, unit = pair(objective(), scale, relu=relu)
    delta = 0.5 * uniform_in_ball(5, 4, range(3))
    torch.testing.assert_close(scaled.value(scale * delta), scale**2 * unit.value(delta), rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(scaled.gradient(scale * delta), scale * unit.gradient(delta), rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(scaled.hessian(scale * delta), unit.hessian(delta), rtol=1e-8, atol=1e-10)
    paths = [
        ascend(one, start, eps, lambda _: 0.05, 50)
        for one, start, eps in ((scaled, scale * delta, 0.5 * scale), (unit, delta, 0.5))
    ]
    torch.testing.assert_close(paths[0].final, scale * paths[1].final, rtol=1e-7, atol=1e-9 * scale)


@pytest.mark.parametrize("scale", SCALES)
def test_critical_points_on_the_circle_are_the_same(scale: float) -> None:
    """Circles of ten times the input's length, around inputs in the plane, under four networks."""
    direction, found = torch.tensor([0.6, 0.8], dtype=torch.float64).expand(4, 2), []
    for length, sharpness in ((scale, 1.0), (1.0, scale)):
        radius = torch.full((4,), 10 * length, dtype=torch.float64)
        found.append(Circles(xavier(range(4), 200, 2, softplus(sharpness)), length * direction, radius))
    of_scale, of_sharpness = (circles.critical_points() for circles in found)
    assert torch.equal(of_scale.place, of_sharpness.place) and len(of_scale.place) >= 8
    torch.testing.assert_close(of_scale.angle, of_sharpness.angle, rtol=0, atol=1e-6)
    torch.testing.assert_close(of_scale.f, scale * of_sharpness.f, rtol=1e-8, atol=1e-10)
