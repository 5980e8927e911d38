"""EfficientNet-Lite: EfficientNet (Tan and Le, ICML 2019) as its authors changed it for small devices; Lite0 to Lite2.

Rectifiers are ReLU6, nothing squeezes and excites, and convolutions pad as TensorFlow's "same" does: where a stride
leaves an odd number of rows or columns over, the one too many is below and on the right. Blocks that are skipped at
random in training (stochastic depth) are left out. Lite1 and Lite2 have more blocks than Lite0, and Lite2 more
channels; the stem, the head and the number of blocks in the first and the last stage are the same in all. They were
trained at 224 x 224, 240 x 240 and 260 x 260, and take any size: at 224 they get 17, 19 and 18 of Foolbox's 20
photographs right.
"""

import math
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

EPS, MOMENTUM = 1e-3, 0.01  # of batch norms, as the published weights were trained: TensorFlow writes 0.99


class Stage(NamedTuple):
    """Blocks of one kind: how many, their depthwise kernel, the first one's stride, and what expands and comes out."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    channels: int


class Scaling(NamedTuple):
    """What a member of the family has more of than Lite0: factors of channels and of blocks; its dropout."""

    width: float
    depth: float
    dropout: float


SCALINGS = (Scaling(1.0, 1.0, 0.2), Scaling(1.0, 1.1, 0.2), Scaling(1.1, 1.2, 0.3))
"""Of Lite0, Lite1 and Lite2."""

STEM, HEAD = 32, 1280
STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
"""Of Lite0."""


def scaled(scaling: Scaling) -> tuple[Stage, ...]:
    """The stages of a member of the family: channels to the nearest multiple of 8, blocks rounded up."""
    ends = (0, len(STAGES) - 1)
    return tuple(
        stage._replace(
            channels=int(stage.channels * scaling.width + 4) // 8 * 8,
            blocks=stage.blocks if place in ends else math.ceil(stage.blocks * scaling.depth),
        )
        for place, stage in enumerate(STAGES)
    )


class SameConv2d(nn.Conv2d):
    """A convolution without bias whose result has side ceil(side / stride)."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(channels_in, channels_out, kernel, stride, groups=groups, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        height, width = (_padding(side, self.kernel_size[0], self.stride[0]) for side in x.shape[-2:])
        return super().forward(F.pad(x, (*width, *height)) if any((*width, *height)) else x)


class Layer(nn.Sequential):
    """Convolution `conv`, batch norm `norm` and, unless it is to stay linear, ReLU6 `relu`."""

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        kernel: int = 1,
        stride: int = 1,
        *,
        groups: int = 1,
        relu: bool = True,
    ) -> None:
        super().__init__()
        self.conv = SameConv2d(channels_in, channels_out, kernel, stride, groups)
        self.norm = nn.BatchNorm2d(channels_out, eps=EPS, momentum=MOMENTUM)
        if relu:
            self.relu = nn.ReLU6()


class Block(nn.Module):
    """An inverted residual: 1 x 1 to more channels, depthwise, 1 x 1 to fewer, plus its input where shapes allow."""

    def __init__(self, channels_in: int, stage: Stage, stride: int) -> None:
        super().__init__()
        width = channels_in * stage.expansion
        self.skips = stride == 1 and channels_in == stage.channels
        self.expand = Layer(channels_in, width) if stage.expansion > 1 else nn.Identity()
        self.depthwise = Layer(width, width, stage.kernel, stride, groups=width)
        self.project = Layer(width, stage.channels, relu=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        branch: torch.Tensor = self.project(self.depthwise(self.expand(x)))
        return x + branch if self.skips else branch


class EfficientNetLite(nn.Module):
    """A stem, seven stages, a head of 1,280 channels, average pooling, dropout, linear."""

    def __init__(self, scaling: Scaling, in_channels: int, num_classes: int) -> None:
        super().__init__()
        self.stem = Layer(in_channels, STEM, 3, 2)
        channels = STEM
        for number, stage in enumerate(scaled(scaling), 1):
            setattr(self, f"stage{number}", _blocks(channels, stage))
            channels = stage.channels
        self.head = Layer(channels, HEAD)
        self.dropout = nn.Dropout(scaling.dropout)
        self.classifier = nn.Linear(HEAD, num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        for number in range(1, len(STAGES) + 1):
            x = self.get_submodule(f"stage{number}")(x)
        x = F.adaptive_avg_pool2d(self.head(x), 1).flatten(1)
        logits: torch.Tensor = self.classifier(self.dropout(x))
        return logits


def _blocks(channels_in: int, stage: Stage) -> nn.Sequential:
    first = Block(channels_in, stage, stage.stride)
    return nn.Sequential(first, *(Block(stage.channels, stage, 1) for _ in range(stage.blocks - 1)))


def _padding(side: int, kernel: int, stride: int) -> tuple[int, int]:
    """Rows or columns of zeros before and behind a side."""
    whole = max((-(-side // stride) - 1) * stride + kernel - side, 0)
    return whole // 2, whole - whole // 2


_PARTS = {"_expand_conv": "expand.conv", "_depthwise_conv": "depthwise.conv", "_project_conv": "project.conv"} | {
    f"_bn{number}": f"{layer}.norm" for number, layer in enumerate(("expand", "depthwise", "project"))
}
_ENDS = {
    "_conv_stem": "stem.conv",
    "_bn0": "stem.norm",
    "_conv_head": "head.conv",
    "_bn1": "head.norm",
    "_fc": "classifier",
}


def own_name(scaling: Scaling, published: str) -> str:
    """A tensor's name here, from the one in the weights of efficientnet-lite-pytorch, which numbers blocks alone."""
    first, _, rest = published.partition(".")
    if first != "_blocks":
        return f"{_ENDS[first]}.{rest}" if first in _ENDS else published
    number, part, kind = rest.split(".")
    places = [
        f"stage{place}.{block}" for place, stage in enumerate(scaled(scaling), 1) for block in range(stage.blocks)
    ]
    return f"{places[int(number)]}.{_PARTS[part]}.{kind}"
