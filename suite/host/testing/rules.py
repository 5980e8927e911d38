"""What a gradient rule must keep, tried on the zoo's small models with random weights."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING

from suite.errors import SuiteError, one_line
from suite.host.inputs import resolve
from suite.host.registry import Registry
from suite.plugin import GradientRef, StudyConfig
from suite.refs import parse_call

if TYPE_CHECKING:
    from torch import Tensor, nn

SMALL = ("two-layer(width=50)", "mlp", "lenet5", "mnist-cnn", "digits-cnn", "resnet20")
"""Models that a rule is tried on; it may refuse some of them, but not all."""


class _Rule(StudyConfig):
    """Resolves a reference as the host does."""

    gradient: GradientRef


def keeps_the_model(ref: str, registry: Registry) -> Iterator[str]:
    """The same parameters, the same logits bit for bit, and the model that was given as it was."""
    import torch

    for name, model, changed in _applied(ref, registry):
        ours, theirs = dict(changed.named_parameters()), dict(model.named_parameters())
        if ours.keys() != theirs.keys() or any(ours[key] is not theirs[key] for key in theirs):
            yield f"{name}: its parameters are not those of the model"
        x, labels = _images()
        before = _gradients(model, x, labels)
        if not torch.equal(changed(x), model(x)):
            yield f"{name}: its logits are not bit for bit those of the model"
        _gradients(changed, x, labels)
        if not all(map(torch.equal, _gradients(model, x, labels), before)):
            yield f"{name}: the model that it was made from has another gradient than before"


def changes_the_backward_pass(ref: str, registry: Registry) -> Iterator[str]:
    """Finite gradients of inputs and weights everywhere, others than backpropagation's on one model at least."""
    import torch

    differs, applied = False, False
    for name, model, changed in _applied(ref, registry):
        applied = True
        found, true = _gradients(changed, *_images()), _gradients(model, *_images())
        if not all(bool(gradient.isfinite().all()) for gradient in found):
            yield f"{name}: its gradients are not finite"
        differs = differs or not torch.equal(found[0], true[0])
    if not applied:
        yield f"it refuses every small model of the zoo: {', '.join(SMALL)}"
    elif not differs:
        yield "its input gradient is backpropagation's on all of them"


def refuses_nonsense(ref: str, registry: Registry) -> Iterator[str]:
    """A text that means nothing, and NaN for a number, end in a SuiteError for every argument."""
    call = parse_call(ref)
    rule = registry.gradient(call.name)
    for parameter in [*inspect.signature(rule).parameters.values()][1:]:
        given = call.arguments.get(parameter.name, parameter.default)
        wrong = ["nonsense", *([float("nan")] if type(given) in (int, float) else [])]
        for value in wrong:
            wrongly = partial(rule, **{**call.arguments, parameter.name: value})
            yield from _accepted(f"{parameter.name}={value}", wrongly)


RULES: Mapping[str, Callable[[str, Registry], Iterator[str]]] = {
    "keeps parameters and logits, bit for bit": keeps_the_model,
    "gives another, finite backward pass": changes_the_backward_pass,
    "refuses nonsense": refuses_nonsense,
}


def _applied(ref: str, registry: Registry) -> Iterator[tuple[str, "nn.Module", "nn.Module"]]:
    """(name, model, the model under the rule) for every small model that the rule takes, after a forward pass."""
    config = _Rule.model_validate({"gradient": ref})
    rule = resolve(config, registry, "cpu").gradients[config.gradient]
    for name in SMALL:
        model = _model(name)
        try:
            changed = rule(model)
            changed(_images()[0])
        except SuiteError:  # it does not take this model
            continue
        yield name, model, changed


def _accepted(said: str, rule: Callable[["nn.Module"], "nn.Module"]) -> Iterator[str]:
    for name in SMALL:
        try:
            rule(_model(name))(_images()[0])
        except SuiteError:
            continue
        except Exception as error:
            yield f"{said} is not refused on {name}, it crashes: {one_line(error)}"
            return
        yield f"{said} is accepted on {name}"
        return


def _gradients(model: "nn.Module", x: "Tensor", labels: "Tensor") -> list["Tensor"]:
    """Of the cross-entropy: for the inputs, and for every weight."""
    import torch

    x = x.clone().requires_grad_()
    loss = torch.nn.functional.cross_entropy(model(x), labels)
    return list(torch.autograd.grad(loss, [x, *model.parameters()]))


@cache
def _model(name: str) -> "nn.Module":
    import numpy as np

    from suite.data import Dataset, Split
    from suite.models import architecture

    blank = Split(np.zeros((10, 1, 16, 16), np.uint8), np.arange(10))
    classes = tuple(map(str, range(10)))
    return architecture(name, Dataset("blank", classes, blank, blank, digest="")).initial(seed=0).eval()


@cache
def _images() -> tuple["Tensor", "Tensor"]:
    """Random images (8, 1, 16, 16) in [0, 1] and labels (8,)."""
    import torch

    generator = torch.Generator().manual_seed(0)
    return torch.rand(8, 1, 16, 16, generator=generator), torch.randint(10, (8,), generator=generator)
