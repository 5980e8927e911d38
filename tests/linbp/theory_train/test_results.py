"""Tables, claims and Fig. 2 of `linbp.theory_train` from made-up curves."""

import numpy as np
import polars as pl
import pytest

from modules.linbp.theory_train import results
from modules.linbp.theory_train.config import TheoryTrainConfig
from modules.linbp.theory_train.figures import training_by_step
from modules.linbp.theory_train.half_way import half_way

RUNS, STEPS = 60, 4


def curves(linbp: float) -> pl.DataFrame:
    """BP's distance and loss fall by 24 % of the start's a step; LinBP's are `linbp` times those from step 1 on."""
    run, step = np.indices((RUNS, STEPS + 1)).reshape(2, -1)
    bp = (1 - 0.24 * step) * (10 + run / 100)
    ours = np.where(step > 0, linbp * bp, bp)
    rules = {"bp": bp, "linbp": ours, "expected bp": bp, "expected linbp": ours, "loss bp": bp, "loss linbp": ours}
    held = {f"held {dynamics} N": np.where(run > 5, 1.0, 0.5) for dynamics in ("simulated", "expected")}
    return pl.DataFrame({"run": run, "step": step, **rules, **held})


def judged(linbp: float, steps: int = STEPS) -> dict[tuple[str, str], str]:
    frame, config = curves(linbp), TheoryTrainConfig(steps=steps)
    condition = results.condition(frame)
    assert condition is not None
    tables = (results.by_step(frame), results.ahead(frame), condition)
    return {(claim.claim, claim.setting): claim.judgement.verdict for claim in results.claims(config, *tables)}


def test_quantities_have_their_dynamics() -> None:
    cells = results.by_step(curves(0.9)).select("quantity", "dynamics", "gradient").unique(maintain_order=True)
    assert cells.rows() == [
        *[("l1 distance", dynamics, rule) for dynamics in ("simulated", "expected") for rule in ("bp", "linbp")],
        *[("loss", "simulated", rule) for rule in ("bp", "linbp")],
    ]


def test_early_is_where_bp_has_gone_half_the_way() -> None:
    assert half_way(results.by_step(curves(0.9))) == 2  # 52 % are left


def test_claims_are_about_the_early_stage_and_the_end() -> None:
    faster = judged(0.9)
    assert {setting.split(", ")[-1] for _, setting in faster} == {"step 2", "step 4"}
    closer = {verdict for (claim, _), verdict in faster.items() if "assumed" not in claim}
    assert closer == {"reproduced"} and len(faster) == 2 * 6 + 2
    assert faster["assumed step size (N) holds", "all coordinates, expected, step 4"] == "differs"
    assert judged(1.1)["mean gap BP - LinBP > 0", "loss, simulated, step 4"] == "differs"
    assert judged(1.0)["mean gap BP - LinBP > 0", "loss, simulated, step 4"] == "cannot be told"


@pytest.mark.parametrize(("steps", "scale"), [(STEPS, "linear"), (1000, "log")])
def test_fig_2_shows_loss_and_distance(steps: int, scale: str) -> None:
    figure, caption = training_by_step(results.by_step(curves(0.9)), TheoryTrainConfig(steps=steps))
    assert [axes.get_ylabel() for axes in figure.axes] == ["training loss", "l1 distance to w*"]
    assert [axes.get_xscale() for axes in figure.axes] == [scale] * 2
    assert "100 runs, fresh samples every step, mean loss" in caption
