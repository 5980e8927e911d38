"""`lazy_regime.single_step`: the smallest single gradient step that flips a net's sign, against d, m and C0 (Fig. 2-7).

Nets are trained by SGD within their lazy balls (training.py), and for every test point the smallest flipping step along
the gradient is found exactly (exact_flip.py). The theory has the step eta shrink as 1/d, the gradient grow as sqrt(d)
and the perturbation shrink as 1/sqrt(d); their log-log slopes are fitted with intervals over independent runs.
"""

from functools import partial
from typing import TYPE_CHECKING, Literal

from pydantic import model_validator

from modules.lazy_regime.fields import C0s, Classes, Limit
from suite.plugin import DatasetRef, Epsilon, GradientRef, Steps, StudyConfig, option

if TYPE_CHECKING:
    from suite.host.run import Run


class SingleStepConfig(StudyConfig):
    """Smallest flipping step along the gradient of lazily trained two-layer nets, by d, m and C0."""

    dataset: DatasetRef = option("digits", "data set reference")
    classes: Classes = option(("0", "1"), "the two classes; the first gets label -1", source="Wang et al., Sec. 5")
    sizes: Steps = option((3, 4, 5, 6, 8), "images are made size x size: d = size^2", unit="pixels")
    widths: Steps = option((100, 1000), "hidden neurons m")
    c0s: C0s = option((2, 5, 10), "C0: no neuron is further than C0 / sqrt(m) from its start", source="Def. 2.1")
    networks: int = option(
        5, "nets per d and m, with initialisation and order of samples of their own", ge=2, le=10_000
    )
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
        "at the end of an epoch, as the released code does; or every step is projected back",
    )
    epochs: int = option(200, "passes over the training set at most; 1000 in the released code", ge=1, le=100_000)
    learning_rate: Epsilon = option(0.1, "SGD's learning rate", source="Wang et al., Sec. 5.1")
    batch_size: int = option(64, "samples per SGD step", source="released code", ge=1)
    gradient: GradientRef = option(
        "linbp", "gradient rule whose direction is compared with the true gradient's; bp: no other"
    )
    flip: Literal["exact", "walk"] = option(
        "exact", "how the smallest step is found: exactly, or by the released code's walk in steps of 0.001 up to 5"
    )
    misclassified: Literal["left-out", "zero"] = option(
        "left-out", "points that the net gets wrong are left out, or count as flipped by 0, as in the released code"
    )
    train_limit: Limit = option(None, "training images, balanced; none: all")
    test_limit: Limit = option(None, "test images, balanced; none: all")

    @model_validator(mode="after")
    def _what_a_machine_holds(self) -> "SingleStepConfig":
        if max(self.widths) > 100_000 or max(self.sizes) > 64:
            raise ValueError("--widths up to 100000, --sizes up to 64: larger nets do not fit the memory")
        return self


def single_step(config: SingleStepConfig, run: "Run") -> None:
    """Trains the grid of nets, measures every test point, fits the slopes (Wang et al. 2022, Sec. 5.1)."""
    from modules.lazy_regime import single_step_claims, single_step_tables
    from modules.lazy_regime.single_step_scene import chunks, measured, tasks

    scenes, rule = tasks(config, run.dataset(config.dataset), run.device), run.gradient(config.gradient)
    parts = [
        (size, m, runs) for size in config.sizes for m in config.widths for runs in chunks(config, scenes[size], m)
    ]
    for size, m, runs in run.track(parts, "sizes, widths, runs"):
        name = f"size {size} m {m} runs {runs[0]} to {runs[-1]}"
        columns = run.once(name, partial(measured, config, scenes[size], m, runs, rule))
        for row in single_step_tables.nets(columns, config):
            run.table("nets").add(**row)
        if (size, m) == (max(config.sizes), max(config.widths)):
            run.table("points").extend(single_step_tables.points(columns, config))
    found, points = run.table("nets").rows(), run.table("points").columns
    tables = {
        "settings": single_step_tables.settings(found),
        "slopes": single_step_tables.slopes(found, "d"),
        "growth": single_step_tables.slopes(found, "c0"),
        "claims": single_step_claims.claims(found, points, config),
    }
    if config.gradient != "bp":
        tables["directions"] = single_step_tables.directions(found)
    for name, rows in tables.items():
        for row in rows:
            run.table(name).add(**row)
    _shown(config, run)


def _shown(config: SingleStepConfig, run: "Run") -> None:
    """Headline, printed tables and figures."""
    from modules.lazy_regime import single_step_figures as figures

    c0, m = max(config.c0s), max(config.widths)
    for row in run.table("slopes").rows():
        if (row["direction"], row["m"], row["c0"]) == ("bp", m, c0) and row["quantity"] in ("gradient", "eta", "delta"):
            run.headline(**{f"power of d in {row['quantity']}": row["power"]})
    run.show("claims", title="What the paper says, beside what was measured")
    settings, points = run.table("settings").rows(), run.table("points").columns
    lost = sum(delta is None for delta, margin in zip(points["delta"], points["margin"], strict=True) if margin > 0)
    about = {"c0": c0, "m": m, "runs": config.networks, "d": max(row["d"] for row in settings), "rule": config.gradient}
    run.figure("by_dimension", figures.by_dimension(settings, c0), figures.BY_DIMENSION.format(**about))
    run.figure("by_radius", figures.by_radius(settings, m), figures.BY_RADIUS.format(**about))
    run.figure("histograms", figures.histograms(points), figures.HISTOGRAMS.format(**about, lost=lost))
    if config.gradient != "bp":
        rows = run.table("directions").rows()
        run.figure("directions", figures.directions(rows, c0), figures.DIRECTIONS.format(**about))
