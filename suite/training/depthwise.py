"""Depthwise convolutions with a stride, which stay in float32 where a model computes in bfloat16.

On a CPU oneDNN has no fast gradient for them in bfloat16: they took most of a MobileNetV2's backward pass.
They hold about two percent of that net's multiply-adds, so that next to nothing is lost by leaving them as they are.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle


@contextmanager
def strided_depthwise_in_float32(model: nn.Module) -> Iterator[None]:
    """Within the block, a CPU computes the model's depthwise convolutions with a stride in float32, under autocast too.

    What they return has the precision of what they get. It holds for the model's views (suite.gradients.view) as well.
    """
    handles = [handle for module in strided_depthwise(model) for handle in keep_in_float32(module)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def strided_depthwise(model: nn.Module) -> list[nn.Module]:
    """The layers that it is about."""
    return [module for module in model.modules() if is_strided_depthwise(module)]


def is_strided_depthwise(module: nn.Module) -> bool:
    """Whether it is about this layer; never on a GPU."""
    return (
        isinstance(module, nn.Conv2d)
        and module.groups == module.in_channels > 1
        and max(module.stride) > 1
        and module.weight.device.type == "cpu"
    )


def keep_in_float32(module: nn.Module) -> tuple[RemovableHandle, RemovableHandle]:
    """Hooks around a layer's forward pass, inside of those that are there, until they are removed."""
    precision = _Float32()
    return (
        module.register_forward_pre_hook(precision.enter, with_kwargs=True),
        module.register_forward_hook(precision.leave, prepend=True, always_call=True),  # also where the layer raises
    )


class _Float32:
    """Leaves autocast before a layer, and enters it again behind."""

    def __init__(self) -> None:
        self.outside: list[tuple[torch.dtype, bool]] = []

    def enter(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        x: Tensor = args[0] if args else kwargs["input"]
        self.outside.append((x.dtype, torch.is_autocast_enabled("cpu")))
        torch.set_autocast_enabled("cpu", False)
        return (x.float(),), {}

    def leave(self, module: nn.Module, args: tuple[Any, ...], result: Tensor | None) -> Tensor | None:
        dtype, autocast = self.outside.pop()
        torch.set_autocast_enabled("cpu", autocast)
        return None if result is None else result.to(dtype)
