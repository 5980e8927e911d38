"""`phase_transition.epsilon_star`: the critical attack strength by training from scratch (Xing et al. 2022, Sec. 5).

Clean training gives the threshold R*, its clean test loss; adversarial trainings give the adversarial training loss at
a few strengths; eps_star is where it reaches R*. A cell is one training. Cells of one seed have the same initial
weights, training samples (smaller sets are parts of larger ones) and batches, so that kinds are compared by seed.
"""

import logging
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal

from pydantic import model_validator

from modules.phase_transition.options import AttackRef, TrainingConfig, check_strengths
from suite.plugin import ArchitectureRefs, Epsilons, GradientRefs, Number, Steps, option

if TYPE_CHECKING:
    from modules.phase_transition.rows import Row
    from suite.host.run import Run

log = logging.getLogger("suite")


class EpsilonStarConfig(TrainingConfig):
    """The critical attack strength of models, training-set sizes and gradient rules, side by side."""

    model: ArchitectureRefs = option(("digits-cnn",), "architectures of the zoo: name, name(k=v)", source="Table 3")
    train_limit: Steps | None = option(
        (200, 800), "training-set sizes, class-balanced; none: all there are", unit="samples", source="Table 3"
    )
    gradient: GradientRefs = option(("bp",), "gradient rules of the inner attack")
    eps: Epsilons = option(
        (0.03, 0.06, 0.12),
        "attack strengths; clean training is always there",
        unit="pixels in [0, 1]",
        source="Table 1",
    )
    search: Literal["grid", "bisect"] = option(
        "grid", "train at eps alone, or go on from there for each seed where its crossing is: halve, or double"
    )
    tolerance: Number = option(
        0.1, "bisect until the bracket is so narrow, in units of eps_star or of 1/255 if that is more", gt=0, lt=1
    )
    attack: AttackRef = option(
        "pgd(steps=5,reach=2.5)",
        "inner attack: pgd(steps=10,reach=2.5), as the paper, or fgm(reach=1.25); a step is reach * eps / steps",
        source="Rice et al. 2020; Xing et al., Sec. 5.1",
    )
    batch_size: int | None = option(32, "samples per step; none: the recipe's", unit="samples", gt=0)
    epochs: int | None = option(
        20, "passes over the training set, milestones in proportion; none: the recipe's", unit="epochs", gt=0
    )

    keep_models: bool = option(
        False, "store every training's model, with the weights of its selected epoch, for `run:RUN/NAME`"
    )

    @model_validator(mode="after")
    def _strengths_fit_the_norm(self) -> "EpsilonStarConfig":
        check_strengths(self.norm, self.eps)
        return self


def epsilon_star(config: EpsilonStarConfig, run: "Run") -> None:
    """Critical attack strength by training from scratch, interpolated or bisected (Xing et al. 2022, Sec. 5)."""
    from modules.phase_transition.epsilon_star_scene import Scene

    scene = Scene(config, run)
    for cell in run.track(scene.cells, "trainings"):
        scene.train(cell)
    if config.search == "bisect":
        for kind in scene.kinds:
            for seed in scene.seeds:
                scene.bisect(kind, seed)
    scene.end()
    run.record(**scene.facts)
    _report(config, run)


def _report(config: EpsilonStarConfig, run: "Run") -> None:
    """Losses, crossings, eps_star over seeds, comparisons and figures from the rows per epoch."""
    from modules.phase_transition import epsilon_star_tables, published_losses

    losses = epsilon_star_tables.losses(run.table("epochs").rows())
    crossings = list(epsilon_star_tables.crossings(losses, config.loss))
    _warn(losses, [row for row in crossings if row["measure"] == "running"])
    tables = {
        "losses": losses,
        "crossings": crossings,
        "eps_star": [*epsilon_star_tables.over_kinds(crossings, partial(published_losses.printed, config))],
        "comparisons": [*epsilon_star_tables.comparisons(crossings, config.dataset)],
        "costs": [*epsilon_star_tables.costs(run.table("epochs").rows(), config.attack)],
        "means": [*epsilon_star_tables.means(losses)],
    }
    for name, rows in tables.items():
        for row in rows:
            run.table(name).add(**row)
    running = [row for row in tables["eps_star"] if row["measure"] == "running"]
    for row in running:
        run.headline(**{f"255 eps_star of {row['kind']}": row["eps_star_255"]})
    if len(running) == 1:  # in pixels, for studies that build on it; a gap unless bracketed
        run.headline(eps_star=running[0]["eps_star"])
    _show(config, run)


def _warn(losses: "Sequence[Row]", crossings: "Sequence[Row]") -> None:
    """What was left out, bent or read off beside the strengths that were asked for."""
    for row in losses:
        if row["diverged"]:
            log.warning("%s with eps %s, seed %d diverged: left out", row["kind"], row["eps"], row["seed"])
    for row in crossings:
        where = f"{row['kind']}, seed {row['seed']}"
        if not row["monotone"]:
            log.warning("%s: training losses that do not rise with eps were made isotonic", where)
        if row["outcome"] == "above":
            log.warning("%s: no crossing, eps_star > %g", where, row["at_least"])
        if row["outcome"] == "bracketed" and row["at_least"] == 0:
            log.warning(
                "%s: eps_star < %g, the least eps; read off between it and clean training", where, row["at_most"]
            )


def _show(config: EpsilonStarConfig, run: "Run") -> None:
    from modules.phase_transition import epsilon_star_figures

    seeds = f"{config.seeds} seed{'s' * (config.seeds > 1)}"
    attacked = f"{config.dataset}, {config.loss}, {config.norm} {config.attack}, {seeds}"
    columns = ["kind", "eps", "epoch", "train_loss", "train_accuracy", "attacked_train_loss", "watched_loss", "n"]
    run.show("means", *columns, title=f"{attacked}: the selected epoch, means over seeds")
    columns = ["kind", "measure", "threshold", "eps_star_255", "outcome", "isotonic", "n", "published_255", "verdict"]
    run.show("eps_star", *columns, title="eps_star in units of 1/255, mean over seeds and 95 % interval")
    if len(run.table("comparisons")):
        run.show("comparisons", title="eps_star over the reference's, paired by seed: geometric mean, 95 % interval")
    caption = f"{attacked}; bars are 95 % intervals (Student) over seeds"
    figure = epsilon_star_figures.losses(run.table("losses").rows(), run.table("eps_star").rows(), config.norm)
    run.figure("losses", figure, f"Adversarial training loss against eps, and the clean test loss: {caption}.")
    if len(kinds := run.table("eps_star").rows()) > 2:
        run.figure("eps_star", epsilon_star_figures.strengths(kinds, config.norm), f"eps_star: {caption}.")
