"""Layers that train faster on a CPU: pooling to the bit, products up to rounding, torch's own layers in eval mode."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from suite.models.fast_layers import HalvingConv2d, Linear, MaxPool2x2


def gradients(layer: nn.Module, x: Tensor, upstream: Tensor) -> tuple[Tensor, ...]:
    x = x.clone().requires_grad_()
    return torch.autograd.grad(layer(x), [x, *layer.parameters()], upstream)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(3, 2, 8, 6), (2, 1, 2, 2), (2, 3, 7, 9), (2, 3, 6, 5)])
def test_pooling_has_the_bits_of_torch_with_ties(shape: tuple[int, ...], training: bool) -> None:
    torch.manual_seed(0)
    for _ in range(20):
        x = torch.randint(-2, 2, shape).float()  # four values for four places: most windows have ties
        expected = F.max_pool2d(x, 2)
        upstream = torch.randn_like(expected)
        layer, reference = MaxPool2x2().train(training), nn.MaxPool2d(2)
        assert torch.equal(layer(x), expected)
        assert torch.equal(layer(x.requires_grad_()), expected)
        with torch.no_grad():
            assert torch.equal(layer(x), expected)
        assert torch.equal(gradients(layer, x.detach(), upstream)[0], gradients(reference, x.detach(), upstream)[0])


def test_pooling_passes_what_is_not_a_number_on() -> None:
    x = torch.zeros(1, 1, 2, 4)
    x[0, 0, 1, 0] = torch.nan
    for inputs in (x, x.clone().requires_grad_()):
        result = MaxPool2x2()(inputs).flatten()
        assert result[0].isnan() and result[1] == 0


@pytest.mark.parametrize(("inputs", "outputs"), [(512, 256), (8, 3)])
def test_products_are_those_of_the_formula(inputs: int, outputs: int) -> None:
    torch.manual_seed(0)
    layer = Linear(inputs, outputs)
    x, upstream = torch.randn(17, inputs), torch.randn(17, outputs)
    weight, bias = layer.weight.detach().double(), layer.bias.detach().double()
    expected = (upstream.double() @ weight, upstream.double().T @ x.double(), upstream.double().sum(0))
    torch.testing.assert_close(layer(x).double(), x.double() @ weight.T + bias, rtol=1e-4, atol=1e-4)
    for mode in (True, False):
        for found, exact in zip(gradients(layer.train(mode), x, upstream), expected, strict=True):
            # Sums of k products of standard normals: float32 errs by a few sqrt(k) units in the last place.
            torch.testing.assert_close(found.double(), exact, rtol=1e-4, atol=1e-4)


def test_a_large_layer_trains_by_the_fast_product_and_is_torch_in_eval_mode() -> None:
    layer, x = Linear(512, 256), torch.randn(4, 512)
    plain = F.linear(x, layer.weight, layer.bias)
    assert "OneDnn" in type(layer.train()(x).grad_fn).__name__
    assert type(layer.eval()(x).grad_fn) is type(plain.grad_fn)
    assert torch.equal(layer(x), plain)
    assert layer.train().double()(x.double()).dtype == torch.float64


def test_a_torch_without_the_product_trains_by_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    layer, x = Linear(512, 256).train(), torch.randn(4, 512)
    monkeypatch.setattr("suite.models.fast_layers._HAS_PRODUCT", False)
    assert torch.equal(layer(x), F.linear(x, layer.weight, layer.bias))
    assert "OneDnn" not in type(layer(x).grad_fn).__name__


@pytest.mark.parametrize("shape", [(2, 3, 8, 6), (1, 1, 2, 2), (2, 3, 28, 28)])
@pytest.mark.parametrize("frozen", [True, False])
def test_halving_convolutions_have_torchs_gradients(shape: tuple[int, ...], frozen: bool) -> None:
    torch.manual_seed(0)
    layer = HalvingConv2d(shape[1], 5).double()
    x = torch.randn(shape, dtype=torch.float64)
    upstream = torch.randn(shape[0], 5, shape[2] // 2, shape[3] // 2, dtype=torch.float64)
    expected = gradients(layer.eval(), x, upstream)
    inputs = x.clone().requires_grad_()
    fast = layer.train()(inputs)
    assert "Halving" in type(fast.grad_fn).__name__
    assert torch.equal(fast, layer.eval()(x))
    if frozen:  # as an attack asks
        layer.requires_grad_(False)
        found = torch.autograd.grad(layer.train()(inputs), inputs, upstream)
    else:
        found = gradients(layer.train(), x, upstream)
    for one, other in zip(found, expected, strict=False):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_a_halving_convolution_is_torchs_where_no_image_asks_or_sides_are_odd() -> None:
    layer = HalvingConv2d(1, 2)
    odd = torch.randn(1, 1, 7, 8, requires_grad=True)
    for made in (layer.train()(torch.randn(1, 1, 8, 8)), layer(odd), layer.eval()(torch.randn(1, 1, 8, 8))):
        assert "Convolution" in type(made.grad_fn).__name__ and "Halving" not in type(made.grad_fn).__name__


def test_a_halving_convolution_is_torchs_under_autocast() -> None:
    torch.manual_seed(0)
    layer, reference, x = HalvingConv2d(2, 3), nn.Conv2d(2, 3, 4, stride=2, padding=1), torch.rand(2, 2, 4, 4)
    reference.load_state_dict(layer.state_dict())
    with torch.autocast("cpu", torch.bfloat16):
        ours, theirs = (gradients(each, x, torch.ones(2, 3, 2, 2, dtype=torch.bfloat16)) for each in (layer, reference))
    assert all(torch.equal(*pair) for pair in zip(ours, theirs, strict=True))


def test_torch_func_finds_torchs_own_operations() -> None:
    model = nn.Sequential(MaxPool2x2(), nn.Flatten(), Linear(512, 256)).train()
    parameters = dict(model.named_parameters())
    x = torch.randn(3, 8, 16, 16)

    def loss(parameters: dict[str, Tensor], x: Tensor) -> Tensor:
        return torch.func.functional_call(model, parameters, (x[None],)).square().sum()

    per_sample = torch.func.vmap(torch.func.grad(loss), (None, 0))(parameters, x)
    whole = torch.autograd.grad(model(x).square().sum(), [*parameters.values()])
    for found, expected in zip(per_sample.values(), whole, strict=True):
        torch.testing.assert_close(found.sum(0), expected, rtol=1e-3, atol=1e-2)
