"""The fused loop against closed forms, against Foolbox bit for bit, and against itself one strength at a time."""

import foolbox
import pytest
import torch
from foolbox.criteria import TargetedMisclassification
from torch import Tensor, nn

from suite.attacks import Autograd, Settings, Trajectory, ball_noise, iterate, random_starts
from suite.attacks.fixed_shape import iterate_in_fixed_shapes
from suite.attacks.losses import LOSSES, Cotangent

WIDE = (-100.0, 100.0)  # bounds that never bind


class Binary(nn.Module):
    """Logits -s/2 and s/2 with s = w.x + b: the margin of class 1 is s, that of class 0 its negative."""

    def __init__(self, d: int = 6) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.w = nn.Parameter(torch.randn(d, dtype=torch.float64, generator=generator))

    def score(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ self.w + 0.1

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([-self.score(x) / 2, self.score(x) / 2], 1)


class Counting(Autograd):
    """Autograd that remembers how many rows each call had."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model)
        self.rows: list[int] = []

    def __call__(self, x: Tensor, cotangent: Cotangent) -> tuple[Tensor, Tensor]:
        self.rows.append(len(x))
        return super().__call__(x, cotangent)


def conv_net(dtype: torch.dtype = torch.float32, channels: int = 3) -> nn.Module:
    torch.manual_seed(0)
    return (
        nn.Sequential(
            nn.Conv2d(channels, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.Flatten(),
            nn.Linear(8 * 36, 5),
        )
        .to(dtype)
        .eval()
        .requires_grad_(False)
    )  # fmt: skip


def pixels(n: int = 12, dtype: torch.dtype = torch.float32, channels: int = 3) -> Tensor:
    """Images in [0, 1], a fifth of whose pixels lie on a bound."""
    x = torch.rand(n, channels, 6, 6, generator=torch.Generator().manual_seed(1), dtype=dtype)
    return (1.25 * x - 0.125).clamp(0, 1)


def run(model: nn.Module, x: Tensor, y: Tensor, epsilons: tuple[float, ...], settings: Settings) -> Trajectory:
    return iterate(Autograd(model), model, x, y, epsilons, settings)


def clean(model: nn.Module, x: Tensor) -> Tensor:
    return model(x).argmax(1)


# Closed forms on linear classifiers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("early_stop", [True, False])
def test_the_first_fooled_step_of_a_linear_model(norm: str, loss: str, early_stop: bool) -> None:
    """A step of length a takes a ||w||_1 off the margin (l2: a ||w||_2), and the ball at most eps ||w||."""
    model = Binary().requires_grad_(False)
    x = torch.randn(300, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    y = clean(model, x)
    step, steps, epsilons = 0.02, 12, (0.05, 0.11, 1.0)
    slope = float(model.w.abs().sum() if norm == "linf" else model.w.norm())
    trajectory = run(model, x, y, epsilons, Settings(steps, step, norm, loss, bounds=WIDE, early_stop=early_stop))
    margin = model.score(x).abs()
    for index, eps in enumerate(epsilons):
        moved = torch.tensor([min(k * step, eps) for k in range(steps + 1)], dtype=torch.float64)
        fooled = moved[None] * slope > margin[:, None]
        assert 5 < int(fooled[:, -1].sum()) < 295
        assert torch.equal(trajectory.fooled[index], fooled)
        assert torch.equal(
            trajectory.first_fooled[index], torch.where(fooled.any(1), fooled.int().argmax(1), -torch.ones(300).long())
        )


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_the_last_iterate_of_a_linear_model(norm: str) -> None:
    """min(K a, eps) against sign(w) or w / |w|; what the ball leaves is spent exactly."""
    model = Binary().requires_grad_(False)
    x = torch.randn(40, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    y = clean(model, x)
    direction = model.w.sign() if norm == "linf" else model.w / model.w.norm()
    settings = Settings(7, 0.03, norm, "nll_logits", bounds=WIDE, early_stop=False)
    trajectory = run(model, x, y, (0.1, 0.5), settings)
    side = (1 - 2 * y.double())[:, None]
    for index, moved in enumerate((0.1, 0.21)):
        torch.testing.assert_close(trajectory.adversarials[index], x + side * moved * direction, rtol=0, atol=1e-12)


def test_a_targeted_binary_attack_is_the_untargeted_one() -> None:
    model = Binary().requires_grad_(False)
    x = torch.randn(40, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    y = clean(model, x)
    away = run(model, x, y, (0.05, 0.4), Settings(6, 0.05, bounds=WIDE))
    towards = run(model, x, 1 - y, (0.05, 0.4), Settings(6, 0.05, bounds=WIDE, targeted=True))
    assert away.fooled.any() and not away.fooled.all()
    for name in ("fooled", "prediction", "adversarials"):
        assert torch.equal(getattr(away, name), getattr(towards, name)), name


# Foolbox, bit for bit -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("targeted", [False, True])
def test_equals_foolbox_one_call_per_strength(norm: str, targeted: bool) -> None:
    """Bit for bit, given the same gradient bit for bit: l2 steps keep the last bit of the loss, sign steps do not."""
    model, x = conv_net(), pixels()
    y = (clean(model, x) + targeted) % 5
    epsilons, step = ((0.02, 0.05, 0.3), 0.013) if norm == "linf" else ((0.2, 0.5, 3.0), 0.13)
    kind = foolbox.attacks.LinfBasicIterativeAttack if norm == "linf" else foolbox.attacks.L2BasicIterativeAttack
    peer = kind(abs_stepsize=step, steps=9)
    target = foolbox.PyTorchModel(model, bounds=(0, 1))
    settings = Settings(9, step, norm, early_stop=False, targeted=targeted)
    alike = iterate(WrittenCrossEntropy(model, y), model, x, y, epsilons, settings)
    ours = run(model, x, y, epsilons, settings)
    for index, eps in enumerate(epsilons):
        raw, _, success = peer(target, x, TargetedMisclassification(y) if targeted else y, epsilons=eps)
        assert torch.equal(alike.adversarials[index], raw)
        assert torch.equal(alike.fooled[index, :, -1], success)
        assert torch.equal(ours.fooled[index, :, -1], success)
        if norm == "linf":
            assert torch.equal(ours.adversarials[index], raw)
        else:
            torch.testing.assert_close(ours.adversarials[index], raw, rtol=0, atol=1e-6)
    assert len({int(count) for count in ours.fooled[..., -1].sum(1)}) > 1  # the strengths differ


class WrittenCrossEntropy(Autograd):
    """Differentiates torch's own cross-entropy, whose exponential rounds unlike `exp`; labels repeat per strength."""

    def __init__(self, model: nn.Module, labels: Tensor) -> None:
        super().__init__(model)
        self.labels = labels

    def __call__(self, x: Tensor, cotangent: Cotangent) -> tuple[Tensor, Tensor]:
        labels = self.labels.repeat(len(x) // len(self.labels))
        leaf = x.detach().requires_grad_()
        logits = self.model(leaf)
        (gradient,) = torch.autograd.grad(nn.functional.cross_entropy(logits, labels, reduction="sum"), leaf)
        return logits.detach(), gradient


# One batch for all strengths ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("early_stop", [True, False])
@pytest.mark.parametrize("random", [True, False])
def test_all_strengths_at_once_are_one_at_a_time(norm: str, early_stop: bool, random: bool) -> None:
    model, x = conv_net(torch.float64), pixels(dtype=torch.float64)
    y = clean(model, x)
    scale = 1 if norm == "linf" else 10
    epsilons = tuple(scale * eps for eps in (0.01, 0.02, 0.02, 0.035, 0.2))
    settings = Settings(8, 0.01 * scale, norm, early_stop=early_stop)
    noise = ball_noise(range(len(x)), tuple(x.shape[1:]), seed=0, norm=norm)

    def attacked(strengths: tuple[float, ...]) -> Trajectory:
        start = random_starts(x, noise, strengths, settings) if random else None
        return iterate(Autograd(model), model, x, y, strengths, settings, start=start)

    together = attacked(epsilons)
    for index, eps in enumerate(epsilons):
        alone = attacked((eps,))
        assert torch.equal(together.fooled[index], alone.fooled[0])
        assert torch.equal(together.prediction[index], alone.prediction[0])
        torch.testing.assert_close(together.adversarials[index], alone.adversarials[0], rtol=0, atol=1e-12)
    assert together.fooled[0].sum() < together.fooled[-1].sum()


@pytest.mark.parametrize("scale", [1.0, 255.0])
def test_a_shared_row_is_never_clipped_by_a_ball_that_is_not_its_own(scale: float) -> None:
    """Small balls whose radius is just above a whole number of steps, in float32, where x - base is rounded."""
    x = torch.full((1, 64), 0.9) * torch.linspace(0.9, 1.1, 64) * scale
    weight = torch.ones(64, 2) * torch.tensor([1.0, -1.0])
    model = nn.Linear(64, 2, bias=False).requires_grad_(False)
    model.weight.copy_(weight.T)
    y = torch.zeros(1, dtype=torch.int64)
    for excess in (0.9e-5, 1.1e-5, 1.5e-5, 3e-5):
        step = scale * 1e-4
        small = 4 * step * (1 + excess)
        settings = Settings(4, step, loss="nll_logits", bounds=(-scale, 2 * scale), early_stop=False)
        both, alone = run(model, x, y, (small, 1.0 * scale), settings), run(model, x, y, (1.0 * scale,), settings)
        assert torch.equal(both.adversarials[1], alone.adversarials[0]), excess


def test_strengths_share_rows_until_the_smallest_ball_binds() -> None:
    model, x = conv_net(), pixels()
    y, n = clean(model, x), len(x)
    for epsilons, expected in [
        ((0.03, 0.5), [n, n, n, 2 * n, 2 * n, 2 * n]),  # touched at step 3, binding from step 4 on
        ((0.025, 0.5), [n, n, n, 2 * n, 2 * n, 2 * n]),  # binding at step 3
        ((0.5, 0.6), [n] * 6),  # never binding
        ((0.005, 0.015, 0.5), [n, 2 * n, 3 * n, 3 * n, 3 * n, 3 * n]),
        ((0.5,), [n] * 6),
    ]:
        counting = Counting(model)
        iterate(counting, model, x, y, epsilons, Settings(6, 0.01, early_stop=False))
        assert counting.rows == expected, epsilons


# Early stopping -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_early_stopping_reads_whether_any_iterate_so_far_was_misclassified(norm: str) -> None:
    model, x = conv_net(torch.float64), pixels(40, torch.float64)
    y = clean(model, x)
    scale = 1 if norm == "linf" else 10
    epsilons = (0.02 * scale, 0.06 * scale)
    walked = run(model, x, y, epsilons, Settings(10, 0.007 * scale, norm, early_stop=False))
    counting = Counting(model)
    stopped = iterate(counting, model, x, y, epsilons, Settings(10, 0.007 * scale, norm))
    assert torch.equal(stopped.fooled, walked.fooled.cummax(-1).values)
    assert torch.equal(stopped.first_fooled, walked.first_fooled)
    assert stopped.fooled[..., -1].any() and not stopped.fooled[..., -1].all()
    # Rows leave: once apart, each strength has as many as are not fooled yet; before, one stands for both.
    left = (~stopped.fooled).sum(1)
    binds = 2  # the third step may leave the smaller ball: 3 * 0.007 > 0.02
    alone = [len(x), *(int(left[1, k]) for k in range(binds))]
    both = [int(left[:, k].sum()) for k in range(binds, 9)]
    assert counting.rows == [*alone, *both]
    assert alone[-1] < len(x) and both[-1] < both[0]


def test_an_early_stopped_sample_stays_at_its_first_misclassified_iterate() -> None:
    model, x = conv_net(torch.float64), pixels(40, torch.float64)
    y = clean(model, x)
    stopped = run(model, x, y, (0.08,), Settings(10, 0.008))
    first = stopped.first_fooled[0]
    assert len(set(first.tolist())) > 2
    for k in range(1, 11):
        until_k = run(model, x, y, (0.08,), Settings(k, 0.008, early_stop=False))
        mine = first == k
        torch.testing.assert_close(stopped.adversarials[0, mine], until_k.adversarials[0, mine], rtol=0, atol=1e-12)
        assert torch.equal(stopped.prediction[0, mine], until_k.prediction[0, mine])


def test_all_fooled_at_step_zero() -> None:
    model, x = conv_net(), pixels()
    counting = Counting(model)
    trajectory = iterate(counting, model, x, (clean(model, x) + 1) % 5, (0.1, 0.2), Settings(5, 0.01))
    assert trajectory.fooled.all() and (trajectory.first_fooled == 0).all()
    assert torch.equal(trajectory.adversarials, x.expand(2, *x.shape))
    assert torch.equal(trajectory.prediction, clean(model, x).expand(2, -1))
    assert counting.rows == [len(x)]


@pytest.mark.parametrize("early_stop", [True, False])
def test_one_step(early_stop: bool) -> None:
    """FGSM: x + a sign(grad), once."""
    model, x = conv_net(), pixels()
    y = clean(model, x)
    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(nn.functional.cross_entropy(model(leaf), y), leaf)
    trajectory = run(model, x, y, (0.03,), Settings(1, 0.03, early_stop=early_stop))
    assert trajectory.fooled.shape == (1, len(x), 2)
    torch.testing.assert_close(trajectory.adversarials[0], (x + 0.03 * gradient.sign()).clamp(0, 1))


# Ranges and spaces ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bounds", [(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0), (-2.5, 0.5)])
@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_stays_in_the_ball_and_in_the_bounds(bounds: tuple[float, float], norm: str) -> None:
    low, width = bounds[0], bounds[1] - bounds[0]
    model = nn.Sequential(Rescaled(low, width), conv_net())
    x = pixels() * width + low
    y = clean(model, x)
    epsilons = (0.02 * width, 0.07 * width) if norm == "linf" else (0.3 * width, 1.0 * width)
    settings = Settings(12, epsilons[0] * 0.7, norm, bounds=bounds, early_stop=False)
    noise = ball_noise(range(len(x)), tuple(x.shape[1:]), seed=0, norm=norm)
    for start in (None, random_starts(x, noise, epsilons, settings)):
        trajectory = iterate(Autograd(model), model, x, y, epsilons, settings, start=start)
        assert trajectory.adversarials.min() >= bounds[0] and trajectory.adversarials.max() <= bounds[1]
        offset = (trajectory.adversarials - x).flatten(2)
        size = offset.abs().amax(2) if norm == "linf" else offset.norm(dim=2)
        for index, eps in enumerate(epsilons):
            assert size[index].max() <= eps + 1e-6 * width
            assert size[index].max() > 0.95 * eps


class Rescaled(nn.Module):
    """Maps [low, low + width] to [0, 1]."""

    def __init__(self, low: float, width: float) -> None:
        super().__init__()
        self.low, self.width = low, width

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.low) / self.width


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_a_unit_attacks_normalised_images(norm: str) -> None:
    """The same as attacking the network in its own space, z = (x - mean) / std, with the pixel range mapped there."""
    network, x = conv_net(torch.float64), pixels(dtype=torch.float64)
    mean = torch.tensor([0.485, 0.456, 0.406], dtype=torch.float64).view(3, 1, 1)
    std = torch.tensor([0.1, 0.224, 0.5], dtype=torch.float64).view(3, 1, 1)
    model = nn.Sequential(Rescaled(mean, std), network)  # type: ignore[arg-type]
    y = clean(model, x)
    epsilons, step = ((0.05, 0.15), 0.02) if norm == "linf" else ((0.5, 2.0), 0.3)
    ours = run(model, x, y, epsilons, Settings(8, step, norm, unit=std, early_stop=False))
    low, high = (0 - mean) / std, (1 - mean) / std
    for index, eps in enumerate(epsilons):
        z0 = (x - mean) / std
        z = z0.clone()
        for k in range(8):
            assert torch.equal(ours.fooled[index, :, k], clean(network, z) != y)
            leaf = z.clone().requires_grad_()
            (gradient,) = torch.autograd.grad(nn.functional.cross_entropy(network(leaf), y, reduction="sum"), leaf)
            if norm == "linf":
                z = z0 + (z + step * gradient.sign() - z0).clamp(-eps, eps)
            else:
                length = gradient.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
                offset = z + step * gradient / length - z0
                z = z0 + offset * (eps / offset.flatten(1).norm(dim=1)).clamp(max=1).view(-1, 1, 1, 1)
            z = torch.minimum(torch.maximum(z, low), high)
        torch.testing.assert_close(ours.adversarials[index], z * std + mean, rtol=0, atol=1e-12)
    assert (ours.adversarials == 0).any() and (ours.adversarials == 1).any()  # the bounds were felt


# A predictor that lies ------------------------------------------------------------------------------------------------


class Lying:
    """Differentiates truly, but moves the logits: `boast` always says fooled, else never."""

    def __init__(self, model: nn.Module, labels: Tensor, boast: bool) -> None:
        self.autograd, self.model, self.boast = Autograd(model), model, boast
        self.classes = (labels + 1) % 5 if boast else labels  # one row per sample: a single strength

    def predict(self, x: Tensor) -> Tensor:
        return nn.functional.one_hot(self.classes[: len(x)], 5).to(x)

    def __call__(self, x: Tensor, cotangent: Cotangent) -> tuple[Tensor, Tensor]:
        return self.predict(x), self.autograd(x, cotangent)[1]


def test_a_boasting_predictor_is_corrected_by_the_judge() -> None:
    model, x = conv_net(torch.float64), pixels(dtype=torch.float64)
    y = clean(model, x)
    settings = Settings(8, 0.01, early_stop=False)
    truth, liar = run(model, x, y, (0.06,), settings), Lying(model, y, boast=True)
    judged = iterate(liar, liar.predict, x, y, (0.06,), settings, judge=model)
    assert 0 < int(truth.fooled[..., -1].sum()) < len(x)
    for name in ("fooled", "prediction", "adversarials"):
        assert torch.equal(getattr(judged, name), getattr(truth, name)), name
    unjudged = iterate(liar, liar.predict, x, y, (0.06,), settings)
    assert unjudged.fooled.all()  # without a judge the lie stands: the test can fail


def test_a_predictor_that_denies_is_corrected_where_the_study_reads() -> None:
    model, x = conv_net(torch.float64), pixels(dtype=torch.float64)
    y = clean(model, x)
    settings = Settings(8, 0.01, early_stop=False)
    truth, liar = run(model, x, y, (0.06,), settings), Lying(model, y, boast=False)
    judged = iterate(liar, liar.predict, x, y, (0.06,), settings, judge=model, readings=(5,))
    for k in (5, 8):
        assert truth.fooled[..., k].any()
        assert torch.equal(judged.fooled[..., k], truth.fooled[..., k])
    assert torch.equal(judged.prediction[0], clean(model, judged.adversarials[0]))


def test_the_last_iterates_are_shown_to_the_judge_alone() -> None:
    model, x = conv_net(torch.float64), pixels(dtype=torch.float64)
    y, asked = clean(model, x), list[int]()

    def never(z: Tensor) -> Tensor:
        raise AssertionError("nobody reads what the other model says of the last iterates")

    def judge(z: Tensor) -> Tensor:
        asked.append(len(z))
        return model(z)

    for walk in (iterate, iterate_in_fixed_shapes):
        walk(Autograd(model), never, x, y, (0.06,), Settings(2, 0.01, early_stop=False), judge=judge)
        assert asked[-1] == len(x)


def test_the_judge_keeps_rows_in_the_batch_that_the_liar_calls_fooled() -> None:
    model, x = conv_net(torch.float64), pixels(dtype=torch.float64)
    y = clean(model, x)
    truth, counting = run(model, x, y, (0.06, 0.1), Settings(8, 0.01)), Counting(model)

    def boasting(z: Tensor, cotangent: Cotangent) -> tuple[Tensor, Tensor]:
        logits, gradient = counting(z, cotangent)
        return -logits, gradient  # the least likely class first: never the label while it leads

    judged = iterate(boasting, model, x, y, (0.06, 0.1), Settings(8, 0.01, loss="nll_logits"), judge=model)
    honest = run(model, x, y, (0.06, 0.1), Settings(8, 0.01, loss="nll_logits"))
    assert torch.equal(judged.fooled, honest.fooled)
    assert counting.rows[0] == counting.rows[1] == len(x)
    assert truth.fooled.any()


# Degenerate inputs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_without_a_gradient_nothing_moves(norm: str) -> None:
    model, x = conv_net(), pixels()
    flat = nn.Sequential(Rescaled(0, 1e30), model)  # gradients far below the smallest float
    y = clean(flat, x)
    trajectory = run(flat, x, y, (0.1, 0.2), Settings(3, 0.05, norm))
    assert not trajectory.fooled.any()
    assert trajectory.adversarials.isfinite().all()


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_a_gradient_of_exactly_zero_leaves_the_image_bit_for_bit(norm: str) -> None:
    class Constant(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return 0 * x.flatten(1)[:, :5] + torch.arange(5.0)

    x = pixels()
    y = torch.full((len(x),), 4)
    trajectory = run(Constant(), x, y, (0.1, 0.2), Settings(3, 0.05, norm))
    assert torch.equal(trajectory.adversarials, x.expand(2, *x.shape))
    assert not trajectory.fooled.any() and (trajectory.prediction == 4).all()


def test_the_inputs_are_left_alone() -> None:
    model, x = conv_net(), pixels()
    y, before = clean(model, x), x.clone()
    run(model, x, y, (0.1, 0.2), Settings(3, 0.05))
    assert torch.equal(x, before) and not x.requires_grad


def test_a_batch_of_none() -> None:
    model = conv_net()
    trajectory = run(model, pixels()[:0], torch.zeros(0, dtype=torch.int64), (0.1, 0.2), Settings(3, 0.05))
    assert trajectory.fooled.shape == (2, 0, 4) and trajectory.adversarials.shape == (2, 0, 3, 6, 6)
