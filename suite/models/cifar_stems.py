"""torchvision's networks cut to 32 x 32 images as in the huyvnphan/PyTorch_CIFAR10 collection.

Li et al. 2022 attack these four (Sec. 4.2). The collection keeps torchvision's parameter names, so its state
dicts load unchanged; what it changes are the strides and kernels of the first layers, and VGG's pooling.
Torchvision is imported in the functions: it brings torch's compiler, a second that other models need not wait for.
"""

from torch import nn


def vgg16(in_channels: int, image_size: int, num_classes: int) -> nn.Module:
    """VGG-16 with batch norm; the 7 x 7 pooling before the classifier is 1 x 1."""
    from torchvision import models

    network: nn.Module = models.vgg16_bn(num_classes=num_classes)
    network.set_submodule("features.0", nn.Conv2d(in_channels, 64, 3, padding=1))
    network.set_submodule("avgpool", nn.AdaptiveAvgPool2d(1))
    network.set_submodule("classifier.0", nn.Linear(512, 4096))
    return network


def resnet50(in_channels: int, image_size: int, num_classes: int) -> nn.Module:
    """ResNet-50 with a 3 x 3 stem of stride 1; the max-pooling behind it stays."""
    from torchvision import models

    network: nn.Module = models.resnet50(num_classes=num_classes)
    network.set_submodule("conv1", nn.Conv2d(in_channels, 64, 3, padding=1, bias=False))
    return network


def densenet161(in_channels: int, image_size: int, num_classes: int) -> nn.Module:
    """DenseNet-161 with a 3 x 3 stem of stride 1; the max-pooling behind it stays."""
    from torchvision import models

    network: nn.Module = models.densenet161(num_classes=num_classes)
    network.set_submodule("features.conv0", nn.Conv2d(in_channels, 96, 3, padding=1, bias=False))
    return network


def mobilenetv2(in_channels: int, image_size: int, num_classes: int) -> nn.Module:
    """MobileNetV2 with stride 1 in the stem and in the first stage that has stride 2 on ImageNet."""
    from torchvision import models

    stages = [  # expansion, channels, blocks, stride
        [1, 16, 1, 1],
        [6, 24, 2, 1],
        [6, 32, 3, 2],
        [6, 64, 4, 2],
        [6, 96, 3, 1],
        [6, 160, 3, 2],
        [6, 320, 1, 1],
    ]
    network: nn.Module = models.mobilenet_v2(num_classes=num_classes, inverted_residual_setting=stages)
    network.set_submodule("features.0.0", nn.Conv2d(in_channels, 32, 3, padding=1, bias=False))
    return network
