"""TRADES and MART against their formulas spelled out in probabilities, in float64."""

import pytest
import torch
from torch import Tensor, nn

from suite.errors import SuiteError
from suite.training import Mart, Objective, Trades, cross_entropy
from suite.training.objectives import boosted_cross_entropy, divergence


def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(4, 3)).double()


def batch() -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    return torch.rand(6, 1, 2, 2, dtype=torch.float64), torch.tensor([0, 1, 2, 0, 1, 2])


def brighter(pixels: Tensor, _: Tensor) -> Tensor:
    return pixels + 0.3


def probabilities(at: Tensor) -> Tensor:
    return torch.softmax(model()(at), 1)


def test_cross_entropy_is_of_the_adversarys_samples() -> None:
    x, y = batch()
    for adversary, at in ((None, x), (brighter, x + 0.3)):
        loss, logits = cross_entropy(model(), x, y, adversary)
        torch.testing.assert_close(loss, -probabilities(at)[range(6), y].log().mean())
        torch.testing.assert_close(logits, model()(at))


def test_trades() -> None:
    x, y = batch()
    p, q = probabilities(x), probabilities(x + 0.3)
    expected = -p[range(6), y].log().mean() + 6 * (p * (p / q).log()).sum(1).mean()
    loss, logits = Trades(6)(model(), x, y, brighter)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(logits, model()(x + 0.3))


def test_mart() -> None:
    x, y = batch()
    p, q = probabilities(x), probabilities(x + 0.3)
    others = q.scatter(1, y[:, None], 0).amax(1)
    terms = -q[range(6), y].log() - (1 - others).log() + 5 * (p * (p / q).log()).sum(1) * (1 - p[range(6), y])
    loss, _ = Mart(5)(model(), x, y, brighter)
    torch.testing.assert_close(loss, terms.mean())


@pytest.mark.parametrize("objective", [Trades(2), Mart(2)])
def test_without_an_adversary_the_divergence_is_zero(objective: Objective) -> None:
    x, y = batch()
    loss, logits = objective(model(), x, y, None)
    alone = -probabilities(x)[range(6), y].log() if isinstance(objective, Trades) else boosted_cross_entropy(logits, y)
    torch.testing.assert_close(loss, alone.mean())


@pytest.mark.parametrize("objective", [Trades(2), Mart(2)])
def test_gradients_reach_both_terms(objective: Objective) -> None:
    x, y = batch()
    network = model()
    objective(network, x, y, brighter)[0].backward()
    weight = network.get_parameter("1.weight")
    assert weight.grad is not None
    direction = torch.randn(weight.shape, dtype=torch.float64)
    values = []
    for step in (1e-6, -2e-6):
        with torch.no_grad():
            weight.add_(step * direction)
        values.append(float(objective(network, x, y, brighter)[0].detach()))
    slope = (values[0] - values[1]) / 2e-6
    assert slope == pytest.approx(float((weight.grad * direction).sum()), rel=1e-6)


def test_confident_predictions_give_finite_losses() -> None:
    logits, y = torch.tensor([[90.0, 0.0, -90.0]]), torch.tensor([1])
    assert float(boosted_cross_entropy(logits, y)) == pytest.approx(180)  # -log e^-90 - log(1 - (1 - e^-90))
    assert float(boosted_cross_entropy(logits, torch.tensor([0]))) == pytest.approx(0, abs=1e-30)
    assert float(divergence(logits, logits.flip(1))) == pytest.approx(180)


@pytest.mark.parametrize("beta", [0, -1, float("inf"), float("nan")])
def test_beta_must_be_positive(beta: float) -> None:
    for objective in (Trades, Mart):
        with pytest.raises(SuiteError, match="give a number > 0"):
            objective(beta)
