"""Options of `phase_transition.two_layer`; light, since `suite info` shows them."""

from math import sqrt
from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from modules.phase_transition.sizes import Sizes, parse_size
from suite.plugin import Epsilon, Number, Several, Steps, StudyConfig, option
from suite.refs import split_list

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
