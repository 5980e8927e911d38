"""`suite run lazy_regime.adv_train` as typed: panels, orders, rules, resume, refusals."""

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import Result
from PIL import Image

from modules.lazy_regime.adv_train import measure
from modules.lazy_regime.adv_train.config import AdvTrainConfig
from suite.data import load
from suite.gradients import bp
from tests.conftest import Finished

pytestmark = pytest.mark.usefixtures("undrawn")

Study = Callable[..., Result]
FinishedStudy = Callable[..., Finished]
NAME = "lazy_regime.adv_train"
SMALL = (
    "--sizes 4,8 --epsilons 0.05,0.2,0.6 --width 30 --c0 8 --widths 20,60 --radii 0.1,0.8,3 --size 8 --eps 0.2 "
    "--networks 2 --epochs 12 --attack-steps 10 --train-steps 5 --train-limit 60 --test-limit 40"
)
RIGHT = "--panels width --widths 20 --orders step"


def keyed(rows: list[dict[str, Any]], *names: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    return {tuple(row[name] for name in names): row for row in rows}


@pytest.mark.drawn
def test_panels_orders_tables_and_figures(study: Study, finished_study: FinishedStudy) -> None:
    done = finished_study(NAME, SMALL)
    nets = done.rows("nets")
    assert len(nets) == 2 * 3 * 2 + 3 * (2 * 3 * 2)
    assert {row["order"] for row in nets if row["panel"] == "dimension"} == {"step"}
    assert {(row["d"], row["m"]) for row in nets if row["panel"] == "dimension"} == {(16, 30), (64, 30)}
    assert {(row["d"], row["m"], row["eps"]) for row in nets if row["panel"] == "width"} == {
        (64, 20, 0.2),
        (64, 60, 0.2),
    }
    width = keyed([row for row in nets if row["panel"] == "width"], "order", "m", "radius", "run")
    for (order, m, radius, run), row in width.items():
        limit = radius * m**0.5
        assert row["n"] == 40 and 0 <= row["robust"] <= row["clean"] <= 1 and row["by_rule"] == row["robust"]
        if order != "released":
            assert row["distance"] <= limit * 1.0001
        else:  # one training, looked at before its last projection and after it
            inside = width["epoch", m, radius, run]
            assert (row["epochs"], row["robust_train"]) == (inside["epochs"], inside["robust_train"])
            assert row["distance"] >= inside["distance"] * 0.9999
            if radius == 0.1:
                assert row["distance"] > 1.2 * limit
    assert {row["order"] for row in done.rows("orders")} == {"epoch", "released"}
    assert len(done.rows("cells")) == 2 * 3 + 3 * 2 * 3 and len(done.rows("transitions")) == 2 + 3 * 2
    assert set(done.shown["figures"]) == {"dimension", "dimension_curves", "width", "width_curves"}
    assert all(Path(file).stat().st_size > 10_000 for file in done.shown["figures"].values())
    assert done.manifest["facts"]["samples"] == {"train": 60, "test": 40}
    shown = study(NAME, SMALL).stdout
    assert "the transition is where it is in order step" in shown and "Fig. 4 left" in shown


def test_an_interrupted_run_ends_in_the_same_bytes(finished_study: FinishedStudy) -> None:
    """What was stored is not computed again, the rest is, and no table shows it."""
    typed = (SMALL, RIGHT, "--orders step,epoch")
    whole = finished_study(NAME, *typed)
    tables, (kept, lost) = whole.table_bytes(), sorted((whole.path / "parts").iterdir())
    written = kept.stat().st_mtime_ns
    lost.unlink()
    shutil.rmtree(whole.path / "tables")
    manifest = whole.path / "run.json"
    manifest.write_text(manifest.read_text().replace('"status": "finished"', '"status": "interrupted"'))
    again = finished_study(NAME, *typed)
    assert again.path == whole.path and again.table_bytes() == tables
    assert kept.stat().st_mtime_ns == written and lost.exists()


def test_a_rule_crafts_and_true_gradients_judge(finished_study: FinishedStudy) -> None:
    """LinBP's single direction is the weaker attack: these nets look more robust to it than they are."""
    done = finished_study(NAME, SMALL, RIGHT, "--gradient linbp --networks 3")
    rows = done.rows("nets")
    assert sum(row["by_rule"] for row in rows) > sum(row["robust"] for row in rows)
    assert any("the rule's attack" in row["claim"] for row in done.rows("claims"))


def measured(rule: Any = bp, **options: Any) -> list[dict[str, Any]]:
    """The rows of all blocks, without a run around them."""
    small = {"sizes": 4, "epsilons": (0.05, 0.3), "width": 30, "widths": 20, "radii": (0.1, 1), "networks": 2}
    short = {"epochs": 8, "attack_steps": 10, "train_steps": 5, "train_limit": 60, "test_limit": 40}
    config = AdvTrainConfig.model_validate({**small, **short, **options})
    run: Any = SimpleNamespace(dataset=load, device=torch.device("cpu"))
    tasks = measure.tasks_of(config, run)
    rows = []
    for block in measure.blocks(config, tasks):
        columns = measure.measured(config, tasks[block.size], block, rule)
        rows += [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return rows


def test_blocks_and_company_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("order", "m", "radius", "run")
    together = keyed(measured(panels="width", widths=(20, 60)), *names)
    monkeypatch.setattr(measure, "NUMBERS", 1)  # one net a block
    alone = keyed(measured(panels="width", radii=1, orders=("released", "step")), *names)
    assert len(alone) == 4
    for key, row in alone.items():
        assert row["epochs"] == together[key]["epochs"]
        assert row["distance"] == pytest.approx(together[key]["distance"], rel=1e-3)
        for name in ("clean", "robust", "robust_train"):
            assert row[name] == pytest.approx(together[key][name], abs=0.026)  # one image of 40 by rounding


@pytest.mark.parametrize(
    "option",
    [{"biases": True}, {"clip": True}, {"crafting": "batch"}, {"train_steps": 1}, {"patience": 1}, {"seed": 1}],
)
def test_options_reach_the_training(option: dict[str, Any]) -> None:
    plain, other = (measured(panels="dimension", **options) for options in ({}, option))
    assert [row["eps"] for row in plain] == [row["eps"] for row in other]
    assert [row["distance"] for row in plain] != [row["distance"] for row in other]
    assert measured(panels="dimension") == plain


def test_a_clip_limits_the_attack_on_the_same_nets() -> None:
    """C0 = 0 keeps every net at its initialisation, whatever it is trained on."""
    eps = (0.1, 0.15, 0.2, 0.25)
    free, clipped = (measured(panels="dimension", c0=0, sizes=8, epsilons=eps, clip=clip) for clip in (False, True))
    assert all(row["distance"] == 0 and row["touching"] == 1 for row in free)
    assert all(one["robust"] <= other["robust"] for one, other in zip(free, clipped, strict=True))
    assert sum(row["robust"] for row in free) < sum(row["robust"] for row in clipped)


def test_more_steps_find_more() -> None:
    few, many = (measured(panels="dimension", c0=0, attack_steps=steps) for steps in (1, 30))
    assert sum(row["robust"] for row in many) <= sum(row["robust"] for row in few)
    assert [row["clean"] for row in many] == [row["clean"] for row in few]


def test_epochs_stop_where_the_rule_says() -> None:
    rows = measured(panels="dimension", epochs=30, patience=1)
    assert all(row["stalled"] and 3 <= row["epochs"] < 30 for row in rows)
    assert all(not row["stalled"] and row["epochs"] == 8 for row in measured(panels="dimension"))


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("--classes 0,x", "digits has no class 'x'"),
        ("--classes 1,1", "--classes"),
        ("--sizes 9", "size 9: images of digits are 8 x 8"),
        ("--size 9", "size 9: images of digits are 8 x 8"),
        ("--sizes 0", "--sizes"),
        ("--c0 -1", "--c0"),
        ("--width 0", "--width"),
        ("--widths 0", "--widths"),
        ("--radii 0", "--radii"),
        ("--radii 0.1,0.1", "--radii"),
        ("--eps 0", "--eps"),
        ("--epsilons -0.1", "--epsilons"),
        ("--orders text", "--orders"),
        ("--panels left", "--panels"),
        ("--widths 100001", "--widths up to 100000"),
        ("--learning-rate 0", "--learning-rate"),
        ("--attack-steps 0", "--attack-steps"),
        ("--train-limit 1", "--train-limit"),
        ("--gradient linbp(start=layer4)", "layer4"),
        ("--gradient linbp(start=1)", "out of range"),
        ("--gradient nosuch", "nosuch"),
    ],
)
def test_bad_input_is_one_line_before_any_work(study: Study, workplace: Path, typed: str, message: str) -> None:
    result = study(NAME, SMALL, typed)
    assert result.exit_code == 2
    assert result.stdout == "" and result.stderr.startswith("error: ") and result.stderr.count("\n") == 1
    assert message in result.stderr
    assert not (workplace / "runs").exists()


def test_images_that_are_zero_are_refused(study: Study, workplace: Path) -> None:
    for split in ("train", "test"):
        for name, value in (("a", 0), ("b", 200)):
            folder = workplace / "black" / split / name
            folder.mkdir(parents=True)
            for place in range(2):
                Image.fromarray(np.full((8, 8), value, np.uint8)).save(folder / f"{place}.png")
    result = study(NAME, f"--dataset folder:{workplace / 'black'} --classes a,b --sizes 4 --size 4")
    assert result.exit_code == 2 and "zero everywhere at size 4" in result.stderr
    assert not (workplace / "runs").exists()
