"""`lazy_regime.dial`: robustness against laziness, from the net at initialisation to unbounded training.

The radius C0 / sqrt m of the lazy ball is swept from 0 to infinity. Beside the size of the flips, by one step and by
many, stands how lazy the net still is: how far its tangent kernel has moved, ||K - K_0|| / ||K_0||. The paper asks what
leaving the lazy regime does to robustness (Wang et al. 2022, Sec. 5.2 and 6) and answers with the radius alone.
"""

from functools import partial
from typing import TYPE_CHECKING, Literal

from pydantic import model_validator

from modules.lazy_regime.options import C0s, Classes, Limit
from suite.plugin import DatasetRef, Epsilon, GradientRef, Steps, StudyConfig, option

if TYPE_CHECKING:
    from suite.host.run import Run


class DialConfig(StudyConfig):
    """Flip sizes and kernel drift of nets trained in lazy balls of every size, and without one."""

    dataset: DatasetRef = option("digits", "data set reference")
    classes: Classes = option(("0", "1"), "the two classes; the first gets label -1", source="Wang et al., Sec. 5")
    size: int = option(8, "images are made size x size: d = size^2", unit="pixels", ge=1, le=64)
    widths: Steps = option((100, 1000), "hidden neurons m")
    c0s: C0s = option(
        (0, 0.1, 0.3, 1, 3, 10, 30), "C0: no neuron is further than C0 / sqrt(m) from its start; 0: at initialisation"
    )
    networks: int = option(8, "nets, with initialisation and order of samples of their own", ge=2, le=1000)
    unit_norm: bool = option(
        True, "scale every image to |x| = 1, as the theory and Appendix A do; else pixels, as the released code does"
    )
    biases: bool = option(
        False,
        "train biases too and add a fixed output bias, as the released code does for Sec. 5.1; Appendix A has none",
    )
    stop: Literal["inside", "outside", "project"] = option(
        "inside",
        "what is returned of a net that leaves its ball: the last iterate inside, as the paper says; the first outside "
        "at the end of an epoch, as the released code does; or every step is projected back and training goes on",
    )
    epochs: int = option(200, "passes over the training set at most; 1000 in the released code", ge=1, le=100_000)
    learning_rate: Epsilon = option(0.1, "SGD's learning rate", source="Wang et al., Sec. 5.1")
    batch_size: int = option(64, "samples per SGD step", source="released code", ge=1)
    gradient: GradientRef = option(
        "linbp", "gradient rule along whose direction a single step is also taken; bp: no other"
    )
    steps: int = option(20, "turns of the direction in the search for the nearest flip", unit="steps", ge=1)
    pgd_steps: int = option(
        20, "steps of 2.5 eps / steps of the l2-PGD whose smallest flipping eps is looked for", unit="steps", ge=1
    )
    train_limit: Limit = option(None, "training images, balanced; none: all")
    test_limit: Limit = option(60, "test images, balanced, at which flips and kernel are measured; none: all")

    @model_validator(mode="after")
    def _what_a_machine_holds(self) -> "DialConfig":
        if max(self.widths) > 100_000:
            raise ValueError("--widths up to 100000: larger nets do not fit the memory")
        return self


def dial(config: DialConfig, run: "Run") -> None:
    """Trains the nets in every ball, measures their flips and kernels, and sets one against the other (ours)."""
    from modules.lazy_regime import dial_figures, dial_tables
    from modules.lazy_regime.dial_scene import Scene

    scene = Scene(config, run.dataset(config.dataset), run.gradient(config.gradient), run.device)
    for m, runs, c0 in run.track(scene.cells, "widths, nets, C0"):
        name = f"m {m} runs {runs.start} to {runs.stop - 1} c0 {c0!r}"
        columns = run.once(name, partial(scene.measured, m, runs, c0))
        for row in dial_tables.nets(columns, m, c0):
            run.table("nets").add(**row)
            for flip in dial_tables.flips(row, config.gradient):
                run.table("flips").add(**flip)
    nets = run.table("nets").rows()
    for name, rows in {"dial": dial_tables.dial(nets), "claims": dial_tables.claims(nets, config.gradient)}.items():
        for row in rows:
            run.table(name).add(**row)

    of = (
        f"{config.dataset} {' / '.join(config.classes)}, d = {scene.task.d}, {config.networks} nets, "
        f"{len(scene.task.test_x)} test points each"
    )
    found = run.table("dial").rows()
    widest = [row for row in found if row["m"] == max(config.widths)]
    for row in (widest[0], widest[-1]):
        for name in ("single_step", "drift"):
            run.headline(**{f"{name} at C0 = {dial_tables.named(row['c0'])}, m = {row['m']}": row[name]})
    shown = (
        *("m", "c0", "accuracy", "distance", "drift", "drift_low", "drift_high"),
        *("single_step", "single_step_low", "single_step_high", "rule_step", "pgd", "rule_pgd", "many_steps"),
        "unflipped",
    )
    run.show("dial", *shown, title=f"Robustness against laziness: {of}")
    run.show("claims", title=f"Leaving the lazy regime (sign tests over nets): {of}")
    caption = (
        "Median length of the smallest flipping perturbation over correctly classified points. Top: by one step and by "
        f"many against C0 at m = {max(config.widths)}; drift of the tangent kernel against C0. Bottom: by one step, "
        f"against C0 and against the drift. {of}; bands are 95 % intervals over nets."
    )
    run.figure("dial", dial_figures.dial(found, config.gradient), caption)
