"""What a gradient rule is, and the host's own: backpropagation."""

from collections.abc import Callable
from typing import TypeVar

from torch import nn

GradientRule = Callable[[nn.Module], nn.Module]
"""Same parameters, same forward pass bit for bit, another backward pass."""

PARTS = {
    "rectifiers": "the derivative of rectifiers",
    "branches": "the gradient of residual branches",
    "pools": "the derivative of max-pools",
    "attention": "the gradient of attention maps",
    "tokens": "the gradient of tokens",
    "lengths": "the length of what rectifiers pass back",
}
"""What a rule may change in a backward pass. Rules compose where they change different parts, in any order."""

_F = TypeVar("_F", bound=Callable[..., nn.Module])


def changing(*parts: str) -> Callable[[_F], _F]:
    """Decorator: says which PARTS of the backward pass a rule changes, so that it can be composed.

    The object behind the rule's view says the same in its attribute `changes`, which counts where arguments matter.
    """

    def mark(rule: _F) -> _F:
        rule.changes = frozenset(parts)  # type: ignore[attr-defined]
        return rule

    return mark


@changing()
def bp(model: nn.Module) -> nn.Module:
    """Plain backpropagation: the model itself."""
    return model
