"""How much extreme gradients keep: nothing, or a share that adapts to the blocks behind (Ming et al., NeurIPS 2024)."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from suite.errors import SuiteError

SHARE = 0.5  # gamma: what extremes keep where the spread does not change
RATE = 0.01  # lambda: how much of it they lose for a spread that grows by its own size


@dataclass(eq=False)
class Spreads:
    """Standard deviations of the gradients that places of one kind have passed on, by place in the forward pass.

    The backward pass goes from the last place to the first, so each finds that of the place behind it; a second
    backward pass through the same graph writes them anew in that order.
    """

    known: dict[int, Tensor] = field(default_factory=dict)  # place -> (B,)
    places: int = 0

    def place(self) -> "Attenuation":
        """The next place of the forward pass."""
        self.places += 1
        return Attenuation(self, self.places)


@dataclass(frozen=True, eq=False)
class Attenuation:
    """What becomes of extremes at one place: each is multiplied by clamp(SHARE + RATE (1 - s / s'), 0, 1).

    s and s' are the standard deviations, in a sample, of the gradient here and of the one that the place behind passed
    on. At the last place, and where s' is zero, extremes keep SHARE.
    """

    spreads: Spreads
    number: int

    def kept(self, gradient: Tensor) -> Tensor:
        """Shares in [0, 1], of shape (B, 1, ...) for gradients (B, ...)."""
        behind = [number for number in self.spreads.known if number > self.number]
        share = torch.full_like(gradient.flatten(1)[:, 0], SHARE, dtype=torch.float64)
        if behind:
            own, other = _spread(gradient), self.spreads.known[min(behind)]
            if own.shape != other.shape:
                what = f"a block has gradients of {len(own)} rows and the one behind of {len(other)}: not samples"
                raise SuiteError(f"{what}, but windows of them", "use extremes=zero")
            adapted = (SHARE + RATE * (1 - own / other)).clamp(0, 1)
            share = torch.where(other > 0, adapted, share)
        return share.to(gradient.dtype).view(-1, *[1] * (gradient.dim() - 1))

    def passed_on(self, gradient: Tensor) -> Tensor:
        """The gradient, remembered."""
        self.spreads.known[self.number] = _spread(gradient)
        return gradient


def _spread(gradient: Tensor) -> Tensor:
    """(B,) in float64: squares of small float32 numbers would vanish."""
    return gradient.flatten(1).double().std(1)
