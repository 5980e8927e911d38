"""Input gradients of a model whose weights stand still."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from suite.attacks.arguments import check_choice
from suite.attacks.losses import Cotangent
from suite.errors import SuiteError
from suite.gradients.view import rules_of


class Differentiator(Protocol):
    """One forward and one backward pass: logits, and the input gradient for a cotangent of those logits."""

    def __call__(self, x: Tensor, cotangent: Cotangent) -> tuple[Tensor, Tensor]:
        """x (B, ...) -> logits (B, C) and d loss / d x (B, ...)."""


@runtime_checkable
class OwnEngine(Protocol):
    """A gradient rule that knows a faster exact way than autograd to differentiate its models."""

    def engine(self, model: nn.Module, probe: Tensor) -> Differentiator:
        """Raises SuiteError with the reason where the fast way would not be exact for this model.

        `probe` (>= 2, ...) holds typical inputs to check against autograd on.
        """


class Autograd:
    """The plain way; exact for every model and rule. `model` may be any callable, such as a Foolbox model."""

    name = "autograd"

    def __init__(self, model: Callable[[Tensor], Tensor]) -> None:
        self.model = model

    def __call__(self, x: Tensor, cotangent: Cotangent) -> tuple[Tensor, Tensor]:
        x = x.detach().requires_grad_()
        logits = self.model(x)
        if not logits.requires_grad:
            what = "the model's logits have no gradient with respect to its input"
            raise SuiteError(what, "look for detach(), no_grad or NumPy in its forward")
        return logits.detach(), pulled_back(logits, x, cotangent(logits.detach()))


def pulled_back(output: Tensor, x: Tensor, cotangent: Tensor) -> Tensor:
    """cotangent^T d output / d x, in the shape of x; the graph is freed.

    The same bits as autograd's `grad_outputs`, which imports sympy when it is first used: a second.
    """
    (gradient,) = torch.autograd.grad((output * cotangent).sum(), x)
    return gradient


def differentiator(model: nn.Module, probe: Tensor, engine: str = "auto") -> tuple[Differentiator, str]:
    """How to differentiate `model`, and a line for the record: which engine, and why not the other.

    Args:
        model: any model; views (suite.gradients.view) may bring an engine of their own.
        probe: (>= 2, ...) typical inputs.
        engine: for rules that have an engine of their own: `auto` takes it where it is exact, `jacobian` insists
            on it, `autograd` forgoes it.

    Raises:
        SuiteError: another engine; `jacobian` where it would not be exact.
    """
    check_choice("engine", engine, ("auto", "jacobian", "autograd"))
    able: list[OwnEngine] = [rule for rule in rules_of(model) if isinstance(rule, OwnEngine)]
    if engine == "autograd" or not able:
        return Autograd(model), "autograd"
    try:
        if len(able) > 1:
            raise SuiteError("several gradient rules with an engine are composed", "use --engine auto")
        return able[0].engine(model, probe), "jacobian"
    except SuiteError as error:
        if engine == "jacobian":
            raise
        return Autograd(model), f"autograd: {error.what}"


@contextmanager
def frozen(*models: nn.Module) -> Iterator[None]:
    """Eval mode and no weight gradients within the block; mode and `requires_grad` as before after it."""
    modules = [module for model in models for module in model.modules()]
    modes = [module.training for module in modules]
    try:
        for model in models:
            model.eval()
        with constant_weights(*models):
            yield
    finally:
        for module, mode in zip(modules, modes, strict=True):
            module.training = mode


@contextmanager
def constant_weights(*models: nn.Module) -> Iterator[None]:
    """No weight gradients within the block, not even where a layer's own backward pass would make them unasked.

    `param.grad` is not touched: autograd computes no gradient for a parameter that does not require one.
    """
    parameters = [parameter for model in models for parameter in model.parameters()]
    wanted = [parameter.requires_grad for parameter in parameters]
    try:
        for parameter in parameters:
            parameter.requires_grad_(False)
        yield
    finally:
        for parameter, want in zip(parameters, wanted, strict=True):
            parameter.requires_grad_(want)
