"""The way in from Python: options as values and texts, objects as models and data, results with tables and figures."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from click.testing import CliRunner
from torch import nn

import suite
from suite.errors import SuiteError
from suite.host.cli import main

SMALL = {"eps": 0.1, "steps": (1, 2), "limit": 20, "examples": 1}


class Net(nn.Module):
    """Two layers for 8 x 8 images; a plain attribute is part of what it computes."""

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.first, self.second, self.scale = nn.Linear(64, 16), nn.Linear(16, 10), scale

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.scale * self.second(self.first(x.flatten(1)).relu())
        return logits


def images() -> tuple[np.ndarray, np.ndarray]:
    """(60, 1, 8, 8) in [0, 1] and the labels that a fresh net of seed 0 gives them: it is right on all."""
    x = (np.random.default_rng(0).integers(0, 256, (60, 1, 8, 8)) / 255).astype(np.float32)
    with torch.no_grad():
        return x, net()(torch.from_numpy(x)).argmax(1).numpy()


def net(scale: float = 1.0) -> Net:
    torch.manual_seed(0)
    return Net(scale)


def test_a_run_is_the_same_from_python_and_as_typed(workplace: Path, finished_study) -> None:  # type: ignore[no-untyped-def]
    ours = suite.run("linbp.attack", **SMALL)
    typed = finished_study("linbp.attack", "--eps 1/10 --steps 1,2 --limit 20 --examples 1")
    assert typed.path.absolute() == ours.path.absolute() and ours.status == "finished"
    assert suite.run("linbp.attack", **{**SMALL, "eps": "0.1", "steps": "1,2"}).path == ours.path
    assert suite.load(ours.path.name[:6]).headline == ours.headline
    assert suite.load(ours.path).path == ours.path
    listed = suite.runs("linbp.attack")
    assert listed["run"].to_list() == [f"linbp.attack/{ours.path.name}"] and not len(suite.runs("linbp.train"))


def test_tables_estimates_figures_and_the_notebook(workplace: Path) -> None:
    result = suite.run("linbp.attack", **SMALL)
    success = result.table("success")
    assert isinstance(success, pl.DataFrame) and success["n"].unique().len() == 1
    estimates = result.estimates.filter(table="success")
    assert estimates["value"].to_list() == success["value"].to_list()
    assert estimates["setting"][0] == "eps=0.1, steps=1, gradient=bp"
    figure = result.figure("success_by_step")
    assert figure.svg.exists() and figure.png.exists() and figure.caption
    page = result._repr_html_()
    assert "<svg" in page and "success of bp at eps 0.1, K 2" in page
    with pytest.raises(SuiteError, match=r"no table 'succes' \(did you mean success"):
        result.table("succes")
    with pytest.raises(SuiteError, match=r"no figure 'success' \(did you mean success_by_step"):
        result.figure("success")


def test_names_of_classes_are_a_table_and_on_the_page(workplace: Path) -> None:
    x, y = images()
    names = [f"letter {letter}" for letter in "abcdefghij"]
    named = suite.run("linbp.attack", model=net(), dataset=(x, y, names), gradients="bp", **SMALL)
    assert named.table("classes").rows() == [*enumerate(names)]
    said = named.table("samples").join(named.table("classes"), left_on="prediction", right_on="number", how="left")
    assert said["name"].to_list() == [names[number] for number in said["prediction"]]
    result = CliRunner().invoke(main, ["report", str(named.path), "--out", "page.html"], prog_name="suite")
    assert result.exit_code == 0, result.stderr
    first = named.table("examples")["label"][0]
    assert f"true class letter {'abcdefghij'[first]}" in Path("page.html").read_text()


def test_a_module_and_arrays_enter_the_key(workplace: Path) -> None:
    x, y = images()
    ours = suite.run("linbp.attack", model=net(), dataset=(x, y, 10), gradients="bp,linbp(start=0)", **SMALL)
    assert ours.facts["attacked"] == 20 and ours.facts["clean_accuracy"] == 1.0
    same = suite.run(
        "linbp.attack", model=net(), dataset=(torch.from_numpy(x), y, 10), gradients="bp,linbp(start=0)", **SMALL
    )
    assert same.path == ours.path
    for model, data in ((net(scale=2.0), (x, y, 10)), (net(), (x[::-1].copy(), y[::-1].copy(), 10))):
        other = suite.run("linbp.attack", model=model, dataset=data, gradients="bp,linbp(start=0)", **SMALL)
        assert other.path != ours.path
    assert suite.load(ours.path).table("success").equals(ours.table("success"))


def test_bad_input_is_a_suite_error(workplace: Path) -> None:
    x, y = images()
    hooked = net()
    hooked.register_forward_hook(lambda *_: None)
    odd = net()
    odd.friend = object()
    for options, said in (
        ({"epsilon": 0.1}, "has no option 'epsilon' (did you mean precision or eps or steps?)"),
        ({"eps": "much"}, "eps: 'much'"),
        ({"model": 3}, "a int is no model"),
        ({"model": hooked, "dataset": (x, y)}, "has hooks"),
        ({"model": odd, "dataset": (x, y)}, "friend is a object, which has no digest"),
        ({"model": nn.LazyLinear(10), "dataset": (x, y)}, "has no values yet"),
        ({"model": net(), "dataset": (x, y[:5])}, "do not fit"),
        ({"model": net(), "dataset": (3 * x, y)}, "outside [0, 1]"),
        ({"model": net(), "dataset": (x, y, 5)}, "labels up to"),
        ({"model": net(), "dataset": (x, y % 5)}, "give (images, labels, number of classes)"),
        ({"model": net(), "dataset": (x, y), "jobs": 2}, "cannot be given to others"),
        ({"model": "object:Net-0123"}, "was given from Python, and is not here"),
        ({"preset": "papr"}, "unknown preset 'papr'"),
    ):
        with pytest.raises(SuiteError) as refused:
            suite.run("linbp.attack", **options)
        assert said in str(refused.value)
    with pytest.raises(SuiteError, match=r"unknown study 'linbp\.atack'"):
        suite.run("linbp.atack")
    assert not (workplace / "runs").exists()


def test_python_m_suite(workplace: Path) -> None:
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-m", "suite", "list"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "linbp.attack" in done.stdout
