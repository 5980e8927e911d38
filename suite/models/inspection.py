"""What is in a model: rectifiers and their cost, residual blocks, pools, attention, and where rules can start."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from suite.data import Dataset
from suite.errors import SuiteError
from suite.gradients.attention import attention_calls
from suite.gradients.calls import rectifier_calls
from suite.gradients.residual import branches
from suite.gradients.view import find_path
from suite.models.build import untrained
from suite.models.classifier import Classifier
from suite.models.loading import load
from suite.models.reference import parse_reference

WRAPPER = "network."  # of a Classifier

POOLS = ("max_pool", "avg_pool", "lp_pool", "fractional_max_pool")


@dataclass(frozen=True)
class Rectifier:
    """One rectifier call.

    Args:
        index: in order of execution; as a rule's `start` it means this call and all later ones.
        start: the outermost module whose name as `start` means the same; None where no module begins here.
        path: of the module that makes the call.
        kind: the torch function.
        shape: of what is rectified, for one image.
        macs: multiplications and additions of the layers between the rectifier before and this one, for one image.
        behind: share of all such operations that come later: what a rule that starts here changes, in [0, 1].
    """

    index: int
    start: str | None
    path: str
    kind: str
    shape: tuple[int, ...]
    macs: int
    behind: float


@dataclass(frozen=True)
class Inspection:
    """What is in a model; paths leave out the classifier's own prefix.

    Args:
        parameters: how many numbers are trained.
        macs: multiply-add operations of a forward pass of one image.
        linbp_start: where linbp without a start begins, if the model says so.
        blocks: paths of residual blocks that are recognised.
        pools: pairs of path and torch function.
        attention: the same of each place that attends; by hand, the function is the product with a softmax's result.
    """

    parameters: int
    macs: int
    linbp_start: str | int | None
    rectifiers: tuple[Rectifier, ...]
    blocks: tuple[str, ...]
    pools: tuple[tuple[str, str], ...]
    attention: tuple[tuple[str, str], ...]


def inspect_model(ref: str, dataset: Dataset) -> Inspection:
    """Looks into the model that a reference names, for the data set's images.

    Of the zoo's models no weights are needed; those that are named are read. Raises SuiteError as `suite.models.load`
    does.
    """
    reference = parse_reference(ref)
    if reference.kind == "zoo" and reference.weights is None:
        return inspection(untrained(reference.model, dataset, "meta").to("meta").eval(), dataset.shape)
    return inspection(load(ref, dataset), dataset.shape)


def inspection(model: Classifier, shape: tuple[int, ...]) -> Inspection:
    """Looks into a model by two forward passes of one image (C, H, W); on the meta device nothing is computed."""
    counted, before = FlopCounterMode(display=False), list[int]()
    entries: dict[str, int] = {}
    others: dict[tuple[str, str], None] = {}

    def at_other(path: str, function: Any, args: tuple[Any, ...]) -> None:
        name = getattr(function, "__name__", "")
        if args and isinstance(args[0], Tensor) and any(each in name for each in POOLS):
            others.setdefault((_short(model, path), name))

    def at_module(path: str, number: int) -> None:
        entries.setdefault(path, number)

    x = torch.zeros(1, *shape, device=model.mean.device)
    with counted:
        calls = rectifier_calls(
            model,
            x,
            at_rectifier=lambda: before.append(counted.get_total_flops() // 2),
            at_other=at_other,
            at_module=at_module,
        )
    total = counted.get_total_flops() // 2
    starts = _starts(model, entries)
    rectifiers = tuple(
        Rectifier(
            call.index,
            starts.get(call.index),
            _short(model, call.path),
            call.function,
            call.shape[1:],
            done - earlier,
            1 - done / total if total else 0.0,
        )
        for call, done, earlier in zip(calls, before, [0, *before], strict=False)
    )
    return Inspection(
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        macs=total,
        linbp_start=model.linbp_start,
        rectifiers=rectifiers,
        blocks=_blocks(model),
        pools=tuple(others),
        attention=tuple((_short(model, path), name) for path, name in attention_calls(model, x)),
    )


def _starts(model: nn.Module, entries: dict[str, int]) -> dict[int, str]:
    """By rectifier index: the outermost module at whose entry so many rectifiers have been called."""
    found: dict[int, str] = {}
    for path, number in entries.items():
        if path and path != WRAPPER.rstrip(".") and path.count(".") < found.get(number, path + ".").count("."):
            found[number] = path
    return {number: _short(model, path) for number, path in found.items()}


def _blocks(model: nn.Module) -> tuple[str, ...]:
    try:
        return tuple(_short(model, path) for path in branches(model))
    except SuiteError:
        return ()


def _short(model: nn.Module, path: str) -> str:
    """The path without the classifier's prefix, where that names the same module."""
    short = path.removeprefix(WRAPPER)
    try:
        return short if not short or find_path(model, short) == path else path
    except SuiteError:
        return path
