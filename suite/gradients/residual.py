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
    joined: whether the result is put beside what the branch took (DenseNet) instead of being added to it.
    """

    first: str
    last: str
    joined: bool = False


Branches = Branch | tuple[Branch, ...] | None


def _preactivation(shortcut: str) -> Callable[[Any], Branches]:
    """A block that rectifies first: with a projection, its shortcut takes the rectified input too."""
    return lambda block: Branch("bn1" if getattr(block, shortcut) is None else "conv1", "conv2")


def _where_it_skips(name: str) -> Callable[[Any], Branches]:
    """A block that adds its input only where shapes allow."""
    return lambda block: Branch(name, name) if block.use_res_connect else None


BLOCKS: dict[str, Callable[[Any], Branches]] = {
    "torchvision.models.resnet.BasicBlock": lambda block: Branch("conv1", "bn2"),
    "torchvision.models.resnet.Bottleneck": lambda block: Branch("conv1", "bn3"),
    "torchvision.models.mobilenetv2.InvertedResidual": _where_it_skips("conv"),
    "torchvision.models.mobilenetv3.InvertedResidual": _where_it_skips("block"),
    "torchvision.models.densenet._DenseLayer": lambda block: Branch("norm1", "conv2", joined=True),
    "torchvision.models.convnext.CNBlock": lambda block: Branch("block", "stochastic_depth"),
    "torchvision.models.vision_transformer.EncoderBlock": lambda block: (
        Branch("ln_1", "dropout"),
        Branch("ln_2", "mlp"),
    ),
    "torchvision.models.swin_transformer.SwinTransformerBlock": lambda block: (
        Branch("norm1", "stochastic_depth"),
        Branch("norm2", "stochastic_depth"),
    ),
    "timm.models.vision_transformer.Block": lambda block: (
        Branch("norm1", "drop_path1"),
        Branch("norm2", "drop_path2"),
    ),
    "transformers.models.vit.modeling_vit.ViTLayer": lambda block: (
        Branch("layernorm_before", "attention"),
        Branch("layernorm_after", "output.dropout"),
    ),
    "suite.models.cifar_resnet.Block": lambda block: Branch("conv1", "bn2"),
    "suite.models.efficientnet_lite.Block": lambda block: Branch("expand", "project") if block.skips else None,
    "suite.models.preact_resnet.PreActBlock": _preactivation("shortcut"),
    "suite.models.wide_resnet.WideBlock": _preactivation("convShortcut"),
}
"""By the class's full name: the branch or branches of such a block, None where it has no shortcut. Subclasses count."""


def branches(model: nn.Module, *, joined: bool = False) -> dict[str, Branch]:
    """The residual branches of a model, by their block's path; `first` and `last` are paths of the model.

    Where a block has several, each stands under its first module's path. Those whose result is joined instead of added
    (DenseNet) are left out unless `joined`.

    Raises:
        SuiteError: there is none that is known; it says which are.
    """
    found = {}
    for path, module in model.named_modules():
        own = [each for each in _branches(module) if joined or not each.joined]
        for branch in own:
            first, last = (f"{path}.{name}".lstrip(".") for name in (branch.first, branch.last))
            found[path if len(own) == 1 else first] = Branch(first, last, branch.joined)
    if not found:
        known = ", ".join(sorted({".".join(name.split(".")[-2:]) for name in BLOCKS}))
        raise SuiteError(
            "the model has no residual block that is recognised",
            f"recognised are {known}; suite.gradients.residual.BLOCKS takes more",
        )
    return found


def _branches(module: nn.Module) -> tuple[Branch, ...]:
    for kind in type(module).__mro__:
        recognise = BLOCKS.get(f"{kind.__module__}.{kind.__qualname__}")
        if recognise is not None:
            found = recognise(module)
            return found if isinstance(found, tuple) else (found,) if found else ()
    return ()
