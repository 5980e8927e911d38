"""`phase_transition.connectivity`: the way in weight space from a clean to an adversarial model (Xing et al., Fig. 4).

A curve with one trained middle point leads from the clean model to the adversarial one (Garipov et al. 2018). Measured:
the clean training loss along it, along the straight segment, and on the plane through the three models. Two numbers
tell how high a path climbs: its barrier, the highest loss minus the larger loss of its two ends; and its excess, the
highest it rises above the straight line between the losses of the two ends (Frankle et al. 2020).
"""

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from modules.phase_transition.options import AttackRef, TrainingConfig, check_strengths
from suite.plugin import ArchitectureRef, GradientRef, Number, Several, option

if TYPE_CHECKING:
    from suite.host.run import Run

log = logging.getLogger("suite")

_GARIPOV = "Garipov et al. 2018"
_FIGURE = "Xing et al., Fig. 4"


class ConnectivityConfig(TrainingConfig):
    """Connectivity between a clean model and adversarial ones of several strengths; eps 0 is a second clean model."""

    model: ArchitectureRef = option("digits-cnn", "architecture of the zoo: name, name(k=v)", source=_FIGURE)
    attack: AttackRef = option(
        "pgd(steps=5,reach=2.5)", "inner attack, pgd(steps=5,reach=2.5) or fgm(reach=1.25); Rice et al. take 10 steps"
    )
    train_limit: int | None = option(
        600, "training-set size, class-balanced; none: all there are", unit="samples", gt=0
    )
    gradient: GradientRef = option("bp", "gradient rule of the inner attack")
    eps: Several[Annotated[Number, Field(ge=0)]] = option(
        (0.0, 0.02, 0.1, 0.3),
        "attack strengths of the adversarial model; 0: another clean training, of other batches",
        unit="pixels in [0, 1]",
        source=_FIGURE,
    )
    epochs: int | None = option(
        15, "passes over the training set, milestones in proportion; none: the recipe's", unit="epochs", gt=0
    )
    initialisation: Literal["shared", "own"] = option(
        "shared",
        "the two models begin at the same weights, or each at its own. The paper does not say; the code it modifies "
        "seeds every training alike, hence shared. Batches always differ, units are never permuted to match",
    )
    endpoint: int | None = option(
        None,
        "take both models after so many epochs; none: at their epochs of least adversarial loss, see select",
        unit="epochs",
        source=f"{_FIGURE}: the 101st of 200",
        gt=0,
    )
    curve: Literal["bezier", "polychain"] = option(
        "bezier", "family of the curve; the paper does not say which", source=_GARIPOV
    )
    curve_epochs: int | None = option(
        None, "passes over the training set for the middle point; none: as epochs", unit="epochs", gt=0
    )
    curve_learning_rate: Number | None = option(
        None,
        "of the first half of them; then it falls to a hundredth. None: as learning-rate",
        source=f"{_GARIPOV}: 0.03 for residual nets",
        gt=0,
    )
    grid: int = option(21, "points along a side of the plane's grid, for the first seed", source=_GARIPOV, ge=2)
    loss_limit: int | None = option(
        500, "measure the loss on so many training samples, class-balanced; none: on all", unit="samples", gt=0
    )

    @model_validator(mode="after")
    def _strengths_fit_the_norm(self) -> "ConnectivityConfig":
        check_strengths(self.norm, self.eps)
        return self


def connectivity(config: ConnectivityConfig, run: "Run") -> None:
    """Barriers between clean and adversarial models, along a trained curve and straight (Xing et al., Sec. 5.2)."""
    from modules.phase_transition.connectivity_scene import Scene

    scene = Scene(config, run)
    for seed in run.track(scene.seeds, "seeds"):
        run.table("ends").extend(scene.start(seed))
        for eps in run.track(config.eps, "strengths"):
            for name, columns in scene.connect(seed, eps).items():
                run.table(name).extend(columns)
        scene.forget(seed)
    run.record(**scene.facts)
    _report(config, run)


def _report(config: ConnectivityConfig, run: "Run") -> None:
    """Barriers, their means over seeds, claims and figures from the rows of ends, paths, plane and marks."""
    from modules.phase_transition import connectivity_tables

    ends = run.table("ends").rows()
    for row in ends:
        if row["diverged"]:
            log.warning("%s with eps %s, seed %d diverged: left out", row["end"], row["eps"], row["seed"])
    measured = {(row["eps"], row["seed"]) for row in run.table("paths").rows()}
    for eps, seed in connectivity_tables.connectable(ends):
        if (eps, seed) not in measured:
            log.warning("the curve to eps %s, seed %d diverged: left out", eps, seed)
    barriers = list(connectivity_tables.barriers(run.table("paths").rows(), ends))
    tables = {
        "barriers": barriers,
        "means": [*connectivity_tables.means(barriers)],
        "profiles": [*connectivity_tables.profiles(run.table("paths").rows())],
        "claims": [*connectivity_tables.claims(barriers)],
    }
    for name, rows in tables.items():
        for row in rows:
            run.table(name).add(**row)
    for row in tables["means"]:
        if row["path"] == "curve":
            run.headline(**{f"climb along the curve, eps {row['eps']:.4g}": row["excess"]})
    if barriers:
        _show(config, run, tables)


def _show(config: ConnectivityConfig, run: "Run", tables: Mapping[str, Sequence[Any]]) -> None:
    from modules.phase_transition import connectivity_figures

    about = f"{config.model} on {config.dataset}, {config.norm}, {config.initialisation} initial weights"
    seeds = f"{config.seeds} seed{'s' * (config.seeds > 1)}"
    intervals = [f"{name}{end}" for name in ("barrier", "excess") for end in ("", "_low", "_high")]
    columns = ("path", "eps", *intervals, "low_share", "start_loss", "end_loss", "n")
    run.show("means", *columns, title=f"{about}: clean training loss on the way to the adversarial model, {seeds}")
    if tables["claims"]:
        run.show("claims", title="What Sec. 5.2 says, as numbers: mean over seeds, 95 % interval, and what follows")
    over = f"{about}; bands and bars are 95 % intervals (Student) over {seeds}"
    means, barriers = tables["means"], tables["barriers"]
    figure = connectivity_figures.paths(tables["profiles"], means)
    caption = f"Clean training loss along the {config.curve} curve and the segment: {over}. Dashed: R*."
    run.figure("paths", figure, caption)
    caption = f"Barrier and excess of both paths, and the clean training loss of both models: {over}."
    run.figure("barriers", connectivity_figures.barriers(means, config.norm), caption)
    if any((row["path"], row["seed"]) == ("curve", config.seed) for row in barriers):
        caption = (
            f"Clean training loss on the plane through the clean model (circle), the middle point (square) and the "
            f"adversarial one (triangle), with the {config.curve} curve: {about}, seed {config.seed}. Within the "
            f"dashed line the loss is below R*, the clean model's test loss."
        )
        figure = connectivity_figures.planes(run.table("plane").rows(), run.table("marks").rows(), barriers)
        run.figure("planes", figure, caption)
