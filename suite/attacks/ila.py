"""Intermediate-level attack (Huang et al., ICCV 2019): a finished attack is repeated with its own mid-layer as a guide.

From the clean image x again, sign steps ascend <F(x') - F(x), F(x_adv) - F(x)>: the features F at a mid-layer shall go
further in the direction in which the finished attack x_adv has moved them. The objective is linear in F(x'), so its
gradient is one vector-Jacobian product with a constant vector, and layers behind F are not computed at all.
"""

from typing import NoReturn

import torch
from torch import Tensor, nn

from suite.attacks.arguments import check_images, check_shape
from suite.attacks.differentiate import Autograd
from suite.attacks.sign_steps import SignSteps, sign_steps
from suite.attacks.transferable import Budget
from suite.errors import SuiteError
from suite.gradients.view import find_path


class MidLayer:
    """The features (B, ...) of a model behind one of its modules; what comes later is not computed.

    Args:
        model: any model.
        path: a module path (`layer2.3`, `features.23`), also without the wrapper's prefix.

    Raises:
        SuiteError: unknown path, with the nearest names; when called, a module that the forward pass does not reach
            or that does not give one tensor.
    """

    def __init__(self, model: nn.Module, path: str) -> None:
        self.model, self.path = model, find_path(model, path)

    def __call__(self, x: Tensor) -> Tensor:
        hook = self.model.get_submodule(self.path).register_forward_hook(_stop)
        try:
            self.model(x)
        except _Reached as reached:
            if not isinstance(reached.features, Tensor):
                raise SuiteError(f"module {self.path!r} does not give one tensor", "choose another layer") from None
            return reached.features
        finally:
            hook.remove()
        raise SuiteError(f"module {self.path!r} is not called in a forward pass", "choose another layer")


def ila(layer: MidLayer, images: Tensor, adversarials: Tensor, budget: Budget) -> Tensor:
    """Adversarial images (E, N, ...) that push the features of `adversarials` (E, N, ...) further; not rounded.

    The gradient is the layer's own, whatever rule made the adversarials: so it is in Guo et al.'s released code, where
    moreover no linearised rectifier lies before the layer.

    Args:
        layer: of the surrogate, weights frozen.
        images: (N, ...) pixels in [0, 1].

    Raises SuiteError for images of whole numbers, and adversarials of another shape.

    Cost: K gradients of E N rows up to the layer.
    """
    check_images(images)
    check_shape("adversarials", adversarials, (len(budget.epsilons), *images.shape))
    with torch.no_grad():
        clean, moved = layer(images), layer(adversarials.flatten(0, 1))
        guide = moved - clean.repeat(len(adversarials), *[1] * (clean.ndim - 1))
    differentiate = Autograd(layer)

    def direction(x: Tensor, step: int) -> Tensor:
        _, gradient = differentiate(x.flatten(0, 1), lambda features: guide)
        return gradient.view_as(x)

    return sign_steps(direction, images, budget.epsilons, SignSteps(budget.steps, budget.step_size, share=False))


class _Reached(BaseException):
    """Leaves the forward pass with the features; no `except Exception` of a model holds it up."""

    def __init__(self, features: object) -> None:
        super().__init__()
        self.features = features


def _stop(module: nn.Module, inputs: object, output: object) -> NoReturn:
    raise _Reached(output)
