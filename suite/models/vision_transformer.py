"""torchvision's vision transformer at the size of small images."""

from torch import nn

from suite.errors import SuiteError

HEAD = 32
"""Width of an attention head."""


def vit(in_channels: int, image_size: int, num_classes: int, patch: int, width: int, depth: int) -> nn.Module:
    """`depth` blocks of attention and a perceptron of 2 `width` GELUs, over patches of `patch` x `patch` pixels.

    Dosovitskiy et al. (ICLR 2021) with half of their perceptrons' width. The last layer begins random, where
    torchvision's begins with zeros: so that a network that nobody has trained has a gradient.

    Raises:
        SuiteError: the patches do not cover the images, or heads of 32 do not make up the width.
    """
    from torchvision.models import VisionTransformer  # it brings torch's compiler: a second that others need not wait

    if image_size % patch:
        raise SuiteError(
            f"patches of {patch} x {patch} pixels do not cover images of {image_size} x {image_size}",
            f"give patch=..., a divisor of {image_size}",
        )
    if width % HEAD:
        raise SuiteError(f"width={width} of vit", f"give a multiple of {HEAD}, the width of an attention head")
    network: nn.Module = VisionTransformer(
        image_size, patch, depth, width // HEAD, width, 2 * width, num_classes=num_classes
    )
    if in_channels != 3:
        network.set_submodule("conv_proj", nn.Conv2d(in_channels, width, patch, patch))
    network.set_submodule("heads.head", nn.Linear(width, num_classes))
    return network
