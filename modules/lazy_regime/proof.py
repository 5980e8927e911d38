"""`lazy_regime.theory`: the chain of the proof of Theorem 3.1, measured on nets (Wang et al. 2022, Sec. 4, App. B).

The proof bounds |f|, ||grad f|| and how much the gradient changes in a ball around x, for all W in the lazy ball at
once, and concludes that one step flips the sign. Here each link is measured beside its bound on nets at initialisation
(C0 = 0) and after training; the condition that the proof arrives at is compared with what the step does; and "for all
W" is tried from the other side, by looking in the lazy ball for the net that resists the step at a point.
"""

from functools import partial
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from modules.lazy_regime.options import C0s, Classes, Limit
from suite.plugin import DatasetRef, Epsilon, Number, Several, Steps, StudyConfig, option

if TYPE_CHECKING:
    from suite.host.run import Run

Ratios = Several[Annotated[Number, Field(gt=1, le=100)]]


class TheoryConfig(StudyConfig):
    """The links of the proof and the worst net of the lazy ball, in the theory's setting: |x| = 1, no biases."""

    dataset: DatasetRef = option("digits", "data set reference")
    classes: Classes = option(("0", "1"), "the two classes; the first gets label -1", source="Wang et al., Sec. 5")
    sizes: Steps = option((4, 6, 8), "images are made size x size: d = size^2", unit="pixels")
    widths: Steps = option((100, 1000), "hidden neurons m")
    c0s: C0s = option((0, 1, 10), "C0: no neuron is further than C0 / sqrt(m) from its start; 0: at initialisation")
    networks: int = option(8, "nets per d and m, with initialisation and order of samples of their own", ge=2, le=1000)
    points: int = option(8, "test images, balanced, at which the links are measured", ge=2, le=10_000)
    ratios: Ratios = option(
        (1.5, 2, 3, 5, 8),
        "radii R of the ball around x, as multiples of |f| / |grad f|: the step that flips a linear f",
    )
    draws: int = option(16, "random directions in which the gradient is looked at", ge=1, le=10_000)
    ascent: int = option(32, "steps of each ascent to the largest change of the gradient", unit="steps", ge=4)
    restarts: int = option(2, "random starts of that ascent, beside the step's own direction", ge=0, le=1000)
    resisting: int = option(2, "of the test images: those for which the worst net is looked for; 0: none", ge=0)
    search: int = option(10, "steps of each search for the worst net", unit="steps", ge=1)
    gamma: Annotated[Number, Field(gt=0, lt=1)] = option(0.05, "probability with which a bound may fail")
    epochs: int = option(100, "passes over the training set at most", ge=1, le=100_000)
    learning_rate: Epsilon = option(0.1, "SGD's learning rate", source="Wang et al., Sec. 5.1")
    batch_size: int = option(64, "samples per SGD step", source="released code", ge=1)
    train_limit: Limit = option(None, "training images, balanced; none: all")

    @model_validator(mode="after")
    def _what_a_machine_holds(self) -> "TheoryConfig":
        if min(self.sizes) < 2:
            raise ValueError("--sizes 1: the statements are about many dimensions; give at least 2")
        if max(self.widths) > 100_000 or max(self.sizes) > 64:
            raise ValueError("--widths up to 100000, --sizes up to 64: larger nets do not fit the memory")
        if self.resisting > self.points:
            raise ValueError("--resisting cannot exceed --points")
        return self


def theory(config: TheoryConfig, run: "Run") -> None:
    """Every link of the proof, its condition, and the worst nets (Wang et al. 2022, Theorem 3.1, Lemmas 4.1-4.4)."""
    from modules.lazy_regime.proof_scene import Scene

    scene = Scene(config, run.dataset(config.dataset), run.device)
    for cell in run.track(scene.cells, "sizes, widths, C0"):
        run.table("points").extend(run.once(f"links {cell}", partial(scene.links, cell)))
        run.table("around").extend(run.once(f"around {cell}", partial(scene.around, cell)))
        if config.resisting and cell.c0 > 0:
            run.table("worst").extend(run.once(f"worst {cell}", partial(scene.worst, cell)))
    _report(config, run)


def _report(config: TheoryConfig, run: "Run") -> None:
    """Links beside bounds, conditions, sizes, claims and figures, from the rows per point."""
    from modules.lazy_regime import proof_claims, proof_figures, proof_tables

    around = run.table("around").rows()
    points, worst = (proof_tables.with_infinity(run.table(name).rows(), "size") for name in ("points", "worst"))
    tables = {
        "links": proof_tables.links(points, config.gamma),
        "condition": proof_tables.condition(points, around),
        "changes": proof_tables.changes(around),
        "sizes": proof_tables.sizes(points, worst),
        "explicit": proof_tables.explicit(points, config.gamma),
    }
    for name, found in tables.items():
        for row in found:
            run.table(name).add(**row)
    links, conditions, sizes, explicit = (
        run.table(name).rows() for name in ("links", "condition", "sizes", "explicit")
    )
    for row in proof_claims.claims(points, links, conditions, worst, explicit, config.gamma):
        run.table("claims").add(**row)
    held = sum(row["holds"] for row in conditions)
    run.headline(
        nets_and_points=len(points),
        condition_holds=held,
        of_these_flipped=sum(row["holds_and_flipped"] for row in conditions),
        flipped_without_it=sum(row["flipped_without"] for row in conditions),
        worst_nets_that_no_step_flips=f"{sum(row['resists'] for row in worst)} of {len(worst)}",
    )
    of = f"{config.dataset} {' / '.join(config.classes)}, {config.points} points x {config.networks} nets a setting"
    run.show("condition", title=f"The condition of the proof outline, and what the step does: {of}")
    run.show(
        "sizes",
        *("d", "m", "c0", "net", "median", "low", "high", "scaled", "unflipped", "n"),
        title=f"Smallest flipping step |delta|, |x| = 1 (median over points; intervals over nets): {of}",
    )
    run.show("claims", title=f"What the proof says and what is measured: {of}")
    caption = (
        "Largest change of the gradient found in the ball of radius R = ratio x |f| / |grad f|, over |grad f|, at the "
        f"largest width: {of}; bands are 95 % intervals over nets. Below the dashed line the proof's condition holds "
        "and the step must flip the sign."
    )
    run.figure("condition", proof_figures.condition(run.table("changes").rows()), caption)
    caption = (
        "Smallest flipping step at initialisation, after training and for the worst net found in the lazy ball, at the "
        f"largest width: {of}; medians, bands are 95 % intervals over nets. Dotted: the worst net were no rectifier to "
        "change; triangles: half of the points of some net are never flipped."
    )
    run.figure("sizes", proof_figures.sizes(sizes), caption)
