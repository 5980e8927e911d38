"""`phase_transition.two_layer`: a wide net that starts at nearly nothing learns as the linear model does (Prop. 1).

f(x) = sum_j a_j phi(x^T theta_j) / sqrt(h), a_j fixed, theta_j ~ N(0, I_d / (d h^(1+decay))), trained with the learning
rate h / (|a|^2 phi'(0)^2) times the linear model's, clean and adversarially. Followed by width: the distance of
phi'(0) sum_j a_j theta_j / sqrt(h) from the linear path, that of the predictions, and that of the losses.
"""

import logging
from functools import partial
from math import sqrt
from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, Field, model_validator

from modules.phase_transition.sizes import Sizes, parse_size
from suite.plugin import Epsilon, Number, Several, Steps, StudyConfig, option
from suite.refs import split_list

if TYPE_CHECKING:
    from suite.host.run import Run

log = logging.getLogger("suite")

ACTIVATIONS = ("softplus", "tanh", "gelu")
SCALES = ("one", "norm")
FRESH = 200  # inputs at which predictions are compared
LARGEST = 2**25  # numbers in the largest tensor: below 2 GiB in all
Names = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda value: tuple(split_list(value)) if isinstance(value, str) else value),
    Field(min_length=1),
]
Strengths = Several[Annotated[Number, Field(ge=0)]]


class TwoLayerConfig(StudyConfig):
    """Two-layer nets of growing width beside the linear model, clean and adversarial."""

    sizes: Sizes = option(("10/100", "50/10"), "dimension/samples", source="Prop. 1")
    widths: Steps = option((16, 64, 256, 1024), "hidden nodes h")
    eps: Strengths = option(
        (0.0, 0.0707107, 0.5), "attack strengths; 0 is clean training", unit="sqrt(d/n)", source="Table B.1"
    )
    activations: Names = option(
        ("softplus",), "smooth, phi(0) = 0, phi'(0) > 0: softplus (minus log 2), tanh, gelu", source="App. C.3"
    )
    scales: Names = option(
        SCALES,
        "size of the fixed a_j, of random sign: one: |a_j| in [1/2, 3/2]; norm: the same with |a| = 1 as the proof "
        "writes, under which preactivations do not shrink with h",
        source="App. C.3: |a| = O(1)",
    )
    decay: Epsilon = option(1.0, "delta of the initial variance 1 / (d h^(1 + delta))", source="App. C.3")
    seeds: int = option(5, "data sets, each with its own initial nets", ge=2, le=10_000)
    steps: int = option(100, "steps of gradient descent", source="Sec. 4", ge=1, le=100_000)
    step: Annotated[Number, Field(gt=0, le=2)] = option(
        0.25, "the linear model's learning rate", unit="1 / lambda, lambda = 2 (1 + sqrt(d/n))^2"
    )
    attack_steps: int = option(
        1, "gradient steps of the inner maximum, which has no closed form in a net; 1 is FGM", ge=1, le=100
    )
    noise_variance: Epsilon = option(0.25, "variance of the noise; the paper gives none")
    theta0_norm: Epsilon = option(1.0, "length of theta0; the paper gives none")

    @property
    def sigma(self) -> float:
        """Standard deviation of the noise."""
        return sqrt(self.noise_variance)

    @model_validator(mode="after")
    def _known_names(self) -> "TwoLayerConfig":
        for name, given, known in (("activations", self.activations, ACTIVATIONS), ("scales", self.scales, SCALES)):
            if set(given) - set(known) or len(set(given)) < len(given):
                raise ValueError(f"--{name} {','.join(given)}: give some of {', '.join(known)}, each once")
        samples = max(max(parse_size(size)) for size in self.sizes)
        held = len(self.eps) * max(samples, FRESH) * max(self.widths)
        if held > LARGEST:
            raise ValueError(
                f"--widths {max(self.widths)}: {held:,} preactivations at once, of all samples and eps, are more than "
                f"{LARGEST:,}; give fewer eps, or smaller widths or sizes"
            )
        return self


def two_layer(config: TwoLayerConfig, run: "Run") -> None:
    """Distance of two-layer nets from the linear model by width (Proposition 1)."""
    from modules.phase_transition import two_layer_figures, two_layer_tables
    from modules.phase_transition.two_layer_scene import distances

    cells = [
        (size, scale, activation, width)
        for size in config.sizes for scale in config.scales
        for activation in config.activations for width in config.widths
    ]  # fmt: skip
    parts = []
    for size, scale, activation, width in cells:
        columns = partial(distances, config, *parse_size(size), scale, activation, width, run.device)
        parts.append((f"{size} {scale} {activation} {width}", columns))
    for part in run.each(parts, "widths"):
        run.table("distances").extend(part)
    distance = run.table("distances").columns
    for name, rows in (
        ("by_width", two_layer_tables.by_width(distance)), ("powers", two_layer_tables.powers(distance)),
    ):  # fmt: skip
        for row in rows:
            run.table(name).add(**row)
    for row in two_layer_tables.claims(run.table("powers").rows()):
        run.table("claims").add(**row)
    gone = sum(row["diverged"] for row in run.table("by_width").rows() if row["quantity"] == "path")
    if gone:
        log.warning("%d trainings diverged and are left out; a smaller --step keeps them", gone)
    for row in run.table("powers").rows():
        if row["quantity"] == "path":
            attacked = f"eps = {row['eps_over_order']:.2g} sqrt(d/n)" if row["eps_over_order"] else "clean"
            of = f"d/n = {row['d']}/{row['n']}, |a_j| {row['scale']}, {row['activation']}, {attacked}"
            run.headline(**{f"power of h in the distance, {of}": row["power"]})
    of = f"{config.seeds} seeds, noise variance {config.noise_variance:g}, |theta0| = {config.theta0_norm:g}"
    run.show(
        "claims", title=f"Proposition 1: the power of h in the distance from the linear model, 95 % intervals ({of})"
    )
    figure = two_layer_figures.by_width(run.table("by_width").rows())
    run.figure("by_width", figure, two_layer_figures.BY_WIDTH.format(of))
