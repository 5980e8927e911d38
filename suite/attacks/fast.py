"""Rewrites of a frozen model that are faster and equal up to rounding: `--fast`.

Nothing here is bit-exact; a study that uses it measures the agreement of gradient signs and records it.
"""

import copy
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights, fuse_linear_bn_weights
from torch.nn.utils.parametrize import is_parametrized
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from suite.attacks.differentiate import frozen
from suite.errors import SuiteError

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def fold_batch_norm(model: nn.Module, probe: Tensor) -> nn.Module:
    """A copy of `model` with every batch norm that directly follows a convolution or linear layer folded into it.

    Which norm follows which layer is seen in one forward pass over `probe`, so any model will do; module paths stay
    valid, since folded norms become identities. The copy's weights are frozen.

    Raises:
        SuiteError: the folded model's logits differ by more than rounding (a layer's output was also used elsewhere).
    """
    folded = copy.deepcopy(model)
    with frozen(model), torch.no_grad():
        expected = model(probe)
    with frozen(folded), torch.no_grad():
        paths = {module: path for path, module in folded.named_modules()}
        for layer, norm in _pairs(folded, probe):
            _fold(layer, norm)
            parent, _, name = paths[norm].rpartition(".")
            setattr(folded.get_submodule(parent), name, nn.Identity())
        for module in folded.modules():
            if isinstance(module, nn.Hardtanh):  # ReLU6 too; in place, autograd copies its input for the backward pass
                module.inplace = False
        actual = folded(probe)
    if not torch.allclose(actual, expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max())):
        raise SuiteError("folding batch norms changes this model's logits", "run without --fast")
    return folded.requires_grad_(False)


def fastest(work: Callable[[], object], device: torch.device, repeats: int = 3) -> float:
    """Seconds that the fastest of a few runs takes; on a CPU of its time, so that other work does not count."""
    seconds = []
    for _ in range(repeats):
        start = _now(device)
        work()
        seconds.append(_now(device) - start)
    return min(seconds)


def _pairs(model: nn.Module, probe: Tensor) -> list[tuple[nn.Module, nn.Module]]:
    """(layer, norm) where the norm's only call is the one use of the output of the layer's only call."""
    outputs: dict[int, nn.Module] = {}
    kept, pairs, calls, uses = [], [], dict[nn.Module, int](), _Uses()

    def produced(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        calls[module] = calls.get(module, 0) + 1
        kept.append(output)  # alive until the end, so that ids stay distinct
        outputs[id(output)], uses.count[id(output)] = module, 0

    def consumed(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        calls[module] = calls.get(module, 0) + 1
        if id(inputs[0]) in outputs:
            pairs.append((outputs[id(inputs[0])], module))

    hooks = [
        module.register_forward_hook(produced)
        if isinstance(module, (*_CONVOLUTIONS, nn.Linear))
        else module.register_forward_pre_hook(consumed)
        for module in model.modules()
        if isinstance(module, (*_CONVOLUTIONS, nn.Linear, *_BATCH_NORMS))
    ]
    with uses:
        model(probe)
    for hook in hooks:
        hook.remove()
    once = {layer for output, layer in outputs.items() if uses.count[output] == 1}
    return [
        (layer, norm)
        for layer, norm in pairs
        if calls[layer] == calls[norm] == 1 and layer in once
        if None not in (norm.running_mean, norm.weight) and not is_parametrized(layer)
    ]


class _Uses(TorchFunctionMode):
    """Counts, by id, the torch functions that make tensors out of each tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.count = Counter[int]()

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        if isinstance(result, Tensor):
            leaves = tree_leaves((args, kwargs))
            self.count.update(id(leaf) for leaf in leaves if isinstance(leaf, Tensor))
        return result


def _fold(layer: nn.Module, norm: nn.Module) -> None:
    fuse = fuse_linear_bn_weights if isinstance(layer, nn.Linear) else fuse_conv_bn_weights
    statistics: Any = (norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias)
    weight: Any = layer.weight
    bias: Any = layer.bias
    layer.weight, layer.bias = fuse(weight, bias, *statistics)


def _now(device: torch.device) -> float:
    if device.type == "cpu":
        return time.process_time()
    torch.cuda.synchronize(device)
    return time.perf_counter()
