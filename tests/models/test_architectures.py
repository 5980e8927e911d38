"""Architectures against what their papers and published checkpoints say of them."""

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import nn

from suite.data import Dataset
from suite.errors import SuiteError
from suite.models import ZOO

Noise = Callable[..., Dataset]


def build(name: str, dataset: Dataset, **arguments: int) -> nn.Module:
    with torch.device("meta"):
        return ZOO[name].network(arguments, dataset)


def shapes(network: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_vgg16_has_the_names_and_shapes_of_the_published_state_dict(noise: Noise) -> None:
    """From the collection's configuration "D" with batch norm, and its 512-4096-4096-10 classifier."""
    expected: dict[str, tuple[int, ...]] = {}
    index, channels = 0, 3
    plan = "64 64 M 128 128 M 256 256 256 M 512 512 512 M 512 512 512 M"
    for item in plan.split():
        if item == "M":
            index += 1
            continue
        width = int(item)
        expected[f"features.{index}.weight"] = (width, channels, 3, 3)
        expected[f"features.{index}.bias"] = (width,)
        for name in ("weight", "bias", "running_mean", "running_var"):
            expected[f"features.{index + 1}.{name}"] = (width,)
        expected[f"features.{index + 1}.num_batches_tracked"] = ()
        index, channels = index + 3, width
    for index, (width_in, width_out) in zip((0, 3, 6), pairwise((512, 4096, 4096, 10)), strict=True):
        expected[f"classifier.{index}.weight"] = (width_out, width_in)
        expected[f"classifier.{index}.bias"] = (width_out,)
    network = build("vgg16", noise((3, 32, 32)))
    assert shapes(network) == expected
    assert [type(layer) for layer in network.get_submodule("features").children()].count(nn.MaxPool2d) == 5


# Entries of the state dict and parameters follow from the collection's code; its README prints the latter in
# millions (33.647, 23.521, 26.483 and 2.237). Shapes are read off the layers that differ from torchvision's,
# and off blocks in between.
COLLECTION: dict[str, tuple[int, int, dict[str, tuple[int, ...]]]] = {
    "vgg16": (97, 33_646_666, {"classifier.0.weight": (4096, 512)}),
    "resnet50": (
        53 + 53 * 5 + 2,
        23_520_842,
        {
            "conv1.weight": (64, 3, 3, 3),
            "layer1.0.downsample.0.weight": (256, 64, 1, 1),
            "layer3.5.conv2.weight": (256, 256, 3, 3),
            "layer4.2.bn3.running_var": (2048,),
            "fc.weight": (10, 2048),
        },
    ),
    "densenet161": (
        160 + 161 * 5 + 2,
        26_482_570,
        {
            "features.conv0.weight": (96, 3, 3, 3),
            "features.denseblock1.denselayer1.norm1.weight": (96,),
            "features.denseblock3.denselayer36.conv1.weight": (192, 384 + 35 * 48, 1, 1),
            "features.transition3.conv.weight": (1056, 2112, 1, 1),
            "features.denseblock4.denselayer24.conv2.weight": (48, 192, 3, 3),
            "features.norm5.bias": (2208,),
            "classifier.weight": (10, 2208),
        },
    ),
    "mobilenetv2": (
        52 + 52 * 5 + 2,
        2_236_682,
        {
            "features.0.0.weight": (32, 3, 3, 3),
            "features.1.conv.0.0.weight": (32, 1, 3, 3),
            "features.2.conv.1.0.weight": (96, 1, 3, 3),
            "features.17.conv.2.weight": (320, 960, 1, 1),
            "features.18.0.weight": (1280, 320, 1, 1),
            "classifier.1.weight": (10, 1280),
        },
    ),
}


@pytest.mark.parametrize("name", COLLECTION)
def test_the_cifar_collection(name: str, noise: Noise) -> None:
    entries, count, some = COLLECTION[name]
    network = build(name, noise((3, 32, 32)))
    assert len(network.state_dict()) == entries
    assert parameters(network) == count
    assert {key: shapes(network)[key] for key in some} == some


# Resolutions that the collection's strides and poolings give for a 32 x 32 image.
RESOLUTIONS = {
    "vgg16": {"features.5": 32, "features.6": 16, "features.43": 1, "avgpool": 1},
    "resnet50": {"conv1": 32, "maxpool": 16, "layer1": 16, "layer2": 8, "layer3": 4, "layer4": 2},
    "densenet161": {
        "features.conv0": 32,
        "features.pool0": 16,
        "features.transition1": 8,
        "features.transition2": 4,
        "features.transition3": 2,
    },
    "mobilenetv2": {"features.0": 32, "features.3": 32, "features.4": 16, "features.7": 8, "features.18": 4},
    "resnet20": {"layer1": 32, "layer2": 16, "layer3": 8},
    "preactresnet18": {"layer1": 32, "layer2": 16, "layer3": 8, "layer4": 4},
    "wrn34": {"block1": 32, "block2": 16, "block3": 8},
    "lenet5": {"conv1": 28, "pool1": 14, "conv2": 10, "pool2": 5},
    "cifar-cnn": {"conv1": 16, "conv2": 8, "conv3": 4},
    "vgg8": {"conv1": 32, "conv2": 16, "conv3": 8, "conv4": 4, "conv5": 2, "pool5": 1},
    "vit": {"conv_proj": 8, "encoder.layers.encoder_layer_3.mlp": 96},
}


@pytest.mark.parametrize("name", RESOLUTIONS)
def test_resolutions(name: str, noise: Noise) -> None:
    network = build(name, noise((1, 28, 28) if name == "lenet5" else (3, 32, 32))).eval()
    seen: dict[str, int] = {}
    for path in RESOLUTIONS[name]:
        network.get_submodule(path).register_forward_hook(
            lambda _module, _inputs, out, path=path: seen.__setitem__(path, out.shape[-1])
        )
    network(torch.empty(1, *((1, 28, 28) if name == "lenet5" else (3, 32, 32)), device="meta"))
    assert seen == RESOLUTIONS[name]


@pytest.mark.parametrize(
    ("name", "arguments", "shape", "count"),
    [
        ("resnet20", {}, (3, 32, 32), 269_722),  # 0.27M in He et al. 2016, Table 6
        ("resnet32", {}, (3, 32, 32), 464_154),  # 0.46M
        ("resnet44", {}, (3, 32, 32), 658_586),  # 0.66M
        ("resnet56", {}, (3, 32, 32), 853_018),  # 0.85M
        ("preactresnet18", {}, (3, 32, 32), 11_172_170),
        ("wrn34", {}, (3, 32, 32), 46_160_474),  # 46.16M in the TRADES repository
        ("mlp", {}, (1, 28, 28), 785 * 400 + 401 * 200 + 201 * 100 + 101 * 10),
        ("lenet5", {}, (1, 28, 28), 61_706),  # LeCun et al. 1998 with full connections
        ("mnist-cnn", {"width": 16}, (1, 28, 28), 17 * 16 + (16 * 16 + 1) * 32 + 1569 * 16 + 17 * 10),
        ("two-layer", {"width": 7}, (1, 8, 8), 65 * 7 + 8 * 10),
        # By hand: 4 x 4 convolutions from 3 to 16, 32 and 64 channels, 64 * 4 * 4 features to 128 to 10.
        ("cifar-cnn", {}, (3, 32, 32), 49 * 16 + 257 * 32 + 513 * 64 + 1025 * 128 + 129 * 10),
        # By hand: 3 x 3 convolutions without bias, two numbers a channel of batch norm, 256 features to 256, 256, 10.
        ("vgg8", {}, (3, 32, 32), 9 * (96 + 2048 + 8192 + 32768 + 65536) + 2 * 736 + 2 * 257 * 256 + 257 * 10),
        # By hand: 2 x 2 patches, class token, 16 + 1 positions; a block's norms, attention, perceptron; norm and head.
        (
            "vit",
            {"patch": 2, "width": 32, "depth": 3},
            (1, 8, 8),
            5 * 32 + 32 + 17 * 32 + 3 * (4 * 32 + 4 * 33 * 32 + 33 * 64 + 65 * 32) + 2 * 32 + 33 * 10,
        ),
    ],
)
def test_parameter_counts(
    name: str, arguments: dict[str, int], shape: tuple[int, int, int], count: int, noise: Noise
) -> None:
    assert parameters(build(name, noise(shape), **arguments)) == count


# Blocks and channels of the stages, as their authors' code rounds them, and parameters: 4.7, 5.4 and 6.1 million there.
LITE = {
    "efficientnet-lite0": ((1, 2, 2, 3, 3, 4, 1), (16, 24, 40, 80, 112, 192, 320), 4_652_008),
    "efficientnet-lite1": ((1, 3, 3, 4, 4, 5, 1), (16, 24, 40, 80, 112, 192, 320), 5_416_680),
    "efficientnet-lite2": ((1, 3, 3, 4, 4, 5, 1), (16, 24, 48, 88, 120, 208, 352), 6_092_072),
}


@pytest.mark.parametrize("name", LITE)
def test_the_lite_family(name: str, noise: Noise) -> None:
    network = build(name, noise((3, 32, 32), 1000))
    stages = [network.get_submodule(f"stage{number}") for number in range(1, 8)]
    blocks = tuple(len([*stage.children()]) for stage in stages)
    channels = tuple(stage.get_submodule("0.project.conv").weight.shape[0] for stage in stages)
    assert (blocks, channels, parameters(network)) == LITE[name]
    assert shapes(network)["stem.conv.weight"] == (32, 3, 3, 3)
    assert shapes(network)["head.conv.weight"] == (1280, channels[-1], 1, 1)


def test_names_of_published_checkpoints(noise: Noise) -> None:
    cifar = noise((3, 32, 32))
    resnet = shapes(build("resnet56", cifar))
    assert resnet["layer3.8.conv2.weight"] == (64, 64, 3, 3)
    assert resnet["layer2.0.bn1.running_mean"] == (32,)
    assert resnet["linear.weight"] == (10, 64)
    assert not [name for name in resnet if "shortcut" in name]
    preact = shapes(build("preactresnet18", cifar))
    assert preact["layer2.0.shortcut.0.weight"] == (128, 64, 1, 1)
    assert "layer1.0.shortcut.0.weight" not in preact
    assert preact["bn.weight"] == (512,)
    wide = shapes(build("wrn34", cifar, width=1))
    assert "block1.layer.0.convShortcut.weight" not in wide  # 16 channels in, 16 out
    assert wide["block3.layer.0.convShortcut.weight"] == (64, 32, 1, 1)
    assert wide["block3.layer.4.conv2.weight"] == (64, 64, 3, 3)


def test_option_a_shortcut_subsamples_and_pads_with_zeros(noise: Noise) -> None:
    block = ZOO["resnet20"].network({}, noise((3, 32, 32))).get_submodule("layer2.0").eval()
    nn.init.zeros_(block.get_parameter("bn2.weight"))  # silences the branch
    x = torch.rand(2, 16, 6, 6)
    out = block(x)
    assert torch.equal(out[:, 8:24], x[:, :, ::2, ::2])
    assert not out[:, :8].any()
    assert not out[:, 24:].any()


def test_option_a_shortcut_has_the_gradient_of_a_slice_in_the_layout_of_its_input(noise: Noise) -> None:
    """Where layouts differ, the sum with the branch's gradient and the rectifier before it take far longer."""
    block = ZOO["resnet20"].network({}, noise((3, 32, 32))).get_submodule("layer2.0").eval()
    nn.init.zeros_(block.get_parameter("bn2.weight"))
    x = torch.rand(2, 16, 5, 6).contiguous(memory_format=torch.channels_last)
    cotangent = torch.randn(2, 32, 3, 3).contiguous(memory_format=torch.channels_last)
    sums: list[torch.Tensor] = []
    x = x.requires_grad_()
    y = x * 1
    y.register_hook(lambda gradient: sums.append(gradient))
    block(y).backward(cotangent)
    expected = torch.zeros_like(x)
    expected[:, :, ::2, ::2] = cotangent[:, 8:24]
    assert torch.equal(sums[0], expected) and sums[0].is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    ("name", "path", "silent", "relu_first"),
    [
        ("preactresnet18", "layer2.0", "conv2.weight", "shortcut"),
        ("wrn34", "block2.layer.0", "conv2.weight", "convShortcut"),
    ],
)
def test_preactivation_shortcut_comes_behind_the_first_rectifier(
    name: str, path: str, silent: str, relu_first: str, noise: Noise
) -> None:
    arguments = {"width": 1} if name == "wrn34" else {}
    block = ZOO[name].network(arguments, noise((3, 32, 32))).get_submodule(path).eval()
    nn.init.zeros_(block.get_parameter(silent))
    norm = block.get_submodule("bn1")
    assert isinstance(norm, nn.BatchNorm2d)
    x = torch.randn(2, norm.num_features, 8, 8)
    assert torch.equal(block(x), block.get_submodule(relu_first)(norm(x).relu()))


@pytest.mark.parametrize("name", ZOO)
def test_every_entry_builds_runs_and_has_its_linbp_position(name: str, noise: Noise) -> None:
    entry = ZOO[name]
    side = max(entry.smallest, 8)
    dataset = noise((2, side, side), classes=7)
    with torch.device("meta"):
        network = entry.network({}, dataset).eval()
    assert network(torch.empty(3, 2, side, side, device="meta")).shape == (3, 7)
    if isinstance(entry.linbp_start, str):
        assert network.get_submodule(entry.linbp_start)
    else:
        rectifiers = [module for module in network.modules() if isinstance(module, nn.ReLU | nn.GELU)]
        assert entry.linbp_start in range(-len(rectifiers), len(rectifiers))
    assert entry.normalisation(2) == ((0.0, 0.0), (1.0, 1.0))
    assert entry.linbp_source and entry.paper and entry.summary


def test_linbp_starts_where_the_paper_has_it(noise: Noise) -> None:
    """The rectifiers behind the start, as in the released code of Li et al. 2022."""
    features = build("vgg16", noise((3, 32, 32))).get_submodule("features")
    rectifiers = [i for i, layer in enumerate(features.children()) if isinstance(layer, nn.ReLU)]
    assert (len(rectifiers), rectifiers[-3:]) == (13, [36, 39, 42])
    starts = {name: ZOO[name].linbp_start for name in ("vgg16", "resnet50", "densenet161", "mobilenetv2")}
    assert starts == {
        "vgg16": "features.36",
        "resnet50": "layer4",
        "densenet161": "features.transition3",
        "mobilenetv2": "features.17",
    }
    assert (ZOO["mlp"].linbp_start, ZOO["lenet5"].linbp_start) == (1, 2)


def test_images_that_do_not_fit(noise: Noise) -> None:
    with pytest.raises(SuiteError, match=r"vgg16 cannot take the 28 x 28 images of noise .*at least 32 x 32"):
        build("vgg16", noise((1, 28, 28)))
    with pytest.raises(SuiteError, match=r"mlp cannot take the 8 x 9 images of noise .*square"):
        build("mlp", noise((1, 8, 9)))
    with pytest.raises(SuiteError, match=r"patches of 3 x 3 pixels do not cover images of 32 x 32 .*divisor of 32"):
        build("vit", noise((3, 32, 32)), patch=3)
    with pytest.raises(SuiteError, match=r"width=48 of vit .*multiple of 32"):
        build("vit", noise((3, 32, 32)), width=48)
