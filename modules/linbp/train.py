"""`linbp.train`: training by BP and by LinBP from the same weights (Li et al. 2022, Sec. 4.2, App. A.1, Fig. 3-6, 8).

A cell is one training: a model, a learning-rate factor, a seed and a gradient rule. Cells of one model, factor and
seed begin with the same weights and see the same batches in the same order. Each is resumed epoch by epoch.
"""

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from suite.plugin import ArchitectureRefs, DatasetRef, Factors, GradientRefs, StudyConfig, option

if TYPE_CHECKING:
    from suite.host.run import Run

_SECTION = "Li et al., Sec. 4.2"


class TrainConfig(StudyConfig):
    """Training under several gradient rules, side by side."""

    models: ArchitectureRefs = option(("two-layer", "digits-cnn"), "architectures of the zoo: name, name(k=v)")
    dataset: DatasetRef = option("digits", "data set, or folder:PATH")
    gradients: GradientRefs = option(
        ("bp", "linbp"), "gradient rules for the weights; the first is the reference", source="Li et al., Eq. 8"
    )
    factors: Factors = option((1.0,), "learning rates, in units of the recipe's", source="Li et al., App. A.1, Fig. 8")
    seeds: int = option(3, "trainings of each kind, with seeds seed, seed + 1, ...; the paper has one", gt=0)
    epochs: int | None = option(None, "passes over the training set; none: the recipe's", unit="epochs", gt=0)
    stretch: bool = option(
        False, "train 1/factor times as long where the factor is below 1", source="Li et al., Fig. 8 (c), (d)"
    )
    protocol: Literal["code", "paper"] = option(
        "code",
        "recipe: the released code's, which made the figures; or the printed learning rate, held constant",
        source=_SECTION,
    )
    train_limit: int | None = option(None, "train on this many samples, class-balanced", unit="samples", gt=0)
    test_limit: int | None = option(None, "test on this many samples, class-balanced", unit="samples", gt=0)


def train(config: TrainConfig, run: "Run") -> None:
    """Loss and accuracy per epoch of BP and LinBP training (Li et al. 2022, Fig. 3-6 and 8)."""
    from modules.linbp.train_scene import Scene

    scene = Scene(config, run)
    parts = [(str(cell), partial(scene.curve, cell)) for cell in scene.cells]
    for cell, columns in zip(scene.cells, run.each(parts, "trainings"), strict=True):
        run.table("curves").extend(columns)
        scene.forget(cell)
    run.record(**scene.facts)
    _report(config, run, scene.chance)


def _report(config: TrainConfig, run: "Run", chance: float) -> None:
    """Outcomes, bands, paired differences, claims and figures from the rows per epoch."""
    from modules.linbp import train_claims, train_figures, train_tables
    from modules.linbp.train_scene import format_factor

    rows, reference = run.table("curves").rows(), config.gradients[0]
    groups = train_tables.groups(rows, train_tables.METRICS, "model", "factor", "gradient")
    limited = config.epochs or config.train_limit or config.test_limit
    as_published = not limited and (config.stretch or min(config.factors) >= 1)
    tables: dict[str, Iterable[dict[str, Any]]] = {
        "outcomes": train_tables.outcomes(groups, chance),
        "bands": train_tables.bands(groups),
        "differences": train_tables.differences(groups, reference),
        "claims": train_claims.claims(groups, reference, chance, config.dataset if as_published else None),
    }
    for name, made in tables.items():
        for row in made:
            run.table(name).add(**row)
    for row in run.table("outcomes").rows():
        if row["seed"] == config.seed:
            name = f"test accuracy of {row['model']}, {row['gradient']}, x{format_factor(row['factor'])}"
            run.headline(**{name: row["test_accuracy"] if row["outcome"] == "converged" else row["outcome"]})
    seeds = f"{config.seeds} seed{'s' * (config.seeds > 1)}"
    run.show("outcomes", title=f"Trainings on {config.dataset}, {seeds}: how each ended")
    if len(run.table("claims")):
        run.show("claims", title=f"A rule minus {reference}, paired by seed: mean, 95 % interval, and what follows")

    caption = f"n = {seeds}; bands are 95 % intervals (Student) of the mean over seeds."
    classes = run.dataset(config.dataset).num_classes
    for part in ("train", "test"):
        figure = train_figures.curves(run.table("bands").rows(), part, classes)
        run.figure(f"{part}_curves", figure, f"Loss and accuracy on the {part} set against epoch, {caption}")
    if len(run.table("differences")):
        figure = train_figures.differences(run.table("differences").rows())
        run.figure("differences", figure, f"Each rule minus {reference} with the same weights and batches, {caption}")
