"""WideResNet-34-k (Zagoruyko and Komodakis 2016) for 32 x 32 images.

Architecture and parameter names as in Rice et al. 2020 (robust overfitting), which Xing et al. 2022 train:
pre-activation blocks without dropout; where shapes change, the first rectifier comes before the shortcut too.
"""

import torch
from torch import nn
from torch.nn import functional as F

BLOCKS = 5  # per stage: (34 - 4) / 6


class WideBlock(nn.Module):
    """Two 3 x 3 convolutions behind batch norm and rectifier; a 1 x 1 shortcut where shapes change."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(channels_in)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels_out)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False)
        self.convShortcut: nn.Module | None = None
        if channels_in != channels_out:
            self.convShortcut = nn.Conv2d(channels_in, channels_out, 1, stride=stride, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        branch = self.relu1(self.bn1(x))
        shortcut = x if self.convShortcut is None else self.convShortcut(branch)
        branch = self.relu2(self.bn2(self.conv1(branch)))
        out: torch.Tensor = self.conv2(branch) + shortcut
        return out


class WideStage(nn.Module):
    """Five blocks; the first may change width and resolution."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        rest = [WideBlock(channels_out, channels_out, 1) for _ in range(BLOCKS - 1)]
        self.layer = nn.Sequential(WideBlock(channels_in, channels_out, stride), *rest)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.layer(x)
        return out


class WideResNet34(nn.Module):
    """A 3 x 3 stem, stages of 16k, 32k and 64k channels, batch norm, rectifier, average pooling, linear."""

    def __init__(self, width: int, in_channels: int, num_classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 16, 3, padding=1, bias=False)
        self.block1 = WideStage(16, 16 * width, 1)
        self.block2 = WideStage(16 * width, 32 * width, 2)
        self.block3 = WideStage(32 * width, 64 * width, 2)
        self.bn1 = nn.BatchNorm2d(64 * width)
        self.relu = nn.ReLU(inplace=True)
        self.fc = nn.Linear(64 * width, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d) and not module.weight.is_meta:  # there is nothing to draw
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
        nn.init.zeros_(self.fc.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.block3(self.block2(self.block1(self.conv1(x))))
        x = self.relu(self.bn1(x))
        logits: torch.Tensor = self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))
        return logits
