"""Options of `pgd_dynamics.rules`; light, since `suite info` shows them."""

from modules.pgd_dynamics.options import LossRef
from suite.plugin import Epsilon, Factors, Number, Steps, StudyConfig, option

ACTIVATIONS = ("softplus", "relu")


class RulesConfig(StudyConfig):
    """Projected ascent along BP's gradient and along LinBP's field, judged by the true loss."""

    dims: Steps = option((2, 10), "dimensions of the input", source="Deng et al., Sec. 2")
    m: int = option(1000, "hidden neurons", source="Deng et al., Sec. 2", ge=1, le=65_536)
    scales: Factors = option((0.01, 1, 100), "lengths of the input x", source="Deng et al., Fig. 1")
    ratio: Epsilon = option(1.0, "perturbation ratio: the ball's radius is ratio times scale", source="Fig. 1")
    y: Number = option(1.0, "label of every input", source="Eq. 2")
    loss: LossRef = option("quadratic", "quadratic, logistic (y in [0, 1]), or import:pkg.mod:function of (f, y)")
    networks: int = option(30, "random networks per dimension, each with its own input", ge=2, le=10_000)
    starts: int = option(4, "starts per network, uniform in the ball", ge=1, le=1000)
    step: Number = option(0.05, "step size: so that BP's step from the centre has this length", unit="eps", gt=0, le=1)
    steps: int = option(300, "steps at most", unit="steps", ge=10, le=1_000_000)
    degrees: Number = option(
        1.0, "a point of the sphere is at a maximum where the true gradient is so near to the normal",
        unit="degrees", gt=0, le=45,
    )  # fmt: skip
    share: Number = option(0.9, "share of BP's final gain in loss whose steps are counted", gt=0, lt=1)

    @property
    def block(self) -> int:
        """Networks computed at once and stored together."""
        return max(1, min(50, 1000 // self.starts, 2**24 // (self.m * max(self.dims))))
