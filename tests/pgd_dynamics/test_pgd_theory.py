"""L, Gamma, lambda* and Xi against autograd and against their definitions; the threshold against a linear network."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from modules.pgd_dynamics import theory
from modules.pgd_dynamics.losses import LOSSES, user_loss
from modules.pgd_dynamics.theory import Objective
from modules.pgd_dynamics.two_layer import TwoLayer, softplus, xavier

Make = Callable[..., Objective]
every_loss = pytest.mark.parametrize("loss", sorted(LOSSES))


def spelled(objective: Objective, s: int, n: int) -> Callable[[Tensor], Tensor]:
    """L of one network at one input, with torch's own functions."""

    def L(delta: Tensor) -> Tensor:
        f = objective.net.a[s] @ F.softplus(objective.net.W[s] @ (objective.x[s, n] + delta), threshold=40)
        return -(1 - f).square() if objective.loss.name == "quadratic" else -F.binary_cross_entropy_with_logits(f, one)

    one = torch.ones((), dtype=torch.float64)
    return L


@every_loss
def test_value_gradient_and_hessian_are_autograds(objective: Make, at_each: Callable[..., Tensor], loss: str) -> None:
    landscape = objective(loss)
    delta = landscape.x.flip(1) / 3
    value = at_each(lambda s, n, point: spelled(landscape, s, n)(point), delta)
    gradient = at_each(lambda s, n, point: torch.func.grad(spelled(landscape, s, n))(point), delta)
    hessian = at_each(lambda s, n, point: torch.func.hessian(spelled(landscape, s, n))(point), delta)
    torch.testing.assert_close(landscape.value(delta), value)
    torch.testing.assert_close(landscape.value_and_gradient(delta), (value, gradient))
    torch.testing.assert_close(landscape.hessian(delta), hessian)
    torch.testing.assert_close(landscape.hessian_vector(delta, delta), (hessian @ delta[..., None])[..., 0])


@every_loss
def test_multiplier_gamma_and_xi_are_their_definitions(
    objective: Make, at_each: Callable[..., Tensor], loss: str
) -> None:
    """lambda* is least squares'; Gamma and Xi are derivatives of L - lambda* c with lambda* held fixed (Sec. 4)."""
    landscape = objective(loss)
    delta = landscape.x.flip(1) / 3
    gradient, hessian = landscape.gradient(delta), landscape.hessian(delta)
    solved = torch.linalg.lstsq(2 * delta[..., None], gradient[..., None]).solution[..., 0, 0]
    multiplier = theory.multiplier(gradient, delta)
    torch.testing.assert_close(multiplier, solved)

    def lagrangian(s: int, n: int) -> Callable[[Tensor], Tensor]:
        return lambda point: spelled(landscape, s, n)(point) - multiplier[s, n] * (point @ point - 0.25)

    gamma = at_each(lambda s, n, point: torch.func.grad(lagrangian(s, n))(point), delta)
    xi = at_each(lambda s, n, point: torch.func.hessian(lagrangian(s, n))(point), delta)
    torch.testing.assert_close(theory.tangential(gradient, delta), gamma)
    torch.testing.assert_close(theory.lagrangian_hessian(hessian, gradient, delta), xi)
    torch.testing.assert_close((gamma * delta).sum(-1), torch.zeros(3, 5, dtype=torch.float64))


def test_tangent_eigenvalues_are_second_derivatives_along_great_circles(objective: Make) -> None:
    """At any point of the sphere, (d/dt)^2 L(cos t delta + sin t |delta| v) = |delta|^2 v.Xi v for tangent unit v."""
    landscape = objective(points=1)
    delta = landscape.x.flip(0) / 3
    gradient = landscape.gradient(delta)
    xi = theory.lagrangian_hessian(landscape.hessian(delta), gradient, delta)
    basis = theory.tangent_basis(delta)
    torch.testing.assert_close(basis.mT @ basis, torch.eye(3, dtype=torch.float64).expand(3, 1, 3, 3))
    torch.testing.assert_close((basis.mT @ delta[..., None]).abs().max(), torch.tensor(0.0, dtype=torch.float64))
    values, vectors = torch.linalg.eigh(basis.mT @ xi @ basis)
    torch.testing.assert_close(theory.tangent_eigenvalues(xi, delta), values)
    radius = torch.linalg.vector_norm(delta, dim=-1, keepdim=True)
    for k in range(3):
        v = (basis @ vectors[..., k, None])[..., 0]

        def along(t: Tensor, v: Tensor = v) -> Tensor:
            return landscape.value(t.cos() * delta + t.sin() * radius * v)

        zero = torch.zeros((), dtype=torch.float64)
        second = torch.func.jacfwd(torch.func.jacfwd(along))(zero)
        torch.testing.assert_close(second, radius[..., 0].square() * values[..., k])


def test_cosine_of_known_angles() -> None:
    u, v = torch.tensor([[3.0, 0.0], [1.0, 1.0]]), torch.tensor([[-2.0, 0.0], [4.0, 0.0]])
    torch.testing.assert_close(theory.cosine(u, v), torch.tensor([-1.0, 0.5**0.5]))


def test_linbps_field_is_the_gradient_where_sigma_prime_is_one(objective: Make) -> None:
    landscape = objective()
    far = Objective(
        TwoLayer(landscape.net.W.abs(), landscape.net.a, softplus()),
        landscape.loss,
        1e3 + landscape.x.abs(),
        landscape.y,
    )
    delta = landscape.x / 3
    torch.testing.assert_close(far.linbp_gradient(delta), far.gradient(delta))


def test_a_users_loss_equals_the_same_loss_by_hand(objective: Make) -> None:
    f, y = torch.randn(3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(2)), torch.ones(1, 1)
    by_hand = LOSSES["logistic"]
    given = user_loss(lambda f, y: torch.log1p(torch.exp(f)) - y * f)
    for name in ("value", "first", "second"):
        torch.testing.assert_close(getattr(given, name)(f, y), getattr(by_hand, name)(f, y))
    assert not user_loss(lambda f, y: 3 * f - y).second(f, y).any()


def test_threshold_of_a_single_neuron_is_its_closed_form() -> None:
    """f = a sigma(w.u): |df| = |a w| sigma'(z), |d2f| = |a| |w|^2 sigma''(z): tau = min sigma' / (|w| max sigma'')."""
    net = xavier([0], 1, 2)
    angles = torch.linspace(0, 2 * torch.pi, 2001, dtype=torch.float64)
    directions = torch.stack([angles.cos(), angles.sin()], -1)[None]
    bounds = theory.threshold(
        net, torch.zeros(1, 1, 2, dtype=torch.float64), torch.tensor(0.5, dtype=torch.float64), directions
    )
    length = float(torch.linalg.vector_norm(net.W))
    low = torch.sigmoid(torch.tensor(-0.5 * length, dtype=torch.float64))
    torch.testing.assert_close(bounds.tau[0], low / (0.25 * length), rtol=1e-5, atol=0)  # the grid misses by O(h^2)
