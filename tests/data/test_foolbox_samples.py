from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from torch import nn

from suite.data import load
from suite.data.foolbox_samples import IMAGENET, SAMPLES, SIDE
from suite.errors import SuiteError
from suite.host.cli import main
from suite.models import load as load_model


@pytest.mark.parametrize("ref", [*SAMPLES])
def test_they_are_those_that_foolbox_gives(ref: str) -> None:
    import foolbox

    model = foolbox.PyTorchModel(nn.Identity().eval(), bounds=(0, 255))
    images, labels = foolbox.samples(model, dataset=SAMPLES[ref].file, batchsize=20)
    data = load(ref)
    assert len(data.train) == 0 and data.test.labels.tolist() == labels.tolist()
    np.testing.assert_array_equal(data.test.images, images.numpy())
    assert len(data.classes) == {"cifar100": 100, "imagenet": 1000}.get(ref.removeprefix("foolbox:"), 10)


def test_classes_have_their_names() -> None:
    """What is on the first photographs, by eye: a mastiff (bull mastiff), a folding chair; a cat in CIFAR-10."""
    data = load(IMAGENET)
    assert [data.classes[label] for label in data.test.labels[:2]] == ["bull mastiff", "folding chair"]
    assert data.shape == (3, SIDE, SIDE)
    names = {ref: load(ref).classes[load(ref).test.labels[0]] for ref in SAMPLES if ref != IMAGENET}
    assert [*names.values()] == ["7", "Ankle boot", "cat", "mountain"]


def test_a_name_that_foolbox_has_not_is_answered_with_the_nearest() -> None:
    with pytest.raises(SuiteError, match=r"no data set 'foolbox:cifar' .did you mean .*foolbox:cifar10"):
        load("foolbox:cifar")


def test_without_its_files_the_remedy_is_another_foolbox(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("suite.data.foolbox_samples.folder", lambda: tmp_path)
    with pytest.raises(SuiteError, match=r"the samples of foolbox:mnist are not in .* \(install foolbox anew\)"):
        load("foolbox:mnist")


def test_nothing_is_trained_on_no_images() -> None:
    refused = CliRunner().invoke(main, ["models", "train", "digits-cnn", "--dataset", "foolbox:mnist"])
    assert refused.exit_code == 2 and "there are no images to train on" in refused.stderr


def test_they_are_prepared_without_a_download() -> None:
    said = CliRunner().invoke(main, ["data", "prepare", "foolbox:cifar10"])
    assert said.output == "foolbox:cifar10: 0 training and 20 test images, 3 x 32 x 32, 10 classes\n"


def test_a_model_has_no_weights_for_them_of_itself() -> None:
    with pytest.raises(SuiteError, match="foolbox:mnist has no training images, and there are no weights of digits"):
        load_model("digits-cnn", load("foolbox:mnist"))
