"""`phase_transition.overfitting`: two ways in which adversarial training overfits (Xing et al. 2022, Fig. 5, Table 2).

Robust overfitting: the gap between adversarial test and training loss over epochs, in units of what it is at a
reference epoch. Catastrophic overfitting: the smallest strength at which one-step training is unstable, that is, at
which its model falls to an attack of many steps while it stands one; told during training.
"""

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import model_validator

from modules.phase_transition.options import AttackRef, TrainingConfig, check_strengths
from suite.plugin import ArchitectureRef, Epsilons, GradientRef, Steps, option

if TYPE_CHECKING:
    from suite.host.run import Run

log = logging.getLogger("suite")

_FIGURE, _TABLE = "Xing et al., Fig. 5", "Xing et al., Table 2, B.6"


class OverfittingConfig(TrainingConfig):
    """Generalisation gaps of clean and adversarial training, and the strengths that spoil one-step training."""

    model: ArchitectureRef = option("digits-cnn", "architecture of the zoo: name, name(k=v)", source=_FIGURE)
    train_limit: Steps | None = option(
        (500,), "training-set sizes, class-balanced; none: all there are", unit="samples", source=_TABLE
    )
    gradient: GradientRef = option("bp", "gradient rule of the attacks that training samples are made by")
    attack: AttackRef = option(
        "pgd(steps=5,reach=2.5)",
        "inner attack of eps, and of every robust loss that is told: pgd(steps=5,reach=2.5); Rice et al. take 10 steps",
    )
    eps: Epsilons = option((0.05, 0.2), "strengths of the trainings whose gap is told, beside clean training",
                           unit="pixels in [0, 1]", source=_FIGURE)  # fmt: skip
    fast: AttackRef = option(
        "fgm(reach=1.25)", "one-step inner attack of fast-eps, from a random start as in the code the paper modifies"
    )
    fast_eps: Epsilons = option((0.1, 0.3, 0.5), "strengths tried for the smallest unstable one",
                                unit="pixels in [0, 1]", source=_TABLE)  # fmt: skip
    stop: bool = option(True, "end one-step training in the epoch after which it has collapsed")
    epochs: int | None = option(
        24, "passes over the training set, milestones in proportion; none: the recipe's", unit="epochs", gt=0
    )
    batch_size: int | None = option(32, "samples per step; none: the recipe's", unit="samples", gt=0)
    reference: int | None = option(
        None,
        "epoch whose gap is the unit; none: the first after the first milestone, or after half of the epochs",
        unit="epochs",
        source=f"{_FIGURE}: the 101st of 200",
        gt=0,
    )
    test_limit: int | None = option(200, "test on so many samples, class-balanced; none: on all", unit="samples", gt=0)

    @model_validator(mode="after")
    def _strengths_fit_the_norm(self) -> "OverfittingConfig":
        check_strengths(self.norm, (*self.eps, *self.fast_eps))
        return self


def overfitting(config: OverfittingConfig, run: "Run") -> None:
    """Generalisation gap over epochs against eps, and the smallest unstable eps of one-step training (Sec. 5.2)."""
    from modules.phase_transition.overfitting_scene import Scene

    scene = Scene(config, run)
    for part in run.track(scene.parts, "trainings"):
        run.table("epochs").extend(run.once(str(part), partial(scene.rows, part)))
        scene.forget(part)
    run.record(**scene.facts)
    _report(config, run, scene.reference)


def _report(config: OverfittingConfig, run: "Run", reference: int) -> None:
    """Gaps, collapses, the smallest unstable eps, claims and figures from the rows per epoch."""
    from modules.phase_transition import overfitting_claims, overfitting_tables

    epochs = run.table("epochs").rows()
    for cell in dict.fromkeys((row["kind"], row["eps"], row["seed"]) for row in epochs if row["diverged"]):
        log.warning("%s training with eps %s, seed %d diverged: left out", *cell)
    growth = list(overfitting_tables.growth(epochs, reference))
    collapses = list(overfitting_tables.collapses(epochs))
    unstable = list(overfitting_tables.unstable(collapses, epochs))
    tables = {
        "gaps": [*overfitting_tables.gaps(epochs, reference)],
        "growth": growth,
        "collapses": collapses,
        "stability": [*overfitting_tables.stability(collapses)],
        "unstable": unstable,
        "means": [*overfitting_tables.growth_means(growth)],
        "claims": [*overfitting_claims.claims(growth, collapses, unstable)],
    }
    for name, rows in tables.items():
        for row in rows:
            run.table(name).add(**row)
    for size, text in overfitting_tables.unstable_texts(unstable).items():
        run.headline(**{f"smallest unstable eps, n = {size}": text})
    _show(config, run, reference, tables)


def _show(config: OverfittingConfig, run: "Run", reference: int, tables: Mapping[str, Sequence[Any]]) -> None:
    from modules.phase_transition import overfitting_figures

    about, seeds = (
        f"{config.model} on {config.dataset}, {config.norm}",
        f"{config.seeds} seed{'s' * (config.seeds > 1)}",
    )
    gap = "robust test minus training loss"
    shown: dict[str, tuple[str, tuple[str, ...]]] = {
        "means": (
            f"{about}, {config.attack}: {gap} at epoch {reference} and at the end, {seeds}",
            ("samples", "eps", "gap_at_reference", "gap_at_end", "ratio", "ratio_low", "ratio_high", "n"),
        ),
        "stability": (
            f"{about}: collapsed trainings, 95 % interval (Wilson); means at the collapse, or at the end",
            (),
        ),
        "unstable": ("The smallest unstable eps, and eps_star of the trainings by many steps", ()),
        "claims": ("What Sec. 5.2 says, as numbers: mean over seeds, 95 % interval, and what follows", ()),
    }
    for name, (title, columns) in shown.items():
        if tables[name]:
            run.show(name, *columns, title=title)
    if tables["gaps"]:
        bands = f"bands are 95 % intervals (Student) over {seeds}" if config.seeds > 1 else "one seed"
        run.figure(
            "gaps",
            overfitting_figures.gaps(tables["gaps"], reference),
            f"{gap.capitalize()} of {about}, {config.attack}, and its ratio to that of epoch {reference} (dotted); "
            f"{bands}. Eps 0 is clean training.",
        )
    if tables["unstable"]:
        run.figure(
            "collapses",
            overfitting_figures.collapses(run.table("epochs").rows(), tables["collapses"]),
            f"One-step training of {about}, {config.fast}: accuracy on {config.watched} samples that are not trained "
            f"on, under one step (dashed) and under {config.attack} (solid), a colour per seed; crosses: collapsed.",
        )
