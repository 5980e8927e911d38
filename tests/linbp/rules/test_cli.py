"""`suite run linbp.rules` as typed: a small net and the nearest class mean, on the digits."""

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from torch import Tensor, nn

from modules.linbp.rules import measure
from suite import data
from suite.attacks import GradientRule

Study = Callable[..., Result]
Finish = Callable[..., Any]

TOYS = """
from collections import Counter
import torch
from torch import nn
from suite import data

ROWS = Counter()

class Means(nn.Module):
    def __init__(self, rectified):
        super().__init__()
        split = data.load("digits").train
        pixels = split.pixels(range(len(split)), torch.device("cpu")).flatten(1)
        labels = torch.from_numpy(split.labels)
        centres = torch.stack([pixels[labels == label].mean(0) for label in range(10)])
        self.nearest, self.rectified = nn.Linear(64, 10), rectified
        self.nearest.load_state_dict({"weight": centres, "bias": -(centres**2).sum(1) / 2})

    def forward(self, x):
        ROWS[self.rectified] += len(x) * x.requires_grad
        x = x.flatten(1) - 0.2
        return self.nearest((torch.relu(x) if self.rectified else x) + 0.2)

def means(): return Means(False)
def rectified(): return Means(True)
"""
TYPED = (
    "--surrogates import:rules_toys:rectified --victims import:rules_toys:means --judges digits-cnn "
    "--rules guided,silu --candidates 2 --calibration 30 --methods ifgsm --passes 4 --eps 0.2 --step-size 0.05 "
    "--limit 40 --batch-size 10"
)

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture(autouse=True)
def toys(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], "Counter[bool]"]:
    (workplace / "rules_toys.py").write_text(TOYS)
    monkeypatch.delitem(sys.modules, "rules_toys", raising=False)
    return lambda: sys.modules["rules_toys"].ROWS


def test_every_rule_attacks_the_same_images_within_the_same_budget(finished_study: Finish) -> None:
    run = finished_study("linbp.rules", TYPED, "--own leaky(slope=0.5,start=0) --skip 100")
    facts, samples = run.manifest["facts"], run.rows("samples")
    arms = {row["rule"]: row for row in run.rows("arms")}
    assert set(arms) == {"bp", "guided", "silu", "leaky(slope=0.5,start=0)"}
    assert {row["place"] for row in arms.values()} == {"both"}  # the only rectifier there is
    ids = {row["id"] for row in samples}
    assert 20 < len(ids) == facts["attacked"] <= facts["chosen"] == 40
    assert not ids & {*data.sample(data.load("digits").test, 100, 0).tolist()}
    for arm in arms.values():
        assert {row["id"] for row in samples if row["gradient"] == arm["gradient"]} == ids
        assert (arm["passes_per_step"], arm["multiply_adds"]) == (1.0, 2 * 640)
    assert {(row["steps"], row["multiply_adds"]) for row in run.rows("cost")} == {(4, 4 * 2 * 640)}
    assert all(row["perturbation"] <= 0.2 + 0.5 / 255 for row in samples)
    assert {row["chosen"] for row in run.rows("calibration")} == {True}
    assert facts["left_out"] == {} and set(facts["milliseconds"]["import:rules_toys:rectified"]) == {
        row["gradient"] for row in arms.values()
    }


def test_a_rule_that_needs_two_passes_a_step_gets_half_of_the_steps(
    finished_study: Finish, toys: Callable[[], "Counter[bool]"], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the surrogate computes is counted as it computes it: images times steps, with a gradient."""

    def counted(model: nn.Module, rule: GradientRule, x: Tensor) -> int:
        return 2000 if rule is not measure.bp else 1000

    monkeypatch.setattr(measure, "multiply_adds", counted)
    run = finished_study("linbp.rules", TYPED, "--judges none --rules silu")
    attacked = run.manifest["facts"]["attacked"]
    assert {row["rule"]: row["steps"] for row in run.rows("cost")} == {"bp": 4, "silu": 2}
    assert toys()[True] == attacked * (4 + 2)
    assert {row["place"] for row in run.rows("arms")} == {"published"}


def test_places_are_chosen_on_training_images_and_for_a_model_that_judges_nothing_else(finished_study: Finish) -> None:
    nets = "--surrogates digits-cnn --victims import:rules_toys:means --judges import:rules_toys:rectified"
    run = finished_study("linbp.rules", TYPED, nets, "--rules guided")
    tried = run.rows("calibration")
    assert [row["gradient"] for row in tried] == ["guided(start=0)", "guided(start=2)"]
    assert [row["at"] for row in tried] == ["relu1", "relu3"]
    best = max(tried, key=lambda row: (row["success"], row["gradient"]))
    assert [row["gradient"] for row in tried if row["chosen"]] == [best["gradient"]]
    used = {row["rule"]: row["gradient"] for row in run.rows("arms") if row["place"] in ("calibrated", "both")}
    assert used["guided"] == best["gradient"]
    assert {row["name"] for row in run.rows("models")} == {"digits-cnn", "import:rules_toys:means"}
    assert 0 < tried[0]["n"] == run.manifest["facts"]["calibrated_on"] <= 30


def test_of_the_catalogue_what_finds_nothing_to_change_is_left_out_and_said(finished_study: Finish) -> None:
    run = finished_study("linbp.rules", TYPED.replace("--rules guided,silu ", ""), "--limit 20 --judges none")
    assert {row["rule"] for row in run.rows("arms")} == {"bp", "linbp-match", "conbp", "silu", "guided"}
    (left_out,) = run.manifest["facts"]["left_out"].values()
    assert set(left_out) >= {"linbp", "sgm", "bpa", "pna", "tgr", "half"} and "attention" in left_out["pna"]


def test_a_transformer_has_the_rules_of_its_attention_and_tokens_and_a_stack_of_layers_those_of_relu(
    finished_study: Finish,
) -> None:
    vit, stack = "vit(width=32,depth=2)", "import:rules_toys:rectified"
    nets = f"--surrogates {vit}@random(0),{stack} --judges none --passes 2 --limit 80"
    run = finished_study("linbp.rules", TYPED.replace("--rules guided,silu ", ""), nets)
    rules: dict[str, set[str]] = {vit: set(), stack: set()}
    for row in run.rows("arms"):
        rules[row["surrogate"]].add(row["rule"])
    left_out = run.manifest["facts"]["left_out"]
    assert rules[vit] == {"bp", "linbp", "linbp-guo", "linbp-match", "guided", "sgm", "pna", "tgr", "vdc"}
    assert "calls gelu" in left_out[vit]["silu"] and "calls gelu" in left_out[vit]["conbp"]
    assert not rules[stack] & {"pna", "tgr", "vdc", "sgm"} and "attention" in left_out[stack]["pna"]


def test_the_fast_engine_is_the_same_attack_up_to_rounding(finished_study: Finish) -> None:
    nets = "--surrogates digits-cnn --judges none --rules guided"
    one, other = (finished_study("linbp.rules", TYPED, nets, how) for how in ("", "--fast"))
    pairs = zip(one.rows("comparisons"), other.rows("comparisons"), strict=True)
    assert all(abs(a["black_box"] - b["black_box"]) <= 2 / a["n"] for a, b in pairs)
    agreements = [engine["sign_agreement"] for engine in other.manifest["facts"]["engines"]["digits-cnn"].values()]
    assert len(agreements) == 2 and min(agreements) > 0.99


@pytest.mark.parametrize(
    ("typed", "line"),
    {
        "--rules sgm": "sgm on import:rules_toys:rectified: the model has no residual block",
        "--own sgm(lam=0.5)": "sgm(lam=0.5) on import:rules_toys:rectified: the model has no residual block",
        "--rules bpa": "bpa on import:rules_toys:rectified: the model has no max-pools",
        "--rules backprop": "--rules: 'backprop' is not valid",
        "--judges import:rules_toys:means": "--judges import:rules_toys:means is a surrogate or a victim too",
        "--victims none": "--surrogates: one model and no other to fool: give --victims",
        "--candidates 1": "--candidates: '1' is not valid",
        "--skip 2000": "--skip 2000 leaves 0 of ",
        "--batch-size 1": "--batch-size: '1' is not valid",
    }.items(),
)
def test_typed_wrongly(study: Study, workplace: Path, typed: str, line: str) -> None:
    result = study("linbp.rules", TYPED, typed)
    assert result.exit_code == 2, result.stderr
    (said,) = result.stderr.splitlines()
    assert said.startswith(f"error: {line}")
    assert not list((workplace / "runs").rglob("*"))
