"""Options of `pgd_dynamics.convergence`; light, since `suite info` shows them."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from modules.pgd_dynamics.options import LossRef
from suite.plugin import Epsilon, Factors, Number, StudyConfig, option

_SETUP = "Deng et al., Sec. 2"
Multiples = Annotated[Factors, Field(max_length=8)]


class ConvergenceConfig(StudyConfig):
    """Projected gradient ascent on the loss of random two-layer softplus networks."""

    d: int = option(
        10, "dimension of the input; the sphere of one dimension is two points", source=_SETUP, ge=2, le=128
    )
    m: int = option(
        1000, "hidden neurons; the theorem wants some multiple of d^(5/2)", source="Theorem 3.1", ge=1, le=65_536
    )
    scale: Epsilon = option(1.0, "length of the input x", source="Sec. 5.1")
    ratio: Epsilon = option(0.1, "perturbation ratio: the ball's radius eps is ratio times scale", source="Sec. 5.1")
    y: Number = option(1.0, "label of every input", source="Eq. 2")
    loss: LossRef = option("quadratic", "quadratic, logistic (y in [0, 1]), or import:pkg.mod:function of (f, y)")
    gradient: Literal["bp", "linbp"] = option(
        "bp", "field that is followed: the loss's gradient, or LinBP's; all that is reported is of the true loss"
    )
    networks: int = option(40, "random networks, each with its own input", ge=2, le=100_000)
    starts: int = option(4, "starts per network, uniform in the ball", source=_SETUP, ge=1, le=1000)
    etas: Factors = option(
        (1, 0.5, 0.25, 0.125), "constant step sizes; the theorem wants < 1", unit="eps^2", source="Theorem 3.1"
    )
    steps: int = option(20_000, "steps after which a trajectory is given up", unit="steps", ge=1, le=10_000_000)
    betas: Multiples = option(
        (1, 2, 4, 8),
        "beta of the schedule eta_s = 2 / (beta (s + z)), in units of the smallest curvature kappa at the minimum; the "
        "paper says only that it can be calculated, and its proof needs beta <= 4 kappa",
        source="Remark 3",
    )
    schedule_steps: int = option(1000, "steps under the schedule", unit="steps", source="Cor. 3.1", ge=20, le=20_000)

    @property
    def eps(self) -> float:
        """Radius of the ball."""
        return self.scale * self.ratio

    @property
    def block(self) -> int:
        """Networks computed at once and stored together: what an interruption loses, and far below 2 GiB."""
        return max(1, min(25, 1000 // self.starts, 2**17 // self.m * 2, 2**24 // (self.m * self.d)))

    @model_validator(mode="after")
    def _label_of_the_loss(self) -> "ConvergenceConfig":
        if self.loss == "logistic" and not 0 <= self.y <= 1:
            raise ValueError(f"--y {self.y:g} is no label of the logistic loss, which takes y in [0, 1]")
        return self
