"""Why the powers of d flatten in large balls: own closed form for |x| = 1, no biases and a wide net.

f(x) = x . grad f(x), so that the smallest step is, to first order, eta = f / |grad f|^2, and |delta| / |x| is
f / |grad f|, the cosine between x and grad f. Training can turn grad f towards x by as much as the ball lets it: where
every neuron has moved by a_s C0 / sqrt m towards x, the half of them that is active adds C0 / 2 times x to the
gradient at initialisation, whose length is sqrt(d / 2) and whose product with x is N(0, 1 / 2). Hence, without that
product,

    f = C0 / 2    |grad f|^2 = d / 2 + C0^2 / 4    |delta| / |x| = C0 / sqrt(2 d + C0^2)

The printed powers are those of d far above C0^2 / 2. A net that does not use its whole ball lies between.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def gradient(d: Floats, c0: float) -> Floats:
    """|grad f| after the whole turn."""
    return np.sqrt(d / 2 + c0**2 / 4)


def eta(d: Floats, c0: float) -> Floats:
    """The flipping step in multiples of the gradient, to first order."""
    return c0 / 2 / gradient(d, c0) ** 2


def relative(d: Floats, c0: float) -> Floats:
    """|delta| / |x| of that step: the cosine between x and the gradient."""
    return c0 / 2 / gradient(d, c0)


TURNED: dict[str, Callable[[Floats, float], Floats]] = {
    "gradient": gradient, "eta": eta, "delta": relative, "eta_over_norm": eta, "delta_over_norm": relative,
}  # fmt: skip
"""By quantity of a net; |x| = 1, so that dividing by it changes nothing."""


def turned_power(quantity: str, sizes: Floats, c0: float) -> float | None:
    """The power of d that a least-squares line on logarithms has over these d; None where there is no closed form."""
    if quantity not in TURNED or c0 <= 0 or len(sizes) < 2:
        return None
    return float(np.polyfit(np.log(sizes), np.log(TURNED[quantity](sizes, c0)), 1)[0])
