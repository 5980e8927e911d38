"""Rewrites of a frozen model that are faster and equal up to rounding: `--fast`.

Nothing here is bit-exact; a study that uses it measures the agreement of gradient signs and records it.
"""

import copy
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights, fuse_linear_bn_weights

from suite.attacks.differentiate import frozen
from suite.errors import SuiteError

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def fold_batch_norm(model: nn.Module, probe: Tensor) -> nn.Module:
    """A copy of `model` with every batch norm that directly follows a convolution or linear layer folded into it.

    Which norm follows which layer is seen in one forward pass over `probe`, so any model will do; module paths stay
    valid, since folded norms become identities.

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
        actual = folded(probe)
    if not torch.allclose(actual, expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max())):
        raise SuiteError("folding batch norms changes this model's logits", "run without --fast")
    return folded


def fastest(work: Callable[[], object], device: torch.device, repeats: int = 3) -> float:
    """Seconds that the fastest of a few runs takes."""
    seconds = []
    for _ in range(repeats):
        _synchronise(device)
        start = time.perf_counter()
        work()
        _synchronise(device)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def _pairs(model: nn.Module, probe: Tensor) -> list[tuple[nn.Module, nn.Module]]:
    """(layer, norm) where the norm's only call has the output of the layer's only call as its input."""
    outputs: dict[int, nn.Module] = {}
    kept, pairs, calls = [], [], dict[nn.Module, int]()

    def produced(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        calls[module] = calls.get(module, 0) + 1
        kept.append(output)  # alive until the end, so that ids stay distinct
        outputs[id(output)] = module

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
    model(probe)
    for hook in hooks:
        hook.remove()
    layers = [layer for layer, _ in pairs]
    return [
        (layer, norm)
        for layer, norm in pairs
        if calls[layer] == calls[norm] == layers.count(layer) == 1 and None not in (norm.running_mean, norm.weight)
    ]


def _fold(layer: nn.Module, norm: nn.Module) -> None:
    fuse = fuse_linear_bn_weights if isinstance(layer, nn.Linear) else fuse_conv_bn_weights
    statistics: Any = (norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias)
    weight: Any = layer.weight
    bias: Any = layer.bias
    layer.weight, layer.bias = fuse(weight, bias, *statistics)


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
