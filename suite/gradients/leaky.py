"""Between backpropagation and linear backpropagation: rectifiers that leak in the backward pass alone."""

from functools import partial
from typing import Any

from torch import Tensor, nn

from suite.errors import SuiteError
from suite.gradients.rectified import Rectified, from_start, is_alone
from suite.gradients.rectifiers import PLAIN_RELUS
from suite.gradients.rule import changing
from suite.gradients.straight_through import bridged, chained, leaking, straight_through
from suite.gradients.view import Forward


@changing("rectifiers")
def leaky(model: nn.Module, slope: float, start: str | int = "all") -> nn.Module:
    """The model with rectifiers that leak in the backward pass: derivative 1 where active, `slope` elsewhere.

    For any rectifier the derivative is (1 - slope) σ'(z) + slope: for ReLU 1 and slope, for ReLU6 slope above 6
    too, for GELU and other smooth ones a mean of their own derivative and 1. slope=0 is backpropagation, slope=1
    is LinBP.

    Args:
        model: any nn.Module; it is not touched.
        slope: in [0, 1].
        start: where it begins, as in LinBP: a module path, the index of a rectifier call, `all` or `none`.

    Raises:
        SuiteError: slope out of range; a start that does not exist (suite.gradients.from_start).
    """
    if isinstance(slope, bool | str) or not 0 <= slope <= 1:
        raise SuiteError(f"slope={slope} of leaky", "give a number from 0 (backpropagation) to 1 (LinBP)")
    return from_start(model, start, lambda first: Rectified(first, partial(_leaking, slope)))


def _leaking(slope: float, function: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    chain = leaking(slope)

    def bridge(x: Tensor, y: Tensor) -> Tensor:
        if function in PLAIN_RELUS and is_alone():  # else y may have another derivative than ReLU's
            return chained(x, y.detach(), y.detach(), chain)
        return straight_through(slope * x + (1 - slope) * y, y)

    return bridged(bridge, function, args, kwargs)
