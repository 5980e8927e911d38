"""The figure of `linbp.adv_train`: Li et al. 2022, Fig. 7, and clean accuracy."""

import polars as pl
from matplotlib.figure import Figure

from modules.linbp.adv_train.config import AdvTrainConfig, attack_in_words
from suite.figures import lines, percent

NAMES = {"bp": "bp", "weights": "linbp weights", "weights+examples": "linbp weights and examples"}


def robust_curves(bands: pl.DataFrame, outcomes: pl.DataFrame, config: AdvTrainConfig) -> tuple[Figure, str]:
    """Robust and clean accuracy on the test set against the epoch, a line per strategy."""
    rows = bands.with_columns(pl.col("strategy").replace(NAMES), pl.col("low", "high").clip(0, 1))
    units = {f"{which}_accuracy": percent("value", f"{which} accuracy") for which in ("robust", "clean")}
    figure = lines(rows.filter(pl.col("metric").is_in([*units])), x="epoch", y=units, panel="metric", colour="strategy")
    over = f"{config.seeds} seeds (Student)" if config.seeds > 1 else f"{outcomes['n'][0]} test images (Wilson)"
    against = f"clean and against {attack_in_words(config)} with true gradients"
    return figure, f"Accuracy on the test set, {against}; bands are 95 % intervals over {over}."
