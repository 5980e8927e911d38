"""`suite run phase_transition.two_layer` as a researcher types it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import Result

from modules.phase_transition.two_layer import measure
from modules.phase_transition.two_layer.config import TwoLayerConfig

Study = Callable[..., Result]
Finish = Callable[..., Any]
NAME = "phase_transition.two_layer"
SMALL = "--sizes 3/20 --widths 8,64,512 --eps 0,0.2 --seeds 4 --steps 20"


def test_the_net_comes_to_the_linear_model_under_one_scale_alone(finished_study: Finish) -> None:
    run = finished_study(NAME, SMALL)
    assert set(run.shown["tables"]) == {"distances", "by_width", "powers", "claims"}
    assert set(run.shown["figures"]) == {"by_width"}
    assert len(run.rows("distances")) == 2 * 3 * 4 * 2
    path = {(row["scale"], row["eps"] > 0): row for row in run.rows("powers") if row["quantity"] == "path"}
    assert len(path) == 4
    for (scale, _), row in path.items():
        assert row["high"] < -0.6 if scale == "one" else row["value"] > -0.4
    assert len(run.shown["headline"]) == 4


def test_chunks_of_seeds_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    config = TwoLayerConfig(seeds=4, steps=20)
    one, other = (
        measure.distances(config, 3, 20, "one", "softplus", 8, torch.device("cpu"))
        for cache in (2**19, 1)
        if monkeypatch.setattr(measure, "CACHE", cache) is None
    )
    assert one.keys() == other.keys()
    for name in measure.QUANTITIES:
        assert np.allclose(one[name], other[name], rtol=1e-6, atol=1e-9), name


def test_more_attack_steps_and_other_activations_work(finished_study: Finish) -> None:
    run = finished_study(NAME, f"{SMALL} --activations tanh,gelu --attack-steps 3 --widths 8,32 --scales one")
    assert {row["activation"] for row in run.rows("powers")} == {"tanh", "gelu"}


def test_a_training_that_diverges_is_left_out_with_a_warning(study: Study, finished_study: Finish) -> None:
    typed = f"{SMALL} --eps 0,30 --step 1 --scales one --widths 8,16"
    assert "trainings diverged and are left out" in study(NAME, typed).stderr
    run = finished_study(NAME, typed)
    rows = [row for row in run.rows("by_width") if row["quantity"] == "path" and row["eps"] > 0]
    assert all(row["n"] + row["diverged"] == 4 for row in rows) and any(row["diverged"] for row in rows)
    attacked = [row for row in run.rows("claims") if not row["setting"].endswith("clean")]
    assert {row["verdict"] for row in attacked} == {"cannot be told"} and "lost" in attacked[0]["note"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("--widths 0", "--widths"),
        ("--widths 10000000", "--widths 10000000"),
        ("--eps -1", "--eps"),
        ("--activations relu", "--activations relu"),
        ("--scales one,one", "--scales one,one"),
        ("--decay 0", "--decay"),
        ("--seeds 1", "--seeds"),
        ("--sizes 5/5", "no finite variance"),
        ("--attack-steps 0", "--attack-steps"),
    ],
)
def test_bad_input_is_one_line_before_any_work(study: Study, workplace: Path, typed: str, said: str) -> None:
    result = study(NAME, typed)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ") and said in result.stderr and result.stderr.count("\n") == 1
    assert not (workplace / "runs").exists()
