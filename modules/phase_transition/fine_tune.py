"""`phase_transition.fine_tune`: eps_star by adversarial fine-tuning of the clean model (Xing et al. 2022, Alg. A.1).

From the clean model on, a few trainings at small eps under a learning rate that rises and falls; a curve through their
early-stopped losses and the clean one gives eps_star, mostly by extrapolation. Trainings from scratch beside them show
what eps_star is by its definition, and what finding it so costs.
"""

import logging
from typing import TYPE_CHECKING, Any

from pydantic import model_validator

from modules.phase_transition.options import AttackRef, TrainingConfig, check_strengths
from suite.plugin import ArchitectureRef, Epsilons, GradientRefs, Number, Several, option

if TYPE_CHECKING:
    from modules.phase_transition.fine_tune_scene import Scene
    from suite.host.run import Run

log = logging.getLogger("suite")

_SECTION = "Xing et al., App. A"


class FineTuneConfig(TrainingConfig):
    """eps_star from a few adversarial fine-tunings of the clean model, and what it costs."""

    model: ArchitectureRef = option("digits-cnn", "architecture of the zoo: name, name(k=v)", source=_SECTION)
    train_limit: int | None = option(
        None, "training-set size, class-balanced; none: all there are", unit="samples", source="Table 4", gt=0
    )
    eps: Epsilons = option(
        (0.01, 0.02, 0.04), "strengths of the fine-tunings", unit="pixels in [0, 1]", source="Table B.7"
    )
    from_scratch: bool = option(True, "train from scratch beside it, to compare eps_star and cost with")
    scratch_eps: Epsilons = option((0.01, 0.02, 0.04), "strengths of the trainings from scratch", unit="as eps")
    gradient: GradientRefs = option(
        ("bp", "linbp"), "gradient rules of the inner attack; from scratch the first of them alone"
    )
    attack: AttackRef = option(
        "pgd(steps=5,reach=2.5)", "inner attack: pgd(steps=10,reach=2.5) or fgm(reach=1.25)", source="Rice et al. 2020"
    )
    tune_attack: Several[AttackRef] | None = option(
        None,
        "inner attacks of the fine-tunings; none: as --attack, which trains from scratch and decides on the epoch",
        source="Table 4",
    )
    epochs: int | None = option(
        20, "passes over the training set, milestones in proportion; none: the recipe's", unit="epochs", gt=0
    )
    tune_epochs: int | None = option(
        None, "passes of a fine-tuning; none: a fifth, as 40 of 200", unit="epochs", source=_SECTION, gt=0
    )
    rise: Number = option(
        0.4,
        "share of a fine-tuning in which the learning rate rises from 0 to the training's highest; it falls back to 0 "
        "in the rest. The paper's shape is lost, Rice et al.'s superconverge rises for 0.4",
        source="Fig. B.1",
        gt=0,
        lt=1,
    )

    @model_validator(mode="after")
    def _strengths_fit_the_norm(self) -> "FineTuneConfig":
        check_strengths(self.norm, (*self.eps, *self.scratch_eps))
        return self


def fine_tune(config: FineTuneConfig, run: "Run") -> None:
    """Critical attack strength by fine-tuning, and what finding it costs (Xing et al. 2022, Alg. A.1, Table 4)."""
    from modules.phase_transition.fine_tune_scene import Scene

    scene = Scene(config, run)
    for seed in scene.seeds:
        for part in run.track(scene.parts(seed), f"trainings of seed {seed}"):
            run.table("epochs").extend(scene.train(part))
        scene.forget(seed)
    _report(config, run, scene)


def _report(config: FineTuneConfig, run: "Run", scene: "Scene") -> None:
    """Trainings, estimates, their means over seeds, costs, claims and figures from the rows per epoch."""
    from modules.phase_transition import fine_tune_claims, fine_tune_costs, fine_tune_tables, published_fine_tuning

    trainings = fine_tune_tables.trainings(run.table("epochs").rows())
    estimates = list(fine_tune_tables.estimates(trainings, config.loss))
    costs = list(fine_tune_costs.costs(trainings))
    printed = published_fine_tuning.printed(config, scene.samples, scene.tuning.epochs)
    tables = {
        "trainings": trainings,
        "estimates": estimates,
        "eps_star": list(fine_tune_tables.over_seeds(estimates)),
        "costs": costs,
        "claims": list(fine_tune_claims.claims(estimates, costs, printed)),
        "table_4": list(published_fine_tuning.recomputed()),
    }
    for name, rows in tables.items():
        for row in rows:
            run.table(name).add(**row)
    seconds = fine_tune_costs.seconds(trainings, scene.seconds)
    run.record(**scene.facts, seconds=seconds)
    _warn(trainings, estimates)
    if estimates:
        _headline(config, run, tables["eps_star"], seconds)
        _show(config, run)
    else:
        run.headline(eps_star="none: every clean training diverged")


def _warn(trainings: list[dict[str, Any]], estimates: list[dict[str, Any]]) -> None:
    """What was left out, and what stands on less than it seems."""
    for row in trainings:
        if row["diverged"]:
            what = "without a clean test loss its seed has no threshold" if row["how"] == "clean" else "left out"
            log.warning("%s diverged: %s", row["part"], what)
    kinds = {(row["attack"], row["gradient"], row["seed"]): row for row in estimates if row["measure"] == "running"}
    for (attack, gradient, seed), row in kinds.items():
        if not row["monotone"]:
            log.warning("fine-tuned losses of seed %d, %s, %s fall with eps somewhere", seed, attack, gradient)
    for seed, row in {row["seed"]: row for row in kinds.values()}.items():
        if row["scratch_outcome"] == "above":
            log.warning("seed %d: from scratch eps_star > %.4g, beyond --scratch-eps", seed, row["scratch_at_least"])
        elif row["scratch_outcome"] == "below":
            log.warning("seed %d: no eps_star from scratch, the loss is above the threshold at eps = 0 already", seed)


def _headline(
    config: FineTuneConfig, run: "Run", stars: list[dict[str, Any]], seconds: dict[str, dict[str, float | None]]
) -> None:
    for row in stars:
        if row["measure"] == "running" and row["method"] == "least-squares":
            run.headline(**{f"eps_star, fine-tuned, {row['attack']} {row['gradient']}": row["text"]})
    if config.from_scratch:
        run.headline(**{"eps_star, from scratch": stars[0]["scratch_text"]})
        shares = {f"seconds of {name}, of from scratch": row["share"] for name, row in seconds.items()}
        run.headline(**{name: share for name, share in shares.items() if "point" in name})


def _show(config: FineTuneConfig, run: "Run") -> None:
    from modules.phase_transition import fine_tune_figures

    seeds = f"{config.seeds} seed{'s' * (config.seeds > 1)}"
    setting = f"{config.model} on {config.dataset}, {config.loss}, {config.norm} {config.attack}, {seeds}"
    kind = ("attack", "gradient") if config.tune_attack else ("gradient",)
    columns = ("measure", *kind, "method", "eps_star", "low", "high", "found", "beyond", "n")
    compared = ("scratch_text", "ratio", "ratio_low", "ratio_high") if config.from_scratch else ()
    run.show("eps_star", *columns, *compared, title=f"eps_star by fine-tuning, 95 % intervals: {setting}")
    costs = ("what", *kind, "trainings", "passes", "share", "share_with_clean", "share_each")
    run.show(
        "costs", *costs, title="What it costs: passes are gradients of one image's loss, share is of all from scratch"
    )
    columns = ("claim", "measure", *kind, "method", "value", "low", "high", "n", "holds", "paper", "verdict")
    if len(run.table("claims")):
        run.show(
            "claims", *columns, title="What is claimed of fine-tuning, paired by seed: mean, 95 % interval, verdict"
        )
    caption = f"{setting}; bars are 95 % intervals (Student) over seeds"
    trainings, stars = run.table("trainings").rows(), run.table("eps_star").rows()
    figure = fine_tune_figures.losses(trainings, config.norm)
    run.figure(
        "losses",
        figure,
        f"Adversarial training loss against eps; curves through the means, thin beyond them: {caption}.",
    )
    figure = fine_tune_figures.strengths(stars, config.norm)
    run.figure("eps_star", figure, f"eps_star by method; the band is within 25 % of the value from scratch: {caption}.")
