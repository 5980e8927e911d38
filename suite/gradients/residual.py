"""Which modules are residual blocks, and where their branch begins and ends.

A residual block computes x + f(x), or s(x) + f(x) with a shortcut s where shapes change; f is the branch. The table
below is all that rules about branches know of architectures. To have your own block recognised, add a line:

    from suite.gradients.residual import BLOCKS, Branch
    BLOCKS["my_package.my_file.MyBlock"] = lambda block: Branch("conv1", "bn2")
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from suite.errors import SuiteError


@dataclass(frozen=True)
class Branch:
    """A residual branch, by module names in its block.

    first: the branch's first module; what it takes is the branch's input alone, though the shortcut may take the same
        tensor. It must not write to it in place.
    last: its last module, whose result is what the block adds to the shortcut's.
    """

    first: str
    last: str


def _preactivation(shortcut: str) -> Callable[[Any], Branch]:
    """A block that rectifies first: with a projection, its shortcut takes the rectified input too."""
    return lambda block: Branch("bn1" if getattr(block, shortcut) is None else "conv1", "conv2")


def _where_it_skips(name: str) -> Callable[[Any], Branch | None]:
    """A block that adds its input only where shapes allow."""
    return lambda block: Branch(name, name) if block.use_res_connect else None


BLOCKS: dict[str, Callable[[Any], Branch | None]] = {
    "torchvision.models.resnet.BasicBlock": lambda block: Branch("conv1", "bn2"),
    "torchvision.models.resnet.Bottleneck": lambda block: Branch("conv1", "bn3"),
    "torchvision.models.mobilenetv2.InvertedResidual": _where_it_skips("conv"),
    "torchvision.models.mobilenetv3.InvertedResidual": _where_it_skips("block"),
    "suite.models.cifar_resnet.Block": lambda block: Branch("conv1", "bn2"),
    "suite.models.preact_resnet.PreActBlock": _preactivation("shortcut"),
    "suite.models.wide_resnet.WideBlock": _preactivation("convShortcut"),
}
"""By the class's full name: the branch of such a block, or None where it has no shortcut. Subclasses count too."""


def branches(model: nn.Module) -> dict[str, Branch]:
    """The residual branches of a model, by their block's path; `first` and `last` are paths of the model.

    Raises:
        SuiteError: there is none that is known; it says which are.
    """
    found = {}
    for path, module in model.named_modules():
        branch = _branch(module)
        if branch is not None:
            first, last = (f"{path}.{name}".lstrip(".") for name in (branch.first, branch.last))
            found[path] = Branch(first, last)
    if not found:
        known = ", ".join(sorted({".".join(name.split(".")[-2:]) for name in BLOCKS}))
        raise SuiteError(
            "the model has no residual block that is recognised",
            f"recognised are {known}; suite.gradients.residual.BLOCKS takes more",
        )
    return found


def _branch(module: nn.Module) -> Branch | None:
    for kind in type(module).__mro__:
        recognise = BLOCKS.get(f"{kind.__module__}.{kind.__qualname__}")
        if recognise is not None:
            return recognise(module)
    return None
