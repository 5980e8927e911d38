"""`linbp.adv_train`: adversarial training with LinBP (Li et al. 2022, Sec. 4.2, Fig. 7).

Strategies: `bp`, the usual adversarial training; `weights`, where a rule gives the weights' gradient; and
`weights+examples`, where it also crafts the training examples. Robustness is always measured with true gradients.
"""

from functools import partial
from typing import TYPE_CHECKING, Literal

from pydantic import model_validator

from suite.plugin import ArchitectureRef, DatasetRef, Epsilon, GradientRef, Number, Several, StudyConfig, option
from suite.refs import format_number

if TYPE_CHECKING:
    from suite.host.run import Run

Strategy = Literal["bp", "weights", "weights+examples"]

_SECTION = "Li et al., Sec. 4.2"


class AdvTrainConfig(StudyConfig):
    """Adversarial training of one model by several strategies, side by side."""

    model: ArchitectureRef = option("digits-cnn", "architecture of the zoo: name, name(k=v)")
    dataset: DatasetRef = option("digits", "data set, or folder:PATH")
    strategies: Several[Strategy] = option(
        ("bp", "weights", "weights+examples"),
        "where the rule replaces the true gradient: nowhere, for the weights, for the weights and the examples",
        source="Li et al., Fig. 7",
    )
    gradient: GradientRef = option("linbp", "gradient rule of the strategies other than bp")
    eps: Epsilon = option(8 / 255, "radius of the ball", unit="pixels in [0, 1]", source=_SECTION)
    step_size: Number = option(2 / 255, "length of a step", unit="as eps", source=_SECTION, gt=0)
    steps: int = option(5, "steps of PGD, in training and in testing", unit="steps", source=_SECTION, gt=0)
    norm: Literal["linf", "l2"] = option("linf", "norm of the ball and of a step", source="Li et al., Sec. 2.2")
    random_start: bool = option(True, "begin at a random point of the ball (Madry et al. 2018), or at the image")
    attack_mode: Literal["eval", "train"] = option(
        "eval", "the model's mode while training examples are made; train moves batch norm's statistics, as Rice et al."
    )
    apgd_steps: int = option(
        0, "steps of APGD-CE on the trained model, against what PGD left; 0: none", source="Croce and Hein 2020", ge=0
    )
    watch_collapse: int = option(
        0,
        "steps of PGD that look for catastrophic overfitting after each epoch, on 200 training samples; a training "
        "ends once they take nearly all that a single step leaves. 0: do not look",
        source="Wong et al. 2020",
        ge=0,
    )
    learning_rate: Number | None = option(
        None, "learning rate of the first epoch; none: the recipe's", source=f"{_SECTION}: 0.01", gt=0
    )
    seeds: int = option(3, "trainings of each strategy, with seeds seed, seed + 1, ...; the paper has one", gt=0)
    epochs: int | None = option(12, "passes over the training set; none: the recipe's", unit="epochs", gt=0)
    train_limit: int | None = option(None, "train on this many samples, class-balanced", unit="samples", gt=0)
    test_limit: int | None = option(None, "test on this many samples, class-balanced", unit="samples", gt=0)

    @model_validator(mode="after")
    def _options_that_do_something(self) -> "AdvTrainConfig":
        if self.apgd_steps and self.norm != "linf":
            raise ValueError("--apgd-steps: APGD-CE is for --norm linf")
        if self.watch_collapse == 1:
            raise ValueError("--watch-collapse 1: one step tells nothing of another; give 2 or more")
        if self.strategies == ("bp",) and self.gradient != type(self).model_fields["gradient"].default:
            raise ValueError("--gradient does nothing without the strategy weights or weights+examples")
        return self


def adv_train(config: AdvTrainConfig, run: "Run") -> None:
    """Clean and robust accuracy per epoch of adversarial training by each strategy (Li et al. 2022, Fig. 7)."""
    from modules.linbp.adv_scene import Scene

    scene = Scene(config, run)
    parts = [(str(cell), partial(scene.curve, cell)) for cell in scene.cells]
    for cell, columns in zip(scene.cells, run.each(parts, "trainings"), strict=True):
        run.table("curves").extend(columns)
        scene.forget(cell)
    run.record(**scene.facts)
    _report(config, run, scene.chance)


def _report(config: AdvTrainConfig, run: "Run", chance: float) -> None:
    """Outcomes with intervals, bands, paired differences, claims and the figure from the rows per epoch."""
    from modules.linbp import adv_figures, adv_tables, train_tables

    rows = run.table("curves").rows()
    groups = train_tables.groups(rows, adv_tables.METRICS, "model", "strategy")
    tables = {
        "outcomes": adv_tables.outcomes(rows, chance),
        "bands": adv_tables.bands(groups, rows),
        "differences": train_tables.differences(groups, config.strategies[0]),
        "claims": adv_tables.claims(groups, _as_published(config)),
    }
    for name, made in tables.items():
        for row in made:
            run.table(name).add(**row)
    for row in run.table("outcomes").rows():
        if row["seed"] == config.seed:
            ended = row["robust_accuracy"] if row["outcome"] == "converged" else row["outcome"]
            run.headline(**{f"robust accuracy of {row['strategy']}": ended})
    against = f"PGD-{config.steps}, {config.norm} eps {format_number(config.eps)}"
    accuracies = ("clean_accuracy", *_with_limits("robust_accuracy"))
    accuracies += _with_limits("apgd_accuracy") if config.apgd_steps else ()
    title = f"{config.model} on {config.dataset} against {against}: the last epoch of each training, 95 % intervals"
    run.show("outcomes", "strategy", "seed", "epochs", "outcome", *accuracies, "n", title=title)
    if len(run.table("claims")):
        run.show("claims", title="A strategy minus another, paired by seed: mean, 95 % interval, and what follows")

    tested = run.table("outcomes").rows()[0]["n"]
    over = f"{config.seeds} seeds (Student)" if config.seeds > 1 else f"{tested} test images (Wilson)"
    caption = f"Accuracy on the test set, clean and against {against} with true gradients; bands are 95 % intervals"
    run.figure("robust_curves", adv_figures.curves(run.table("bands").rows()), f"{caption} over {over}.")


def _with_limits(column: str) -> tuple[str, ...]:
    return column, f"{column}_low", f"{column}_high"


def _as_published(config: AdvTrainConfig) -> bool:
    """Whether what was run is what Fig. 7 shows; the CIFAR-10 of a folder or zip counts."""
    attack = (config.eps, config.step_size, config.steps, config.norm) == (8 / 255, 2 / 255, 5, "linf")
    whole = not (config.epochs or config.train_limit or config.test_limit)
    trained = (config.model, config.gradient, config.learning_rate) == ("mobilenetv2", "linbp", 0.01)
    return attack and whole and trained and "cifar10" in config.dataset
