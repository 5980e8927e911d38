"""`suite run linbp.gates` as typed: a small net and the nearest class mean, on the digits."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result

from suite import data

Study = Callable[..., Result]
Finish = Callable[..., Any]

TOYS = """
import torch
from torch import nn
from suite import data

def means():
    split = data.load("digits").train
    pixels, labels = split.pixels(range(len(split)), torch.device("cpu")).flatten(1), torch.from_numpy(split.labels)
    centres = torch.stack([pixels[labels == label].mean(0) for label in range(10)])
    nearest = nn.Linear(64, 10)
    nearest.load_state_dict({"weight": centres, "bias": -(centres**2).sum(1) / 2})
    return nn.Sequential(nn.Flatten(), nearest)
"""
TYPED = (
    "--surrogates digits-cnn --victims import:gates_toys:means --gates linear,permuted --positions block "
    "--eps 0.2 --steps 4 --step-size 0.05 --limit 40 --batch-size 10"
)

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture(autouse=True)
def toys(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (workplace / "gates_toys.py").write_text(TOYS)
    monkeypatch.delitem(sys.modules, "gates_toys", raising=False)


def test_every_arm_attacks_the_same_images_which_nobody_chose_before(finished_study: Finish) -> None:
    run = finished_study("linbp.gates", TYPED, "--skip 100")
    samples, gradients = run.rows("samples"), run.rows("gradients")
    ids = {row["id"] for row in samples}
    assert not ids & {*data.sample(data.load("digits").test, 100, 0).tolist()}
    attacked, chosen = run.manifest["facts"]["attacked"], run.manifest["facts"]["chosen"]
    assert (len(ids), chosen) == (attacked, 40) and 20 < attacked <= 40
    assert len(samples) == 3 * 2 * attacked and len(gradients) == 3 * attacked
    for arm in ("bp", "linear", "permuted"):
        assert {row["id"] for row in samples if row["arm"] == arm} == ids
    assert all(row["perturbation"] <= 0.2 + 0.5 / 255 for row in samples)
    own = [row for row in gradients if row["arm"] == "bp"]
    assert [row["length"] for row in own] == [1.0] * attacked
    np.testing.assert_allclose([row["cosines"][0] for row in own], 1)
    assert all(-1 < row["cosines"][1] < 1 for row in gradients)
    assert [(row["position"], row["start"], row["stop"]) for row in run.rows("positions")] == [("block", 0, 2)]
    assert {row["method"] for row in run.rows("gains")} == {"ifgsm", "mifgsm"}
    assert [row["hypothesis"] for row in run.rows("hypotheses")] == ["H1", "H3"]


def test_the_fast_engine_is_the_same_attack_up_to_rounding(finished_study: Finish) -> None:
    one, other = (finished_study("linbp.gates", TYPED, how) for how in ("", "--fast"))
    assert one.path != other.path
    pairs = zip(one.rows("gains"), other.rows("gains"), strict=True)
    assert all(abs(a["black_box"] - b["black_box"]) <= 2 / a["n"] for a, b in pairs)
    agreements = [engine["sign_agreement"] for engine in other.manifest["facts"]["engines"]["digits-cnn"].values()]
    assert len(agreements) == 3 and min(agreements) > 0.99


@pytest.mark.parametrize(
    ("typed", "line"),
    {
        "--positions block,branch": "digits-cnn: linear at branch: the model has no residual block (take other surrog",
        "--gates linear,guo": "digits-cnn: guo at block: the model has no residual block",
        "--gates guo": "--gates guo is a rule about blocks: it needs --positions block and another first gate",
        "--gates linear,linear": "--gates: a value is given twice",
        "--positions end": "--positions: 'end' is not valid",
        "--skip 2000": "--skip 2000 leaves 0 of ",
        "--batch-size 1": "--batch-size: '1' is not valid",
    }.items(),
)
def test_typed_wrongly(study: Study, workplace: Path, typed: str, line: str) -> None:
    result = study("linbp.gates", TYPED, typed)
    assert result.exit_code == 2, result.stderr
    (said,) = result.stderr.splitlines()
    assert said.startswith(f"error: {line}")
    assert not list((workplace / "runs").rglob("*"))
