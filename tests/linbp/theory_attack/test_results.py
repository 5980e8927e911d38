"""Tables and claims of `linbp.theory_attack` from made-up distances."""

import numpy as np
import polars as pl

from modules.linbp.theory_attack import results
from modules.linbp.theory_attack.config import TheoryAttackConfig
from suite.statistics import rate_of

CONFIG = TheoryAttackConfig(modes=("sign", "raw"), steps=1)


def distances() -> pl.DataFrame:
    """Twelve runs of both modes; LinBP is ahead in ten of them."""
    rows = [(run, mode, step) for run in range(12) for mode in ("sign", "raw") for step in (0, 1)]
    frame = pl.DataFrame(rows, schema=["run", "mode", "step"], orient="row")
    linbp = pl.when(pl.col("run") < 10).then(8.0).otherwise(9.5)
    moved = pl.col("step") == 1
    return frame.with_columns(
        bp=pl.when(moved).then(9.0).otherwise(10.0),
        linbp=pl.when(moved).then(linbp).otherwise(10.0),
    ).with_columns(pl.col("bp", "linbp").name.prefix("expected "))


def gradients(linbp: list[float]) -> pl.DataFrame:
    ones = np.ones(len(linbp))
    return pl.DataFrame({"bp length": ones, "linbp length": linbp, "bp cosine": ones, "linbp cosine": ones})


def judged(config: TheoryAttackConfig, first: pl.DataFrame) -> dict[tuple[str, str], str]:
    claims = results.claims(config, results.ahead(distances()), first, results.condition(distances()))
    return {(claim.claim, claim.setting): claim.judgement.verdict for claim in claims}


def test_tables_keep_the_order_of_modes() -> None:
    ahead = results.ahead(distances())
    assert ahead["mode"].unique(maintain_order=True).to_list() == ["sign", "raw"]
    assert results.headline(CONFIG, results.by_step(distances()), ahead) == {
        f"LinBP ahead at step 1, {mode}": rate_of(10, 12, "runs") for mode in ("sign", "raw")
    }
    assert results.condition(distances()) is None


def test_claims_about_each_mode_and_about_the_first_gradients() -> None:
    verdicts = judged(CONFIG, gradients([2.0] * 10 + [1.0] * 2))
    assert verdicts["LinBP ahead in > 1/2 of runs", "raw, expected, step 1"] == "reproduced"
    assert verdicts["LinBP's first gradient is longer", "raw, simulated, step 0"] == "reproduced"
    alike = "LinBP's first gradient points better at the residual", "raw, simulated, step 0"
    assert verdicts[alike] == "cannot be told"  # runs in which both are the same decide nothing


def test_without_the_clip_it_is_not_the_papers_setting() -> None:
    unclipped = judged(CONFIG.model_copy(update={"clip": False}), gradients([2.0] * 12))
    assert {verdict for (_, setting), verdict in unclipped.items() if setting.endswith("step 1")} == {"cannot be told"}
    assert unclipped["LinBP's first gradient is longer", "raw, simulated, step 0"] == "reproduced"
