"""LinBP against closed forms (Li et al. 2022, Eq. 5, 6, 8), and everything a model may do around it."""

import copy
import threading
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from modules.linbp import linbp, linear_backward
from suite.errors import SuiteError

SIZES = (7, 11, 9, 8, 3)


class Mlp(nn.Module):
    """x -> W4 σ(W3 σ(W2 σ(W1 x))), with a path for every layer."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(n, m, bias=False) for n, m in pairwise(SIZES))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return self.layers[-1](x)


@pytest.fixture
def mlp() -> Mlp:
    torch.manual_seed(0)
    return Mlp().double()


@pytest.fixture
def x() -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(5, SIZES[0], dtype=torch.float64, generator=generator, requires_grad=True)


def activations(model: Mlp, x: Tensor) -> list[Tensor]:
    """Inputs of every layer: x, σ(f_1), σ(f_2), ..."""
    inputs = [x.detach()]
    for layer in model.layers[:-1]:
        inputs.append((inputs[-1] @ layer.weight.detach().T).clamp(min=0))
    return inputs


def input_gradient(model: nn.Module, x: Tensor, cotangent: Tensor) -> Tensor:
    (gradient,) = torch.autograd.grad(model(x), x, cotangent)
    return gradient


@pytest.mark.parametrize("start", [0, 1, 2, 3])
def test_input_gradient_is_eq_6(mlp: Mlp, x: Tensor, start: int) -> None:
    """∇̃_x L = M_1 ... M_m W_{m+1} ... W_d dL/df_d, M_i = W_i diag(f_i > 0), by matrix products; m = d-1 is BP."""
    v = torch.randn(5, SIZES[-1], dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    masks = [(a > 0).double() for a in activations(mlp, x)[1:]]
    gradient = v
    for index in reversed(range(len(mlp.layers))):
        if index < len(masks) and index < start:
            gradient = gradient * masks[index]
        gradient = gradient @ mlp.layers[index].weight.detach()
    model = linbp(mlp, start if start < 3 else "none")
    assert torch.allclose(input_gradient(model, x, v), gradient, rtol=1e-12)


def test_weight_gradient_is_eq_8(mlp: Mlp, x: Tensor) -> None:
    """∇̃_{W_i} L = (W_{i+1} ... W_d dL/df_d) σ(f_{i-1})^T: also the layer's own mask is dropped."""
    v = torch.randn(5, SIZES[-1], dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    gradients = torch.autograd.grad(linbp(mlp, "all")(x), list(mlp.parameters()), v)
    backward, inputs = v, activations(mlp, x)
    for index in reversed(range(len(mlp.layers))):
        assert torch.allclose(gradients[index], backward.T @ inputs[index], rtol=1e-12)
        backward = backward @ mlp.layers[index].weight.detach()


def test_starts_that_mean_the_same(mlp: Mlp, x: Tensor) -> None:
    v = torch.ones(5, SIZES[-1], dtype=torch.float64)
    for same in ([0, -3, "all", "layers.0"], [1, -2, "layers.1"], [2, -1, "layers.2"]):
        gradients = [input_gradient(linbp(mlp, start), x, v) for start in same]
        assert all(torch.equal(gradient, gradients[0]) for gradient in gradients[1:])
    mlp.linbp_start = "layers.1"
    assert torch.equal(input_gradient(linbp(mlp), x, v), input_gradient(linbp(mlp, 1), x, v))


def test_suffix_of_a_path_names_the_module_inside_a_wrapper(mlp: Mlp, x: Tensor) -> None:
    wrapped = nn.Sequential(nn.Identity(), mlp)
    v = torch.ones(5, SIZES[-1], dtype=torch.float64)
    expected = input_gradient(linbp(mlp, "layers.1"), x, v)
    assert torch.equal(input_gradient(linbp(wrapped, "layers.1"), x, v), expected)


def test_bad_starts_say_what_would_be_right(mlp: Mlp, x: Tensor) -> None:
    with pytest.raises(SuiteError, match=r"no module 'layer.1' \(did you mean layers.1"):
        linbp(mlp, "layer.1")
    for start in (3, -4):
        with pytest.raises(SuiteError, match=rf"start={start} is out of range.*0 to 2, or -3 to -1"):
            linbp(mlp, start)(x)
    with pytest.raises(SuiteError, match=r"no rectifier follows start='layers.3'"):
        linbp(mlp, "layers.3")(x)
    with pytest.raises(SuiteError, match="does not say where LinBP starts"):
        linbp(mlp)
    with pytest.raises(SuiteError, match="never called"):
        unused = Mlp()
        unused.spare = nn.ReLU()
        linbp(unused, "spare")(x.float())
    twins = nn.ModuleDict({"a": nn.Sequential(nn.ReLU()), "b": nn.Sequential(nn.ReLU())})
    with pytest.raises(SuiteError, match="several modules"):
        linbp(twins, "0")


def test_context_manager_changes_the_model_itself_and_only_within(mlp: Mlp, x: Tensor) -> None:
    v = torch.ones(5, SIZES[-1], dtype=torch.float64)
    before, linear = input_gradient(mlp, x, v), input_gradient(linbp(mlp, "all"), x, v)
    with linear_backward(mlp, "all"):
        assert torch.equal(input_gradient(mlp, x, v), linear)
        with pytest.raises(SuiteError, match="already replaced"), linear_backward(mlp, "all"):
            pass
    assert "forward" not in vars(mlp)
    assert torch.equal(input_gradient(mlp, x, v), before)
    with pytest.raises(ZeroDivisionError), linear_backward(mlp, 0):
        1 / 0  # noqa: B018
    assert "forward" not in vars(mlp)


def test_the_users_model_is_untouched(mlp: Mlp, x: Tensor) -> None:
    mlp.layers[0].register_forward_hook(lambda module, inputs, output: None)
    before = {name: (type(module), dict(vars(module))) for name, module in mlp.named_modules()}
    state = {name: value.clone() for name, value in mlp.state_dict().items()}
    linear = linbp(mlp, "layers.1")
    linear(x).sum().backward()
    assert {name: (type(module), dict(vars(module))) for name, module in mlp.named_modules()} == before
    assert all(torch.equal(value, state[name]) for name, value in mlp.state_dict().items())
    assert [id(p) for p in linear.parameters()] == [id(p) for p in mlp.parameters()]
    assert list(linear.state_dict()) == list(mlp.state_dict())
    assert isinstance(linear, Mlp)


def test_mode_and_device_moves_are_shared(mlp: Mlp) -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.ReLU())
    linear = linbp(model, "all")
    model.eval()
    assert not any(module.training for module in linear.modules())
    linear.train()
    assert all(module.training for module in model.modules())
    model.double()
    assert linear(torch.randn(3, 4, dtype=torch.float64)).dtype == torch.float64
    linear.float()
    assert model[1].running_mean.dtype == torch.float32


class TestAroundTheModel:
    """Everything in torch that wraps a model."""

    def test_double_backward(self, mlp: Mlp, x: Tensor) -> None:
        """The gradient penalty |∇̃_x L|² differentiates as the linear chain's: d/dW of |W_1 ... W_d v|²."""
        linear, v = linbp(mlp, "all"), torch.ones(5, SIZES[-1], dtype=torch.float64)
        (gradient,) = torch.autograd.grad(linear(x), x, v, create_graph=True)
        ours = torch.autograd.grad(gradient.square().sum(), list(mlp.parameters()))
        chain = v
        for layer in reversed(mlp.layers):
            chain = chain @ layer.weight
        expected = torch.autograd.grad(chain.square().sum(), list(mlp.parameters()))
        assert all(torch.allclose(a, b, rtol=1e-10) for a, b in zip(ours, expected, strict=True))

    def test_functional_transforms(self, mlp: Mlp, x: Tensor) -> None:
        linear, points = linbp(mlp, "layers.0"), x.detach()
        jacobian = torch.linalg.multi_dot([layer.weight.detach() for layer in reversed(mlp.layers)])
        expected = jacobian.sum(0).expand(5, -1)
        assert torch.allclose(torch.func.vmap(torch.func.grad(lambda p: linear(p).sum()))(points), expected)
        assert torch.allclose(torch.func.vmap(torch.func.jacrev(linear))(points), jacobian.expand(5, -1, -1))
        assert torch.allclose(torch.func.vmap(torch.func.jacfwd(linear))(points), jacobian.expand(5, -1, -1))
        value, tangent = torch.func.jvp(linear, (points,), (torch.ones_like(points),))
        assert torch.equal(value, mlp(points))
        assert torch.allclose(tangent, torch.ones_like(points) @ jacobian.T)

    @pytest.mark.parametrize("start", ["layers.1", 1, -2])
    @pytest.mark.parametrize("inplace", [False, True])
    def test_compile(self, start: str | int, inplace: bool) -> None:
        torch.manual_seed(0)
        torch.compiler.reset()
        layers = [nn.Linear(4, 8), nn.ReLU(inplace), nn.Linear(8, 8), nn.ReLU(inplace), nn.Linear(8, 3)]
        model = nn.Sequential(*layers).double()
        start = {"layers.1": "2"}.get(str(start), start)
        points = torch.randn(6, 4, dtype=torch.float64, requires_grad=True)
        linear, v = linbp(model, start), torch.ones(6, 3, dtype=torch.float64)
        expected = input_gradient(linear, points, v)
        compiled = torch.compile(linear, backend="aot_eager", fullgraph=True)
        assert torch.equal(compiled(points), model(points))
        assert torch.allclose(input_gradient(compiled, points, v), expected, rtol=1e-12)

    @pytest.mark.parametrize("reentrant", [False, True])
    @pytest.mark.parametrize("start", ["block", "tail", 1, -2])
    def test_gradient_checkpointing(self, reentrant: bool, start: str | int) -> None:
        class Net(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.head, self.tail = nn.Linear(4, 8), nn.Linear(8, 3)
                self.block = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(inplace=True))
                self.checkpointed = False

            def forward(self, x: Tensor) -> Tensor:
                x = F.relu(self.head(x))
                x = checkpoint(self.block, x, use_reentrant=reentrant) if self.checkpointed else self.block(x)
                return F.relu(self.tail(x))

        torch.manual_seed(0)
        net, points = Net().double(), torch.randn(6, 4, dtype=torch.float64, requires_grad=True)
        v = torch.randn(6, 3, dtype=torch.float64)
        plain = input_gradient(net, points, v)
        expected = input_gradient(linbp(net, start), points, v)
        assert not torch.allclose(expected, plain)
        net.checkpointed = True
        linbp(net, start)(points).backward(v)  # torch.autograd.grad and reentrant checkpoints exclude each other
        assert torch.equal(points.grad, expected)

    def test_threads(self, mlp: Mlp, x: Tensor) -> None:
        """Threads share one view, and DataParallel's replicas run in threads of their own."""
        linear, v = linbp(mlp, "layers.1"), torch.ones(5, SIZES[-1], dtype=torch.float64)
        expected, plain = input_gradient(linear, x, v), input_gradient(mlp, x, v)
        replica = copy.copy(linear)
        replica.__dict__ = linear._replicate_for_data_parallel().__dict__ | {"_parameters": linear._parameters}
        results: dict[int, bool] = {}

        def work(index: int) -> None:
            points = x.detach().clone().requires_grad_()
            model, wanted = [(linear, expected), (mlp, plain), (replica, expected)][index % 3]
            results[index] = all(torch.equal(input_gradient(model, points, v), wanted) for _ in range(50))

        threads = [threading.Thread(target=work, args=(index,)) for index in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == dict.fromkeys(range(6), True)

    def test_deepcopy_is_independent(self, mlp: Mlp, x: Tensor) -> None:
        linear, v = linbp(mlp, "layers.1"), torch.ones(5, SIZES[-1], dtype=torch.float64)
        expected, twin = input_gradient(linear, x, v), copy.deepcopy(linear)
        with torch.no_grad():
            mlp.layers[0].weight.zero_()
        assert torch.equal(input_gradient(twin, x, v), expected)

    def test_an_exception_in_the_model_leaves_nothing_behind(self, mlp: Mlp, x: Tensor) -> None:
        linear = linbp(mlp, "all")
        with pytest.raises(RuntimeError):
            linear(torch.zeros(5, 3, dtype=torch.float64))
        v = torch.ones(5, SIZES[-1], dtype=torch.float64)
        assert torch.equal(input_gradient(linear, x, v), input_gradient(linbp(mlp, "all"), x, v))
        y = torch.tensor([-1.0], requires_grad=True)
        F.relu(y).backward()
        assert y.grad is not None and y.grad.item() == 0

    def test_rules_compose(self, mlp: Mlp, x: Tensor) -> None:
        """LinBP of a LinBP view: the union of what both skip."""
        v = torch.ones(5, SIZES[-1], dtype=torch.float64)
        both = linbp(linbp(mlp, 2), 1)
        assert torch.equal(both(x), mlp(x))
        assert torch.equal(input_gradient(both, x, v), input_gradient(linbp(mlp, 1), x, v))
        assert torch.equal(input_gradient(linbp(linbp(mlp, 1), 2), x, v), input_gradient(linbp(mlp, 1), x, v))

    def test_a_slice_of_a_container_still_runs_under_the_rule(self) -> None:
        class Sliced(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.features = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU())

            def forward(self, x: Tensor) -> Tensor:
                return self.features[2:](self.features[:2](x))

        torch.manual_seed(0)
        net, points = Sliced(), torch.randn(3, 4, requires_grad=True)
        expected = torch.ones(3, 4) @ net.features[2].weight @ net.features[0].weight
        assert torch.allclose(input_gradient(linbp(net, "all"), points, torch.ones(3, 4)), expected, rtol=1e-5)

    def test_dynamic_model_with_a_negative_start_is_refused(self, x: Tensor) -> None:
        class Dynamic(nn.Module):
            calls = 2

            def forward(self, x: Tensor) -> Tensor:
                for _ in range(self.calls):
                    x = torch.relu(x - 1)
                return x

        model = Dynamic()
        linear = linbp(model, -1)
        linear(x)
        Dynamic.calls = 3
        with pytest.raises(SuiteError, match="called 3 rectifiers, and 2 the first time"):
            linear(x)

    def test_counting_for_a_negative_start_has_no_side_effects(self) -> None:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.5))
        twin = copy.deepcopy(model)
        points = torch.randn(8, 4)
        torch.manual_seed(5)
        ours = linbp(model, -1)(points)
        torch.manual_seed(5)
        assert torch.equal(ours, twin(points))
        assert torch.equal(model[1].running_mean, twin[1].running_mean)
        assert model[1].num_batches_tracked == 1

    def test_torchscript_is_refused(self) -> None:
        class Scripted(torch.jit.ScriptModule):
            pass

        with pytest.raises(SuiteError, match="TorchScript"):
            linbp(nn.Sequential(Scripted()), "all")


class TestWhatWouldBypassTheRule:
    """Refused in one line, where it would silently be plain backpropagation."""

    def test_compiled_models(self, mlp: Mlp, x: Tensor) -> None:
        with pytest.raises(SuiteError, match="replaced on the instance"):
            linbp(torch.compile(mlp, backend="eager"), "all")
        expected = input_gradient(linbp(mlp, "all"), x, torch.ones(5, SIZES[-1], dtype=torch.float64))
        mlp.compile(backend="eager")  # in place: the view runs the plain forward
        ours = input_gradient(linbp(mlp, "all"), x, torch.ones(5, SIZES[-1], dtype=torch.float64))
        assert torch.equal(ours, expected)

    def test_a_forward_on_the_instance(self, mlp: Mlp) -> None:
        with linear_backward(mlp, "all"), pytest.raises(SuiteError, match="replaced on the instance"):
            linbp(mlp, -1)

    def test_a_view_inside_another_model(self, mlp: Mlp) -> None:
        with pytest.raises(SuiteError, match="module '0' is a view already"):
            linbp(nn.Sequential(linbp(mlp, 0)), 1)
