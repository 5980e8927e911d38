"""References as a user types them: what loads, what trains itself, and what each mistake is told."""

import json
import logging
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from suite import data
from suite.data import Dataset
from suite.errors import SuiteError
from suite.models import ZOO, describe, foreign, load, train
from suite.models.stored import EMBEDDED, found_weights, whole_digest
from suite.models.tensor_file import read_metadata
from suite.models.weights import write_weights
from suite.refs import parse_call

Noise = Callable[..., Dataset]

MINE = """
from torch import nn
import colours_of_the_user

class Net(nn.Module):
    linbp_start = "body"

    def __init__(self, num_classes):
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(64, num_classes))

    def forward(self, x):
        return self.body(x)

def seven():
    return Net(7)

def broken():
    raise RuntimeError("out of luck\\nand more")

def nothing():
    return None

def diverged():
    net = Net(10)
    nn.init.constant_(net.body[1].bias, float("nan"))
    return net
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's package `mine_of_the_user` in the working directory, importing a module beside it."""
    (tmp_path / "mine_of_the_user.py").write_text(MINE)
    (tmp_path / "colours_of_the_user.py").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "mine_of_the_user", raising=False)


@pytest.mark.parametrize(("name", "least"), [("digits-resnet", 0.97), ("digits-cnn", 0.97), ("mnist-cnn", 0.92)])
def test_the_nets_of_the_first_commands_come_with_their_weights(
    name: str, least: float, caplog: pytest.LogCaptureFixture
) -> None:
    digits = data.load("digits")
    with caplog.at_level(logging.INFO, "suite"):
        model = load(name, digits)
    assert not caplog.messages and not model.training
    predicted = model(digits.test.pixels()).argmax(1)
    accuracy = float((predicted == digits.test.targets()).double().mean())
    assert accuracy >= least
    assert accuracy == pytest.approx(model.info.accuracy, abs=1.5 / len(digits.test))  # a tie may round otherwise
    path = found_weights(parse_call(name), digits)
    facts = read_metadata(path)
    assert path.is_relative_to(EMBEDDED) and whole_digest(path) == model.info.digest
    assert facts["recipe"] == json.dumps(asdict(ZOO[name].recipe))  # a changed recipe makes them again
    assert (facts["seed"], facts["dataset_digest"]) == ("0", digits.digest)


def test_weights_of_the_users_own_training_come_before_the_packages(caplog: pytest.LogCaptureFixture) -> None:
    digits = data.load("digits")
    embedded = load("mnist-cnn", digits).info
    made = train("mnist-cnn", digits, epochs=1).info
    found = load("mnist-cnn", digits).info
    assert found.digest == made.digest != embedded.digest
    (listed,) = {row.name: row for row in describe()}["mnist-cnn"].trained
    assert (listed.accuracy, str(listed.path)) == (made.accuracy, made.source)
    listed.path.unlink()
    assert load("mnist-cnn", digits).info == embedded


def test_the_default_trains_itself_once_on_other_data(noise: Noise, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "suite"):
        model = load("digits-cnn", noise())
    assert caplog.messages[0] == "training digits-cnn on noise, once, for 30 epochs"
    assert len(caplog.messages) < ZOO["digits-cnn"].recipe.epochs  # one line in ten seconds
    caplog.clear()
    again = load("digits-cnn", noise())
    assert not caplog.messages and again.info == model.info
    assert torch.equal(again(noise().test.pixels()), model(noise().test.pixels()))


def test_a_second_architecture_trains_itself_where_that_is_a_matter_of_seconds(noise: Noise) -> None:
    entry = ZOO["mnist-cnn"]
    found = load("mnist-cnn(width=4)", noise())
    assert found.info.name == "mnist-cnn(width=4)" and found.info.accuracy is not None
    assert entry.epochs_at_once(entry.trains_itself // entry.recipe.epochs) == entry.recipe.epochs
    assert entry.epochs_at_once(entry.trains_itself // entry.recipe.epochs + 1) == 0
    # The default is trained on any number of images, for fewer epochs where they are many.
    epochs = [ZOO["digits-cnn"].epochs_at_once(images) for images in (1_257, 4_000, 4_001, 60_000, 1_000_000)]
    assert epochs == [30, 30, 29, 2, 1]


def test_only_the_default_and_that_one_train_themselves(noise: Noise) -> None:
    with pytest.raises(SuiteError, match=r"\(suite models train two-layer --dataset digits\)"):
        load("two-layer", data.load("digits"))
    assert load("digits-cnn", noise()).info.dataset == "noise"
    with pytest.raises(SuiteError, match=r"suite models train 'wrn34\(width=1\)' --dataset noise"):
        load("wrn34( width=1 )", noise((3, 32, 32)))


def test_train_stores_what_load_finds(noise: Noise) -> None:
    dataset = noise()
    made = train("two-layer(width=5)", dataset, epochs=1, seed=3)
    found = load("two-layer(width=5)", dataset)
    assert found.info.digest == made.info.digest
    assert found.info.accuracy == made.info.accuracy
    assert (found.info.ref, found.info.name, found.info.dataset) == ("two-layer(width=5)",) * 2 + ("noise",)
    assert train("two-layer(width=5)", dataset, epochs=1, seed=3).info.digest == made.info.digest
    assert train("two-layer(width=5)", dataset, epochs=1, seed=4).info.digest != made.info.digest
    with pytest.raises(SuiteError, match=r"two-layer\(width=6\) is not trained"):
        load("two-layer(width=6)", dataset)


def test_a_default_spelled_out_is_the_same_model(noise: Noise) -> None:
    train("two-layer(width=1000)", noise(), epochs=1)
    assert load("two-layer", noise()).info.name == "two-layer"


def test_interrupted_training_continues_to_the_same_weights(noise: Noise, tmp_path: Path) -> None:
    whole = train("two-layer(width=5)", noise(), epochs=3).info
    path = Path(whole.source)
    path.unlink()

    def stop(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train("two-layer(width=5)", noise(), epochs=3, on_epoch=stop)
    assert not path.exists()
    told = list[object]()
    assert train("two-layer(width=5)", noise(), epochs=3, on_epoch=told.append).info == whole
    assert len(told) == 2
    assert list(path.parent.iterdir()) == [path]


def test_training_that_diverges_stores_nothing(noise: Noise, tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"training two-layer on noise diverged in epoch \d+ \(try a learning rate"):
        train("two-layer", noise(), learning_rate=1e38)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("ref", "told"),
    [
        ("resnet65", r"unknown model 'resnet65' \(did you mean"),
        ("wrn34(depth=3)", r"unknown argument 'depth' of model wrn34 \(did you mean width\?\)"),
        ("lenet5(width=3)", r"unknown argument 'width' of model lenet5"),
        ("wrn34(width=0)", r"width=0 of model wrn34 \(give a positive integer\)"),
        ("wrn34(width=wide)", r"width=wide of model wrn34"),
        ("wrn34(width", r"cannot read 'wrn34\(width'"),
        ("run:abc", r"cannot read 'run:abc' \(write run:RUN/NAME\)"),
        ("run:gone/final", r"that run has no models"),
        ("import:mine_of_the_user", r"write import:package\.module:factory"),
        ("import:gone_of_the_user:net", r"cannot import gone_of_the_user .*ModuleNotFoundError"),
        ("import:mine_of_the_user:nett", r"mine_of_the_user has no 'nett'"),
        ("import:mine_of_the_user:broken", r"calling broken .* RuntimeError: out of luck$"),
        ("import:mine_of_the_user:nothing", r"returned a NoneType \(it must return a torch\.nn\.Module\)"),
        ("import:mine_of_the_user:seven@random(0)", r"logits of shape \(1, 7\) for one image, noise has 10 classes"),
        ("import:mine_of_the_user:diverged", r"not finite: body\.1\.bias"),
        ("torchvision:resnet51", r"torchvision has no classifier 'resnet51' \(did you mean resnet"),
    ],
)
@pytest.mark.usefixtures("mine")
def test_mistakes(ref: str, told: str, noise: Noise) -> None:
    with pytest.raises(SuiteError, match=told) as error:
        load(ref, noise())
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("ref", "settings", "told"),
    [
        ("lenet6", {}, "unknown model 'lenet6'"),
        ("two-layer", {"epoch": 3}, "unknown recipe setting 'epoch' .did you mean epochs"),
        ("two-layer", {"epochs": 0}, "epochs=0 of the recipe"),
        ("two-layer", {"seed": -1}, "the seed is -1"),
    ],
)
def test_mistakes_in_training(ref: str, settings: dict[str, Any], told: str, noise: Noise) -> None:
    with pytest.raises(SuiteError, match=told):
        train(ref, noise(), **settings)


@pytest.mark.usefixtures("mine")
def test_the_users_own_model_sees_pixels(noise: Noise) -> None:
    path = list(sys.path)
    model = load("import:mine_of_the_user:Net@random(0)", noise())
    pixels = torch.rand(3, 1, 8, 8)
    assert torch.equal(model(pixels), model.network(pixels))
    assert model.linbp_start == "body"
    assert len(model.info.digest) == 64
    assert sys.path == path


@pytest.mark.usefixtures("mine")
def test_the_users_own_model_that_cannot_take_the_images(noise: Noise) -> None:
    with pytest.raises(SuiteError, match=r"cannot take the 3 x 8 x 8 images of noise: RuntimeError"):
        load("import:mine_of_the_user:Net@random(0)", noise((3, 8, 8)))


def test_grey_images_for_a_colour_network_are_told_how_to_become_colour(noise: Noise) -> None:
    colour = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(72, 10))
    with pytest.raises(SuiteError, match=r"takes 3 channels, the images have 1: .*convert\('RGB'\)"):
        foreign.checked(foreign.own_classifier(colour, "mine", noise()), noise())


def test_a_model_of_an_earlier_run(noise: Noise, tmp_path: Path) -> None:
    dataset = noise()
    network = ZOO["two-layer"].network({"width": 5}, dataset)
    state = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    folder = tmp_path / "runs" / "linbp.train" / "abc123" / "models"
    write_weights(folder / "final.safetensors", state, {"model": "two-layer(width=5)"})
    write_weights(folder / "bare.safetensors", state, {})
    model = load("run:linbp.train/abc123/final", dataset)
    assert torch.equal(model.network.get_parameter("fc2.weight"), network.get_parameter("fc2.weight"))
    assert (model.info.name, model.info.accuracy) == ("two-layer(width=5)", None)
    with pytest.raises(SuiteError, match=r"that run has bare, final"):
        load("run:linbp.train/abc123/first", dataset)
    with pytest.raises(SuiteError, match=r"does not say of which architecture"):
        load("run:linbp.train/abc123/bare", dataset)


@pytest.mark.usefixtures("mine")
@pytest.mark.parametrize(
    "name", ["import:mine_of_the_user:Net", "import:os:abort", "run:r/net", "torchvision:vgg16", ""]
)
def test_a_saved_architecture_is_the_zoos_and_runs_no_code(noise: Noise, tmp_path: Path, name: str) -> None:
    sys.modules.pop("mine_of_the_user", None)
    state = {"body.1.weight": torch.ones(10, 64), "body.1.bias": torch.zeros(10)}
    path = tmp_path / "runs" / "r" / "models" / "net.safetensors"
    write_weights(path, state, {"model": name})
    with pytest.raises(SuiteError, match=r"net\.safetensors says that it is of .*no architecture of the zoo"):
        load("run:r/net", noise())
    assert "mine_of_the_user" not in sys.modules


def test_torchvision_with_its_weights_at_hand(noise: Noise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torchvision

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    network: nn.Module = torchvision.models.squeezenet1_1()
    url = torchvision.models.SqueezeNet1_1_Weights.DEFAULT.url
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    torch.save(network.state_dict(), tmp_path / "hub" / "checkpoints" / url.rpartition("/")[2])
    model = load("torchvision:squeezenet1_1", noise((3, 32, 32), classes=1000))
    pixels = torch.rand(2, 3, 32, 32)
    mean, std = (torch.tensor(x).view(1, 3, 1, 1) for x in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    torch.testing.assert_close(model(pixels), network.eval()((pixels - mean) / std))
    with pytest.raises(SuiteError, match=r"logits of shape \(1, 1000\).*noise has 10 classes"):
        load("torchvision:squeezenet1_1", noise((3, 32, 32)))


def test_torchvision_without_a_network(noise: Noise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("urllib.request.urlopen", offline)
    monkeypatch.setattr("torch.hub.urlopen", offline)
    with pytest.raises(SuiteError, match=r"weights for squeezenet1_1 are not here and cannot be fetched"):
        load("torchvision:squeezenet1_1", noise((3, 32, 32), classes=1000))


def test_description_lists_the_zoo_and_what_is_trained(noise: Noise) -> None:
    rows = {row.name: row for row in describe()}
    assert list(rows) == list(ZOO)
    assert [name for name, row in rows.items() if row.trained] == ["mnist-cnn", "digits-resnet", "digits-cnn"]
    made = train("two-layer(width=5)", noise(), epochs=1)
    (weights,) = {row.name: row for row in describe()}["two-layer"].trained
    assert (weights.model, weights.dataset, weights.accuracy) == ("two-layer(width=5)", "noise", made.info.accuracy)
    assert (rows["resnet50"].linbp_start, rows["resnet20"].linbp_source) == ("layer4", "ours, by analogy")
