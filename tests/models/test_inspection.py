"""What `suite models inspect` says, against counts by hand."""

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner
from torch import Tensor, nn

from suite.data import Dataset
from suite.host.cli import main
from suite.models import Classifier, ModelInfo
from suite.models.inspection import inspect_model, inspection

Noise = Callable[..., Dataset]


def test_rectifiers_and_what_they_cost(noise: Noise) -> None:
    found = inspect_model("lenet5", noise((1, 28, 28)))  # nobody has trained it
    layers = [28 * 28 * 6 * 25, 10 * 10 * 16 * 6 * 25, 400 * 120, 120 * 84]
    assert [each.macs for each in found.rectifiers] == layers
    assert found.macs == sum(layers) + 84 * 10
    assert found.rectifiers[3].behind == pytest.approx(840 / found.macs)
    assert [each.shape for each in found.rectifiers] == [(6, 14, 14), (16, 5, 5), (120,), (84,)]
    assert [each.start for each in found.rectifiers] == ["conv1", "conv2", "flatten", "fc2"]
    assert found.pools == (("pool1", "max_pool2d"), ("pool2", "max_pool2d"))
    assert (found.blocks, found.attention, found.linbp_start) == ((), (), 2)


def test_residual_blocks(noise: Noise) -> None:
    assert len(inspect_model("resnet20", noise((3, 32, 32))).blocks) == 9


def test_attention_by_torchs_module_and_by_hand() -> None:
    class Attending(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention, self.head = nn.MultiheadAttention(4, 2, batch_first=True), nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            x = x.flatten(2)
            x = self.attention(x, x, x, need_weights=False)[0]
            x = (x @ x.mT).softmax(-1) @ x
            return self.head(x.mean(1)).softmax(-1)  # no attention

    model = Classifier(Attending(), ModelInfo("own", "own", "blank", "", None, "here")).eval()
    assert inspection(model, (1, 2, 2)).attention == (
        ("attention", "scaled_dot_product_attention"),
        ("network", "matmul"),
    )


def test_as_typed() -> None:
    result = CliRunner().invoke(main, ["models", "inspect", "digits-cnn"], prog_name="suite")
    assert result.exit_code == 0 and "linbp starts at: 2" in result.stdout
    shown = json.loads(CliRunner().invoke(main, ["models", "inspect", "digits-cnn", "--json"]).stdout)
    assert [each["path"] for each in shown["rectifiers"]] == ["relu1", "relu2", "relu3"]
