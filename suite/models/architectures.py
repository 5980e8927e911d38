"""How the networks of the zoo are made. torch is imported when one is: the zoo's table is read without it.

Each function is (in_channels, image_size, num_classes, **arguments) -> network on normalised pixels; every argument is
a positive integer with a default.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def vgg16(in_channels: int, image_size: int, num_classes: int) -> "nn.Module":
    """VGG-16 with batch norm for 32 x 32 images."""
    from suite.models import cifar_stems

    return cifar_stems.vgg16(in_channels, image_size, num_classes)


def resnet50(in_channels: int, image_size: int, num_classes: int) -> "nn.Module":
    """ResNet-50 for 32 x 32 images."""
    from suite.models import cifar_stems

    return cifar_stems.resnet50(in_channels, image_size, num_classes)


def densenet161(in_channels: int, image_size: int, num_classes: int) -> "nn.Module":
    """DenseNet-161 for 32 x 32 images."""
    from suite.models import cifar_stems

    return cifar_stems.densenet161(in_channels, image_size, num_classes)


def mobilenetv2(in_channels: int, image_size: int, num_classes: int) -> "nn.Module":
    """MobileNetV2 for 32 x 32 images."""
    from suite.models import cifar_stems

    return cifar_stems.mobilenetv2(in_channels, image_size, num_classes)


def cifar_resnet(depth: int, in_channels: int, image_size: int, num_classes: int) -> "nn.Module":
    """A CIFAR ResNet of so many layers."""
    from suite.models.cifar_resnet import CifarResNet

    return CifarResNet(depth, in_channels, num_classes)


def preactresnet18(in_channels: int, image_size: int, num_classes: int) -> "nn.Module":
    """The pre-activation ResNet-18."""
    from suite.models.preact_resnet import PreActResNet18

    return PreActResNet18(in_channels, num_classes)


def wrn34(in_channels: int, image_size: int, num_classes: int, width: int = 10) -> "nn.Module":
    """WideResNet-34 of a width."""
    from suite.models.wide_resnet import WideResNet34

    return WideResNet34(width, in_channels, num_classes)


def mlp(in_channels: int, image_size: int, num_classes: int) -> "nn.Module":
    """Fully connected 400-200-100."""
    from suite.models import small

    return small.mlp(in_channels, image_size, num_classes)


def lenet5(in_channels: int, image_size: int, num_classes: int) -> "nn.Module":
    """LeNet-5."""
    from suite.models import small

    return small.lenet5(in_channels, image_size, num_classes)


def mnist_cnn(in_channels: int, image_size: int, num_classes: int, width: int = 128) -> "nn.Module":
    """Two convolutions, two linear layers, the first of free width."""
    from suite.models import small

    return small.mnist_cnn(in_channels, image_size, num_classes, width)


def digits_cnn(in_channels: int, image_size: int, num_classes: int) -> "nn.Module":
    """A small CNN for 8 x 8 digits."""
    from suite.models import small

    return small.digits_cnn(in_channels, image_size, num_classes)


def cifar_cnn(in_channels: int, image_size: int, num_classes: int, width: int = 16) -> "nn.Module":
    """Three strided convolutions, two linear layers."""
    from suite.models import small

    return small.cifar_cnn(in_channels, image_size, num_classes, width)


def vgg8(in_channels: int, image_size: int, num_classes: int, width: int = 32) -> "nn.Module":
    """VGG with one convolution a stage."""
    from suite.models import small

    return small.vgg8(in_channels, image_size, num_classes, width)


def vit(
    in_channels: int, image_size: int, num_classes: int, patch: int = 4, width: int = 96, depth: int = 4
) -> "nn.Module":
    """A vision transformer of so many blocks."""
    from suite.models import vision_transformer

    return vision_transformer.vit(in_channels, image_size, num_classes, patch, width, depth)


def efficientnet_lite(number: int, in_channels: int, image_size: int, num_classes: int) -> "nn.Module":
    """EfficientNet-Lite0, Lite1 or Lite2."""
    from suite.models.efficientnet_lite import SCALINGS, EfficientNetLite

    return EfficientNetLite(SCALINGS[number], in_channels, num_classes)


def efficientnet_lite_name(number: int, published: str) -> str:
    """A tensor's name in one of these, from the one in its published weights."""
    from suite.models.efficientnet_lite import SCALINGS, own_name

    return own_name(SCALINGS[number], published)


def two_layer(in_channels: int, image_size: int, num_classes: int, width: int = 1000) -> "nn.Module":
    """One hidden layer."""
    from suite.models import small

    return small.two_layer(in_channels, image_size, num_classes, width)
