"""Pre-activation ResNet-18 (He et al. 2016, "Identity mappings") for 32 x 32 images.

Architecture and parameter names as in Rice et al. 2020 (robust overfitting), which Xing et al. 2022 train:
four stages of two blocks, batch norm at the end, and where shapes change a 1 x 1 shortcut behind the block's
first rectifier.
"""

import torch
from torch import nn
from torch.nn import functional as F


class PreActBlock(nn.Module):
    """Batch norm and rectifier come before each of the two convolutions."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(channels_in)
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False)
        self.shortcut: nn.Module | None = None
        if stride != 1 or channels_in != channels_out:
            self.shortcut = nn.Sequential(nn.Conv2d(channels_in, channels_out, 1, stride=stride, bias=False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        branch = F.relu(self.bn1(x))
        shortcut = x if self.shortcut is None else self.shortcut(branch)
        branch = self.conv1(branch)
        out: torch.Tensor = self.conv2(F.relu(self.bn2(branch))) + shortcut
        return out


class PreActResNet18(nn.Module):
    """A 3 x 3 stem, stages of 64 to 512 channels, batch norm, rectifier, average pooling, linear."""

    def __init__(self, in_channels: int, num_classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 64, 3, padding=1, bias=False)
        self.layer1 = nn.Sequential(PreActBlock(64, 64, 1), PreActBlock(64, 64, 1))
        self.layer2 = nn.Sequential(PreActBlock(64, 128, 2), PreActBlock(128, 128, 1))
        self.layer3 = nn.Sequential(PreActBlock(128, 256, 2), PreActBlock(256, 256, 1))
        self.layer4 = nn.Sequential(PreActBlock(256, 512, 2), PreActBlock(512, 512, 1))
        self.bn = nn.BatchNorm2d(512)
        self.linear = nn.Linear(512, num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv1(x)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        x = F.relu(self.bn(x))
        logits: torch.Tensor = self.linear(F.adaptive_avg_pool2d(x, 1).flatten(1))
        return logits
