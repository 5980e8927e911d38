"""Small networks for digits, MNIST and CIFAR, as plain stacks of layers."""

from collections import OrderedDict

from torch import nn

from suite.models.fast_layers import HalvingConv2d, Linear, MaxPool2x2


def mlp(in_channels: int, image_size: int, num_classes: int) -> nn.Module:
    """Fully connected 784-400-200-100-10 for MNIST (Li et al. 2022, Sec. 4.2)."""
    return _stack(
        flatten=nn.Flatten(),
        fc1=Linear(in_channels * image_size**2, 400),
        relu1=nn.ReLU(),
        fc2=Linear(400, 200),
        relu2=nn.ReLU(),
        fc3=Linear(200, 100),
        relu3=nn.ReLU(),
        fc4=Linear(100, num_classes),
    )


def lenet5(in_channels: int, image_size: int, num_classes: int) -> nn.Module:
    """LeNet-5 as in Li et al. 2022's code, with max-pooling before the convolutional rectifiers."""
    side = (image_size // 2 - 4) // 2  # 5 for MNIST: 16 * 5 * 5 = 400 features
    return _stack(
        conv1=nn.Conv2d(in_channels, 6, 5, padding=2),
        pool1=MaxPool2x2(),
        relu1=nn.ReLU(),
        conv2=nn.Conv2d(6, 16, 5),
        pool2=MaxPool2x2(),
        relu2=nn.ReLU(),
        flatten=nn.Flatten(),
        fc1=Linear(16 * side**2, 120),
        relu3=nn.ReLU(),
        fc2=Linear(120, 84),
        relu4=nn.ReLU(),
        fc3=Linear(84, num_classes),
    )


def mnist_cnn(in_channels: int, image_size: int, num_classes: int, width: int) -> nn.Module:
    """Two convolutions, two linear layers, the first of free width (Xing et al. 2022, Table 3: 16 and 128).

    The paper does not give the convolutions; these are 4 x 4 with stride 2 to 16 and 32 channels.
    """
    side = image_size // 4
    return _stack(
        conv1=HalvingConv2d(in_channels, 16),
        relu1=nn.ReLU(),
        conv2=HalvingConv2d(16, 32),
        relu2=nn.ReLU(),
        flatten=nn.Flatten(),
        fc1=Linear(32 * side**2, width),
        relu3=nn.ReLU(),
        fc2=Linear(width, num_classes),
    )


def digits_cnn(in_channels: int, image_size: int, num_classes: int) -> nn.Module:
    """Two 3 x 3 convolutions, the second with stride 2, and two linear layers, for 8 x 8 digits."""
    side = (image_size + 1) // 2
    return _stack(
        conv1=nn.Conv2d(in_channels, 16, 3, padding=1),
        relu1=nn.ReLU(),
        conv2=nn.Conv2d(16, 32, 3, stride=2, padding=1),
        relu2=nn.ReLU(),
        flatten=nn.Flatten(),
        fc1=Linear(32 * side**2, 64),
        relu3=nn.ReLU(),
        fc2=Linear(64, num_classes),
    )


def cifar_cnn(in_channels: int, image_size: int, num_classes: int, width: int) -> nn.Module:
    """Three 4 x 4 convolutions with stride 2 to `width`, 2 and 4 `width` channels, and two linear layers."""
    side = image_size // 8
    return _stack(
        conv1=HalvingConv2d(in_channels, width),
        relu1=nn.ReLU(),
        conv2=HalvingConv2d(width, 2 * width),
        relu2=nn.ReLU(),
        conv3=HalvingConv2d(2 * width, 4 * width),
        relu3=nn.ReLU(),
        flatten=nn.Flatten(),
        fc1=Linear(4 * width * side**2, 128),
        relu4=nn.ReLU(),
        fc2=Linear(128, num_classes),
    )


def vgg8(in_channels: int, image_size: int, num_classes: int, width: int) -> nn.Module:
    """Five 3 x 3 convolutions with batch norm and pooling, to 1, 2, 4, 8 and 8 `width` channels; three linear layers.

    VGG's scheme with one convolution a stage, for 32 x 32 images: 8 `width` features are left of them.
    """
    layers: dict[str, nn.Module] = {}
    channels = in_channels
    for stage, factor in enumerate((1, 2, 4, 8, 8), 1):
        layers[f"conv{stage}"] = nn.Conv2d(channels, factor * width, 3, padding=1, bias=False)
        layers[f"bn{stage}"] = nn.BatchNorm2d(factor * width)
        layers[f"relu{stage}"] = nn.ReLU()
        layers[f"pool{stage}"] = MaxPool2x2()
        channels = factor * width
    return _stack(
        **layers,
        flatten=nn.Flatten(),
        fc1=Linear(channels * (image_size // 32) ** 2, channels),
        relu6=nn.ReLU(),
        fc2=Linear(channels, channels),
        relu7=nn.ReLU(),
        fc3=Linear(channels, num_classes),
    )


def two_layer(in_channels: int, image_size: int, num_classes: int, width: int) -> nn.Module:
    """One hidden layer of free width."""
    return _stack(
        flatten=nn.Flatten(),
        fc1=Linear(in_channels * image_size**2, width),
        relu1=nn.ReLU(),
        fc2=Linear(width, num_classes),
    )


def _stack(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))
