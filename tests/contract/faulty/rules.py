"""Gradient rules; each but the first breaks the contract."""

import copy

from torch import nn

from suite.gradients import leaky, view


def sound(model: nn.Module, slope: float) -> nn.Module:
    """A rule of the house under another name."""
    return leaky(model, slope)


def same(model: nn.Module) -> nn.Module:
    """Nothing changes."""
    return model


class _Doubled:
    def call(self, module, forward, /, *args, **kwargs):  # type: ignore[no-untyped-def]
        result = forward(*args, **kwargs)
        return 2 * result if module._view_path == "" else result


def forward(model: nn.Module) -> nn.Module:
    """Twice the logits, of weights of its own."""
    return view(copy.deepcopy(model), _Doubled())


class _Infinite:
    def call(self, module, forward, /, *args, **kwargs):  # type: ignore[no-untyped-def]
        result = forward(*args, **kwargs)
        if module._view_path == "" and result.requires_grad:
            result.register_hook(lambda gradient: gradient / 0)
        return result


def infinite(model: nn.Module, start: str | int = 0) -> nn.Module:
    """The gradient over 0, wherever it is asked to start."""
    return view(model, _Infinite())
