"""Gradient rules and their sums as a user types them: on the digits, and on a small residual net of the user's own."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result
from torch import nn

from suite import data
from suite.host.cli import main

pytestmark = pytest.mark.usefixtures("undrawn")

FACTORY = """
import torch
from torch import nn
from suite.models.cifar_resnet import Block

def net():
    blocks = nn.Sequential(Block(8, 8, 1), Block(8, 16, 2), Block(16, 16, 1))
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10)]
    return nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), blocks, *head)

def trained():
    model = net()
    model.load_state_dict(torch.load("trained.pt", weights_only=True))
    model.linbp_start = "2.1"
    return model
"""


@pytest.fixture(scope="session")
def trained_weights(warm_cache: Path) -> dict[str, torch.Tensor]:
    """The residual net of FACTORY after a few epochs on the digits; depends on nothing but its seed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SUITE_CACHE", str(warm_cache))
        split = data.load("digits").train
    images, labels = split.pixels(), split.targets()
    space: dict[str, Any] = {}
    exec(FACTORY, space)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model: nn.Module = space["net"]()
        optimiser = torch.optim.Adam(model.parameters(), 0.01)
        for _ in range(8):
            for batch in torch.randperm(len(images)).split(64):
                optimiser.zero_grad()
                nn.functional.cross_entropy(model(images[batch]), labels[batch]).backward()
                optimiser.step()
    return model.state_dict()


@pytest.fixture
def residual_net(workplace: Path, trained_weights: dict[str, torch.Tensor]) -> str:
    """Options that choose the trained residual net."""
    (workplace / "mine_residual.py").write_text(FACTORY)
    torch.save(trained_weights, workplace / "trained.pt")
    return "--model import:mine_residual:trained"


def plain(run: Any) -> dict[str, list[tuple[Any, ...]]]:
    """What happened to every sample, by gradient rule."""
    names = ("id", "eps", "first_fooled_step", "prediction", "perturbation")
    rules = dict.fromkeys(row["gradient"] for row in run.rows("samples"))
    return {
        rule: [tuple(row[name] for name in names) for row in run.rows("samples") if row["gradient"] == rule]
        for rule in rules
    }


def test_rules_side_by_side_on_the_digits(finished: Callable[..., Any]) -> None:
    typed = ("bp", "linbp", "softplus(beta=10)", "leaky(slope=0.1)", "leaky(slope=0)", "leaky(slope=1,start=2)")
    run = finished("--limit 60 --examples 0 --eps 0.2 --steps 10 --gradients", ",".join(typed))
    happened = plain(run)
    canonical = [*typed[:-1], "leaky(slope=1,start=2)"]
    assert list(happened) == canonical
    assert happened["leaky(slope=0)"] == happened["bp"]
    assert [row[:4] for row in happened["leaky(slope=1,start=2)"]] == [row[:4] for row in happened["linbp"]]
    assert len({str(happened[name]) for name in ("bp", "linbp", "softplus(beta=10)", "leaky(slope=0.1)")}) > 2


def test_sums_of_rules_on_a_residual_net(finished: Callable[..., Any], residual_net: str) -> None:
    typed = ("bp", "sgm(lam=1/2)+linbp", "linbp+sgm(lam=1)", "linbp", "sgm(lam=1)", "softplus(beta=10)+sgm(lam=0.5)",
             "leaky(slope=0.1)", "linbp(variant=guo)", "linbp(start=all,lam=0.5,variant=guo)")  # fmt: skip
    run = finished(residual_net, "--limit 60 --examples 0 --eps 0.1 --steps 10 --engine autograd --gradients",
                   ",".join(typed))  # fmt: skip
    happened = plain(run)
    assert list(happened)[1] == "linbp+sgm(lam=0.5)"
    assert list(happened)[-1] == "linbp(lam=0.5,start=all,variant=guo)"
    assert happened["linbp+sgm(lam=1)"] == happened["linbp"] and happened["sgm(lam=1)"] == happened["bp"]
    others = [rule for rule in happened if rule not in ("linbp+sgm(lam=1)", "sgm(lam=1)")]
    assert len({str(happened[rule]) for rule in others}) == len(others)


def test_the_order_of_a_sum_is_not_in_the_key(finished: Callable[..., Any], residual_net: str) -> None:
    typed = ("--limit 20 --examples 0 --eps 0.1 --steps 3", residual_net)
    one = finished(*typed, "--gradients linbp+sgm(lam=0.5)")
    other = finished(*typed, "--gradients sgm(lam=1/2)+linbp")
    assert one.path == other.path
    assert one.manifest["config"]["gradients"] == ["linbp+sgm(lam=0.5)"]
    assert one.manifest["facts"]["engines"] == {"linbp+sgm(lam=0.5)": {"engine": "jacobian"}}


@pytest.mark.parametrize("gradient", ["sgm(lam=0.5)", "linbp(variant=guo)", "linbp+sgm(lam=0.5)"])
def test_fast_folds_batch_norms_under_them(finished: Callable[..., Any], residual_net: str, gradient: str) -> None:
    run = finished(residual_net, "--limit 30 --examples 0 --eps 0.1 --steps 3 --fast --gradients", gradient)
    assert run.manifest["facts"]["engines"][gradient]["sign_agreement"] > 0.99


@pytest.mark.parametrize(
    ("gradient", "line"),
    [
        ("linbp+leaky(slope=0.1)", "leaky(slope=0.1) and linbp both change the derivative of rectifiers (choose one"),
        ("softplus(beta=1)+softplus(beta=2)", "softplus(beta=1) and softplus(beta=2) both change the derivative of"),
        ("bp+sgm(lam=0.5)", "bp is backpropagation and adds nothing to a composition (leave it out)"),
        ("linbp(start=none)+sgm(lam=0.5)", "linbp(start=none) is backpropagation and adds nothing"),
        ("linbp(variant=guo)+sgm(lam=0.5)", "linbp(variant=guo) and sgm(lam=0.5) both change the gradient of resid"),
        ("linbp(lam=0.5)", "lam is an argument of linbp(variant=guo) (write linbp+sgm(lam=...)"),
        ("linbp(variant=gou)", "variant=gou of linbp (did you mean guo?)"),
        ("softplus", "'softplus' lacks beta (write softplus(beta=...))"),
        ("linbp+leaky", "'leaky' lacks slope (write leaky(slope=...))"),
        ("softplus(beta=0)", "beta=0 of softplus (give a positive number"),
        ("leaky(slope=2)", "slope=2 of leaky (give a number from 0 (backpropagation) to 1 (LinBP))"),
        ("sgm(lam=0)", "lam=0 of sgm (give a number in (0, 1]"),
        ("sgm(lambda=1)", "'sgm(lambda=1)': sgm has no argument 'lambda' (did you mean lam?)"),
        ("linbp+sgn(lam=1)", "unknown gradient rule 'sgn' (did you mean sgm?)"),
        ("linbp+", "--gradients: cannot read '' (write name or name(key=value,...))"),
        ("leaky(slope=0.5,start=blocks.7)", "the model has no module 'blocks.7'"),
        ("leaky(slope=0.5,start=99)", "start=99 is out of range: the model calls 7 rectifiers (0 to 6, or -7 to -1)"),
    ],
)
def test_what_makes_no_sense_is_refused(
    attack: Callable[..., Result], residual_net: str, workplace: Path, gradient: str, line: str
) -> None:
    result = attack(residual_net, "--limit 20 --gradients", gradient)
    assert result.exit_code == 2, result.stderr
    (said,) = result.stderr.splitlines()
    assert said.startswith(f"error: {line}")
    assert not (workplace / "runs").exists()


@pytest.mark.parametrize("gradient", ["linbp+sgm(lam=0.5)", "linbp(variant=guo)"])
def test_a_net_without_residual_blocks_is_told_what_would_be_recognised(
    attack: Callable[..., Result], gradient: str
) -> None:
    result = attack("--limit 20 --gradients", gradient)
    assert result.exit_code == 2
    assert re.search(r"the model has no residual block.*recognised are .*BasicBlock.*Bottleneck", result.stderr)
    assert ("variant=li" in result.stderr) == ("guo" in gradient)


def test_list_and_info_show_the_rules(workplace: Path) -> None:
    def typed(*words: str) -> str:
        result = CliRunner().invoke(main, list(words), prog_name="suite")
        assert result.exit_code == 0, result.stderr
        return str(result.stdout)

    listed = typed("list")
    for rule in ("bp", "leaky", "softplus", "gated", "sgm", "linbp"):
        assert re.search(rf"^  {rule} +\w+", listed, re.MULTILINE)
    assert "as typed: softplus(beta=..., start=all)" in typed("info", "softplus")
    assert "as typed: linbp(start=..., variant=li, lam=..., stop=...)" in typed("info", "linbp")
    assert "as typed: bp\n" in typed("info", "bp")
    assert "in (0, 1]; 1 is backpropagation" in typed("info", "sgm")
    assert typed("info", "linbp.attack").startswith("linbp.attack: ")
