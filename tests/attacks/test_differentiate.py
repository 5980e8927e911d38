"""Input gradients: autograd's own bits, without what autograd would import for them."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from suite.attacks.differentiate import pulled_back

ATTACK = """
import sys, torch
from suite.attacks import differentiator
from suite.gradients import linbp
net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3)).eval()
x = torch.rand(2, 4)
for model in (net, linbp(net, start=0)):
    engine, name = differentiator(model, x)
    engine(x, torch.ones_like)
    print(name)
print(sorted({"sympy", "torch._dynamo"} & sys.modules.keys()))
"""


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_it_is_autograds_to_the_bit(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    net = (
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 5))
        .to(dtype)
        .eval()
    )
    x = torch.rand(7, 3, 8, 8, dtype=dtype, requires_grad=True)
    cotangent = torch.randn(7, 5, dtype=dtype)
    cotangent[0], cotangent[1, 0], cotangent[2, 0] = 0.0, -0.0, torch.inf
    (expected,) = torch.autograd.grad(net(x), x, cotangent)
    assert torch.equal(pulled_back(net(x), x, cotangent).nan_to_num(7), expected.nan_to_num(7))
    assert expected[2].isnan().any() or expected[2].isinf().any()


def test_an_attack_does_not_wait_for_sympy() -> None:
    """It takes a second to import; autograd does so for `grad_outputs` and for batched cotangents."""
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", ATTACK], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:3] == ["autograd", "jacobian", "[]"]
