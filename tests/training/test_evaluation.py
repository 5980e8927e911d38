"""Evaluation: against the definition, whatever the batch size, without a trace on the model."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from suite.training import evaluate


def test_against_the_definition() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 3))
    images, labels = torch.randint(0, 256, (50, 3, 2, 2), dtype=torch.uint8), torch.randint(0, 3, (50,))
    logits = model(images / 255).detach()
    for batch_size in (1, 7, 50, 1000):
        loss, accuracy = evaluate(model, images, labels, batch_size)
        assert loss == pytest.approx(float(F.cross_entropy(logits, labels)), rel=1e-6)
        assert accuracy == float((logits.argmax(1) == labels).double().mean())


def test_dropout_is_off_and_every_mode_is_restored() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Dropout(), nn.BatchNorm1d(4).eval(), nn.Linear(4, 2))
    images, labels = torch.rand(9, 1, 2, 2), torch.zeros(9, dtype=torch.int64)
    assert evaluate(model, images, labels) == evaluate(model, images, labels)
    assert [module.training for module in model] == [True, True, False, True]
    assert model[3].weight.grad is None
