"""`pgd_dynamics.escape`: how fast PGD leaves the worst starts on real images (Deng et al. 2020, Fig. 2 and 3).

The paper speaks of local maxima of L = -loss: points of the sphere |delta| = eps where the adversary's loss has a local
minimum. They are found by descent on the sphere, checked one by one, and left by projected gradient ascent.

What the paper's supplement held is lost: the CNN, learning rates, steps, how the points were found. The choices here
are options with their reasons, and the step of PGD comes in two kinds, because it decides part of the answer.
"""

import logging
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from suite.errors import SuiteError
from suite.plugin import ArchitectureRef, DatasetRef, Factors, GradientRef, Number, StudyConfig, option
from suite.refs import split_list

if TYPE_CHECKING:
    from modules.pgd_dynamics.escape_tables import Paths
    from suite.host.run import Run

log = logging.getLogger("suite")

_SECTION, _LOST = "Deng et al., Sec. 5.1, Fig. 2", "ours; the paper's is lost"


def _items(value: Any) -> Any:
    return tuple(split_list(value)) if isinstance(value, str) else (value,) if isinstance(value, int) else value


def _each_once(value: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(set(value)) != len(value):
        raise ValueError("a value is given twice")
    return value


StepRules = Annotated[
    tuple[Literal["raw", "unit"], ...], BeforeValidator(_items), Field(min_length=1), AfterValidator(_each_once)
]
Epochs = Annotated[
    tuple[Annotated[int, Field(ge=0)], ...], BeforeValidator(_items), Field(min_length=1), AfterValidator(_each_once)
]


class EscapeConfig(StudyConfig):
    """Projected gradient ascent from local minima of the adversary's loss, over input scales, ratios and training."""

    model: ArchitectureRef = option("digits-cnn", "CNN of the zoo, with Xavier weights and zero biases", source=_LOST)
    dataset: DatasetRef = option("digits", "data set, or folder:PATH; its test split is attacked")
    activation: Literal["softplus", "relu"] = option(
        "softplus",
        "softplus replaces every ReLU, as in the theory; relu leaves the model as it is, and has no second-order check",
        source="Deng et al., Sec. 2",
    )
    scales: Factors = option((0.1, 1.0, 10.0), "factors on the pixels that the model sees", source=_SECTION)
    ratios: Factors = option(
        (0.001, 0.01, 0.1, 1.0, 10.0), "eps = ratio x mean l2 norm of the scaled inputs", source=_SECTION
    )
    gradient: GradientRef = option("bp", "gradient rule that the ascent follows; compared with bp from the same points")
    step_rules: StepRules = option(
        ("raw", "unit"),
        "raw: delta + eta dL, the paper's PGD; unit: a fixed share of eps along dL, whatever its length",
    )
    eta: Number = option(
        1.0, "step size of raw steps, the same in every ball", unit="input^2 per nat", source=_LOST, gt=0
    )
    unit_step: Number = option(0.05, "length of a unit step", unit="eps", gt=0, le=2)
    steps: int = option(300, "steps of an ascent", unit="steps", source=_LOST, gt=0)
    noise: Number = option(
        0.001, "tangential push at the start, without which a pinned point stays", unit="eps", gt=0, le=1
    )
    descent: int = option(300, "gradients of a descent to a local minimum, at most", gt=0)
    samples: int = option(8, "test samples, class-balanced", unit="samples", gt=1)
    seeds: int = option(2, "networks: initial weights and training with seeds seed, seed + 1, ...", gt=0)
    epochs: Epochs = option(
        (0, 1, 10), "epochs of adversarial training after which escape is measured; the initial network, 0, always is",
        unit="epochs", source="Deng et al., Fig. 3",
    )  # fmt: skip
    training_ratio: Number = option(0.1, "ratio of adversarial training", source=_LOST, gt=0)
    training_steps: int = option(
        5, "PGD steps of adversarial training: normalised, from a uniform start", source=_LOST, gt=0
    )
    train_limit: int | None = option(None, "train on this many samples, class-balanced", unit="samples", gt=0)


def escape(config: EscapeConfig, run: "Run") -> None:
    """Steps to reach 90 % of the final loss from local minima of the loss (Deng et al. 2020, Fig. 2 and 3)."""
    from modules.pgd_dynamics import escape_tables
    from modules.pgd_dynamics.escape_scene import Scene

    scene, parts = Scene(config, run), []
    for cell in run.track(scene.cells, "networks"):
        if cell.epoch == max(config.epochs) > 0:
            run.table("training").extend(run.once(f"training {cell}", partial(scene.training, cell)))
        maxima = run.once(f"maxima {cell}", partial(scene.maxima, cell))
        run.table("maxima").extend({name: values for name, values in maxima.items() if name != "point"})
        for rule, gradient in scene.ways if "minimum" in maxima["kind"] else ():
            part = partial(scene.ascents, cell, maxima, rule, gradient)
            parts.append(run.once(f"ascents {cell} {rule} {gradient}", part))
        scene.forget(cell)
    run.record(mean_norm=scene.mean_norm, samples=len(scene.ids), recipe=scene.facts)
    if not parts:
        raise SuiteError("no start was accepted as a local minimum of the loss", "raise --descent or --samples")
    paths = escape_tables.Paths.join(parts)
    _warn(config, paths)
    _report(config, run, paths)


def _warn(config: EscapeConfig, paths: "Paths") -> None:
    """Says where raw steps are longer than the ball is wide, and the bound of the theory."""
    raw = [row for row in paths.rows if row["rule"] == "raw" and row["gradient"] == "bp"]
    over = [row for row in raw if row["first_step"] > 2]
    if over:
        log.warning(
            "eta = %g: the first raw step is longer than the ball is wide in %d of %d ascents, up to eps = %.3g "
            "(Theorem 3.1 asks for eta < eps^2, at most %.3g there)",
            config.eta, len(over), len(raw), max(row["eps"] for row in over), max(row["eps"] for row in over) ** 2,
        )  # fmt: skip


def _report(config: EscapeConfig, run: "Run", paths: "Paths") -> None:
    """Numbers, claims and figures from the ascents."""
    from modules.pgd_dynamics import escape_claims, escape_figures, escape_tables

    ascents = list(escape_tables.ascents(paths))
    comparisons = list(escape_claims.comparisons(ascents))
    tables = {
        "found": escape_tables.found(run.table("maxima").rows()),
        "ascents": ascents,
        "escape": escape_tables.summary(ascents),
        "curves": escape_tables.curves(paths),
        "comparisons": comparisons,
        "claims": escape_claims.claims(comparisons),
    }
    for name, rows in tables.items():
        for row in rows:
            run.table(name).add(**row)
    found = run.table("found").rows()
    run.headline(
        starts=sum(row["tried"] for row in found),
        local_minima=sum(row["minimum"] for row in found),
        discarded=sum(row["tried"] - row["minimum"] for row in found),
    )
    starts = f"n = {config.samples} samples x {config.seeds} networks"
    of = f"{config.model} / {config.dataset}, {config.activation}, {starts}"
    run.show("found", title=f"Local minima of the loss on the sphere: {of}")
    run.show(
        "escape",
        *("epoch", "scale", "ratio", "rule", "gradient", "n", "start_loss", "end_loss"),
        *("to_90", "low", "high", "reached", "to_90_of_final", "stationary"),
        title=f"Median steps to 90 % of the rise to the best final loss: {of}",
    )
    run.show(
        "claims", title="What the paper says of Fig. 2 and 3, as sign tests on paired starts (5 %, Holm within a claim)"
    )
    curves = run.table("curves").rows()
    for rule in config.step_rules:
        caption = (
            f"{of}; {rule} steps; medians of accepted starts; dots: 90 % of the rise; losses below 1e-6 not shown."
        )
        figure = escape_figures.escape(curves, rule=rule, panels="scale", fixed=0)
        run.figure(f"scales_{rule}", figure, f"Escape from local minima of the loss at initialisation, {caption}")
        for scale in config.scales if max(config.epochs) else ():
            figure = escape_figures.escape(curves, rule=rule, panels="epoch", fixed=scale)
            text = f"Escape during adversarial training at scale {scale:g}, {caption}"
            run.figure(f"training_scale_{scale:g}_{rule}", figure, text)
