"""The ResNets of He et al. 2016 for CIFAR (Sec. 4.2): 6n + 2 layers, three stages, parameter-free shortcuts.

Parameter names are those of Yerlan Idelbayev's `pytorch_resnet_cifar10`, whose checkpoints load.
"""

import torch
from torch import nn
from torch.nn import functional as F

WIDTHS = (16, 32, 64)  # channels of the three stages


class Block(nn.Module):
    """Two 3 x 3 convolutions and a parameter-free shortcut (option A: subsample, pad with zero channels)."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels_out)
        self.stride = stride
        self.padding = (channels_out - channels_in) // 2  # new channels on either side

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        branch = F.relu(self.bn1(self.conv1(x)))
        branch = self.bn2(self.conv2(branch))
        if self.padding:
            # A window of one pixel picks every second one, as a slice does, and its gradient keeps the memory layout.
            x = F.pad(F.avg_pool2d(x, 1, self.stride), (0, 0, 0, 0, self.padding, self.padding))
        return F.relu(branch + x)


class CifarResNet(nn.Module):
    """6n + 2 layers: a stem, three stages of n blocks, average pooling, one linear layer."""

    def __init__(self, depth: int, in_channels: int, num_classes: int) -> None:
        super().__init__()
        blocks = (depth - 2) // 6
        self.conv1 = nn.Conv2d(in_channels, WIDTHS[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTHS[0])
        self.layer1 = _stage(WIDTHS[0], WIDTHS[0], blocks, stride=1)
        self.layer2 = _stage(WIDTHS[0], WIDTHS[1], blocks, stride=2)
        self.layer3 = _stage(WIDTHS[1], WIDTHS[2], blocks, stride=2)
        self.linear = nn.Linear(WIDTHS[2], num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear) and not module.weight.is_meta:  # there is nothing to draw
                nn.init.kaiming_normal_(module.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        logits: torch.Tensor = self.linear(F.adaptive_avg_pool2d(x, 1).flatten(1))
        return logits


def _stage(channels_in: int, channels_out: int, blocks: int, stride: int) -> nn.Sequential:
    rest = [Block(channels_out, channels_out, 1) for _ in range(blocks - 1)]
    return nn.Sequential(Block(channels_in, channels_out, stride), *rest)
