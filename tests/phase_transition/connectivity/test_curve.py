"""Curves between models: coefficients, the middle's gradient, batch norm at a point, the plane's geometry."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modules.phase_transition.connectivity.curve import (
    CurveObjective,
    Surface,
    coefficients,
    combine,
    parameters_of,
    segment,
)
from modules.phase_transition.connectivity.weight_plane import Plane, plane_through
from suite.training import Recipe, evaluate, fit, recompute_batch_norm

T = torch.linspace(0, 1, 21, dtype=torch.float64)


def net(seed: int, *, norm: bool = False) -> nn.Sequential:
    torch.manual_seed(seed)
    layers = [nn.Flatten(), nn.Linear(6, 5), *([nn.BatchNorm1d(5)] if norm else []), nn.Tanh(), nn.Linear(5, 3)]
    return nn.Sequential(*layers).double()


def data(count: int = 12) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(7)
    pixels = torch.rand(count, 1, 2, 3, generator=generator, dtype=torch.float64)
    return pixels, (3 * pixels[:, 0, 0, 0]).long()


def test_curves_begin_and_end_at_the_models_and_stay_in_their_triangle() -> None:
    for curve in ("bezier", "polychain"):
        points = coefficients(curve, T)  # type: ignore[arg-type]
        torch.testing.assert_close(points.sum(1), torch.ones_like(T))
        assert (points >= 0).all()
        assert points[0].tolist() == [1, 0, 0] and points[-1].tolist() == [0, 0, 1]
    assert segment(T)[5].tolist() == [0.75, 0, 0.25]


def test_a_bezier_curve_is_two_rounds_of_linear_interpolation() -> None:
    a, b, c = torch.tensor([0.3, -1.0]).double(), torch.tensor([2.0, 0.5]).double(), torch.tensor([1.0, 4.0]).double()
    t = T[:, None]
    first, second = (1 - t) * a + t * b, (1 - t) * b + t * c
    torch.testing.assert_close(coefficients("bezier", T) @ torch.stack([a, b, c]), (1 - t) * first + t * second)


def test_a_chain_has_its_corner_in_the_middle() -> None:
    points = coefficients("polychain", T)
    assert points[10].tolist() == [0, 1, 0]
    torch.testing.assert_close(points[5], torch.tensor([0.5, 0.5, 0]).double())
    torch.testing.assert_close(points[16], torch.tensor([0, 0.4, 0.6]).double())


def test_the_middles_gradient_is_that_of_the_loss_at_the_point() -> None:
    """Against central differences of the loss in single weights, and against c_1 times the gradient at the point."""
    pixels, labels = data()
    start, end, middle, decay = parameters_of(net(0)), parameters_of(net(1)), net(2), 0.3
    for curve in ("bezier", "polychain"):
        objective = CurveObjective(curve, start, end, decay)  # type: ignore[arg-type]

        def value(model: nn.Module, objective: CurveObjective = objective) -> Tensor:
            torch.manual_seed(5)  # one t
            return objective(model, pixels, labels, None)[0]

        middle.zero_grad()
        value(middle).backward()
        torch.manual_seed(5)
        c = coefficients(curve, torch.rand(()))  # type: ignore[arg-type]
        point = net(3)
        point.load_state_dict(combine(c, start, parameters_of(middle), end))
        penalty = sum(p.square().sum() for p in point.parameters()) * decay / 2
        (F.cross_entropy(point(pixels), labels) + penalty).backward()
        step = 1e-5
        for (name, weight), there in zip(middle.named_parameters(), point.parameters(), strict=True):
            assert weight.grad is not None and there.grad is not None
            torch.testing.assert_close(weight.grad, c[1].double() * there.grad, rtol=1e-6, atol=1e-9)
            flat, losses = weight.detach().view(-1), []
            for sign in (1, -1):
                flat[0] += sign * step
                losses.append(float(value(middle).detach()))
                flat[0] -= sign * step
            difference = (losses[0] - losses[1]) / (2 * step)
            assert abs(difference - float(weight.grad.view(-1)[0])) < 1e-8, name


def test_places_on_the_curve_are_uniform() -> None:
    """The mean middle coefficient of a Bezier curve over t ~ U(0, 1) is 1/3, its standard deviation sqrt(1/45)."""
    torch.manual_seed(0)
    seen: list[float] = []

    class Spy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(torch.ones(()))

        def forward(self, x: Tensor) -> Tensor:
            seen.append(float(self.w.detach()))
            return self.w * x

    zero = {"w": torch.zeros(())}
    objective, model, x = CurveObjective("bezier", zero, zero), Spy(), torch.zeros(1, 2)
    for _ in range(4000):
        objective(model, x, torch.zeros(1, dtype=torch.int64), None)
    c1 = torch.tensor(seen)
    assert abs(float(c1.mean()) - 1 / 3) < 4 * (1 / 45) ** 0.5 / 4000**0.5 and float(c1.max()) <= 0.5


def test_training_moves_the_middle_alone_and_lowers_the_loss_along_the_curve() -> None:
    pixels, labels = data(30)
    start, end, middle = parameters_of(net(0)), parameters_of(net(1)), net(2)
    middle.load_state_dict(combine(torch.tensor([0.5, 0, 0.5]), start, start, end))
    before = {name: value.clone() for name, value in start.items()}

    def mean_loss() -> float:
        surface = Surface(net(3), start, parameters_of(middle), end, (pixels, labels))
        return float(torch.tensor([surface.at(point).loss for point in coefficients("bezier", T)]).mean())

    straight = mean_loss()
    fit(middle, pixels, labels, Recipe(40, 10, 0.3), seed=0, objective=CurveObjective("bezier", start, end))
    assert mean_loss() < straight - 0.02
    assert all(torch.equal(start[name], before[name]) for name in before)


def test_a_surface_recomputes_batch_norm_at_every_point() -> None:
    pixels, labels = data(20)
    start, middle, end = (parameters_of(net(seed, norm=True)) for seed in range(3))
    surface = Surface(net(3, norm=True), start, middle, end, (pixels, labels))
    surface.at(torch.tensor([0.0, 0.0, 1.0]))  # leaves other statistics behind
    found = surface.at(torch.tensor([0.2, 0.5, 0.3]))
    by_hand = net(4, norm=True)
    by_hand.load_state_dict(combine(torch.tensor([0.2, 0.5, 0.3]), start, middle, end), strict=False)
    recompute_batch_norm(by_hand, pixels)
    assert found == evaluate(by_hand, pixels, labels)
    stale = net(4, norm=True)
    stale.load_state_dict(combine(torch.tensor([0.2, 0.5, 0.3]), start, middle, end), strict=False)
    assert abs(found.loss - evaluate(stale, pixels, labels).loss) > 1e-3


def random_weights(seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {"a": torch.randn(4, 3, generator=generator), "b": torch.randn(5, generator=generator)}


def test_the_planes_axes_are_orthonormal() -> None:
    """Distances between points of the plane are those of their coordinates, in units of the axes' lengths."""
    start, middle, end = (random_weights(seed) for seed in range(3))
    plane = plane_through(start, middle, end)
    places = torch.tensor([[0.0, 0.0], [plane.foot, 1.0], [1.0, 0.0], [-0.2, 1.2], [0.4, -0.1]], dtype=torch.float64)
    points = plane.coefficients(places)
    torch.testing.assert_close(points[:3], torch.eye(3, dtype=torch.float64)[[0, 1, 2]])
    torch.testing.assert_close(plane.coordinates(points), places)
    flat = torch.stack([torch.cat([v.flatten() for v in combine(c, start, middle, end).values()]) for c in points])
    lengths = torch.tensor([plane.width, plane.height], dtype=torch.float64)
    torch.testing.assert_close(
        torch.cdist(flat.double(), flat.double()), torch.cdist(places * lengths, places * lengths), rtol=1e-5, atol=1e-5
    )


def test_the_grid_holds_all_three_models_with_garipovs_margins() -> None:
    for foot, low, high in ((0.4, -0.2, 1.2), (-0.5, -0.7, 1.2), (1.5, -0.2, 1.7)):
        grid = Plane(2.0, 1.0, foot).grid(21)
        assert grid.shape == (441, 2)
        torch.testing.assert_close(grid[0], torch.tensor([low, -0.2], dtype=torch.float64))
        torch.testing.assert_close(grid[-1], torch.tensor([high, 1.2], dtype=torch.float64))
        assert grid[1, 0] > grid[0, 0] and grid[1, 1] == grid[0, 1]


def test_a_plane_through_points_on_a_line() -> None:
    start, end = random_weights(0), random_weights(1)
    half = combine(torch.tensor([0.5, 0, 0.5]), start, start, end)
    flat = plane_through(start, half, end)
    assert abs(flat.foot - 0.5) < 1e-6 and flat.height < 1e-5 * flat.width
    assert plane_through(start, start, start) == Plane(0.0, 0.0, 0.5)
