"""A rule's gradient against the true one: closed forms in float64, and what is undefined."""

from functools import partial

import pytest
import torch
from torch import Tensor, nn

from modules.linbp import linbp
from suite.attacks import LOSSES
from suite.gradients import bp
from suite.gradients.diagnostics import compare, compare_along, compare_rule, input_gradient

CE = LOSSES["ce"]
N, D, HIDDEN, CLASSES = 7, 5, 9, 4


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def two_layer() -> tuple[nn.Module, Tensor, Tensor]:
    """x -> V relu(W x), with its W and V."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(D, HIDDEN, bias=False), nn.ReLU(), nn.Linear(HIDDEN, CLASSES, bias=False)).double()
    return model.eval(), model[0].weight.detach(), model[2].weight.detach()


X, Y = drawn(N, D, seed=1), torch.arange(N) % CLASSES


def test_of_hand_made_vectors() -> None:
    g = torch.tensor([[3.0, 4.0], [1.0, 0.0], [-2.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    h = torch.tensor([[6.0, 8.0], [0.0, 5.0], [1.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
    found = compare(g, h)
    assert found.cosine.tolist() == pytest.approx([1, 0, -1, 2**-0.5], abs=1e-15)
    assert found.norm_ratio.tolist() == pytest.approx([0.5, 0.2, 2, 2**-0.5], rel=1e-15)
    assert found.sign_agreement.tolist() == [1, 0, 0.5, 0.5]  # a zero agrees with a zero only
    assert not found.undefined.any()


def test_zero_gradients_are_undefined_and_counted() -> None:
    one, nought = torch.ones(1, 3), torch.zeros(1, 3)
    found = compare(torch.cat([one, nought, nought]), torch.cat([nought, one, nought]))
    assert found.undefined.tolist() == [True, True, True]
    assert found.sign_agreement.isnan().all()
    assert found.norm_ratio.isnan().tolist() == [True, False, True] and found.norm_ratio[1] == 0


def test_gradients_that_are_not_finite_are_undefined() -> None:
    bad = torch.tensor([[torch.inf, 1.0], [torch.nan, 1.0]])
    assert compare(bad, torch.ones(2, 2)).undefined.all()
    assert compare(torch.ones(2, 2), bad).undefined.all()


@pytest.mark.parametrize("scale", [1e-30, 1e-200, 1e200])
def test_angle_and_ratio_do_not_depend_on_the_scale(scale: float) -> None:
    """Squares of 1e-200 vanish and those of 1e200 overflow in float64."""
    g, h = drawn(N, D, seed=2), drawn(N, D, seed=3)
    plain, scaled = compare(g, h), compare(scale * g, scale * h)
    torch.testing.assert_close(scaled.cosine, plain.cosine, rtol=1e-13, atol=1e-13)
    torch.testing.assert_close(scaled.norm_ratio, plain.norm_ratio, rtol=1e-12, atol=0)
    torch.testing.assert_close(compare(scale * g, h).norm_ratio, scale * plain.norm_ratio, rtol=1e-12, atol=0)


def test_small_float32_gradients_have_an_angle() -> None:
    g = torch.tensor([[1e-30, 1e-30]])
    assert compare(g, g).cosine.item() == pytest.approx(1) and not compare(g, g).undefined.any()


def test_a_linear_net_has_the_true_gradient() -> None:
    """Nothing to linearise but rectifiers that are open everywhere: cosine 1, ratio 1, all signs equal."""
    model, _, _ = two_layer()
    with torch.no_grad():
        model[0].weight.abs_()
    found = compare_rule(model, partial(linbp, start="all"), X.abs(), Y, CE)
    for values in (found.cosine, found.norm_ratio, found.sign_agreement):
        torch.testing.assert_close(values, torch.ones(N, dtype=torch.float64), rtol=1e-12, atol=0)


def test_two_layers_against_their_jacobians() -> None:
    """BP: W^T D V^T (p - e_y); LinBP: W^T V^T (p - e_y), D the rectifier's mask (Li et al. 2022, Sec. 3.1)."""
    model, w, v = two_layer()
    found = compare_rule(model, partial(linbp, start="all"), X, Y, CE)
    for i in range(N):
        z = w @ X[i]
        logits = v @ z.clamp(min=0)
        back = v.T @ (torch.softmax(logits, 0) - torch.eye(CLASSES, dtype=torch.float64)[Y[i]])
        true, linear = w.T @ ((z > 0) * back), w.T @ back
        assert found.cosine[i].item() == pytest.approx((linear @ true / linear.norm() / true.norm()).item(), abs=1e-12)
        assert found.norm_ratio[i].item() == pytest.approx((linear.norm() / true.norm()).item(), rel=1e-12)
        assert found.sign_agreement[i].item() == ((linear > 0) == (true > 0)).double().mean().item()
    assert (found.cosine < 0.999).all()  # else the test could not tell the rules apart


def test_the_loss_is_any_cotangent() -> None:
    model, w, v = two_layer()
    margin = torch.tensor([1.0, -1.0, 0.0, 0.0], dtype=torch.float64)
    gradient = input_gradient(model, X, Y, lambda logits, labels: margin.expand_as(logits))
    expected = ((X @ w.T > 0) * (margin @ v)) @ w
    torch.testing.assert_close(gradient, expected, rtol=1e-12, atol=1e-12)
    assert model[0].weight.grad is None and model[0].weight.requires_grad


def test_batches_change_nothing() -> None:
    model, _, _ = two_layer()
    rule = partial(linbp, start=0)
    whole, split = (compare_rule(model, rule, X, Y, CE, batch_size=size) for size in (N, 2))
    torch.testing.assert_close(whole.cosine, split.cosine, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(whole.norm_ratio, split.norm_ratio, rtol=1e-12, atol=0)


def test_along_a_path_one_row_an_iterate() -> None:
    model, _, _ = two_layer()
    path = [X, X + 0.1, X - 0.5]
    found = compare_along(model, partial(linbp, start=0), path, Y, CE)
    assert found.cosine.shape == found.norm_ratio.shape == found.sign_agreement.shape == (3, N)
    for row, x in zip(found.cosine, path, strict=True):
        assert row.equal(compare_rule(model, partial(linbp, start=0), x, Y, CE).cosine)
    assert (compare_along(model, bp, path, Y, CE).cosine > 1 - 1e-12).all()


def test_a_dead_network_is_undefined_without_a_warning() -> None:
    """Closed rectifiers everywhere: the true gradient is zero, LinBP's is not."""
    model, _, _ = two_layer()
    with torch.no_grad():
        model[0].weight.abs_()
    found = compare_rule(model, partial(linbp, start=0), -X.abs(), Y, CE)
    assert found.undefined.all() and found.norm_ratio.isnan().all()
