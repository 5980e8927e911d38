"""Options of `pgd_dynamics.landscape`; light, since `suite info` shows them."""

from typing import Annotated

from pydantic import Field, model_validator

from modules.pgd_dynamics.options import LossRef
from suite.plugin import Epsilon, Factors, Number, StudyConfig, option

LARGEST = 1e6  # scale times (1 + ratio): beyond it float64 resolves no kink on the circle
_FIG_1 = "Deng et al., Fig. 1"
Betas = Annotated[Factors, Field(max_length=4)]


class LandscapeConfig(StudyConfig):
    """Loss over the ball of inputs in the plane, by input scale and perturbation ratio."""

    scales: Factors = option((0.01, 1, 100), "input scales: lengths of x", source=_FIG_1)
    ratios: Factors = option((0.01, 1, 10), "perturbation ratios: the ball's radius over the scale", source=_FIG_1)
    m: int = option(1000, "hidden neurons; the paper's number is lost", ge=1, le=65_536)
    beta: Epsilon = option(1.0, "sharpness of softplus, log(1 + exp(beta z)) / beta", source="Deng et al., Sec. 2")
    loss: LossRef = option(
        "quadratic", "quadratic, logistic (y in [0, 1]), or import:pkg.mod:function of (f, y), convex in f"
    )
    y: Number = option(1.0, "label of every input", source="Eq. 2")
    networks: int = option(40, "random networks in which extrema are counted; the first is drawn", ge=1, le=100_000)
    escapes: int = option(10, "networks whose ascents from the worst points are followed", ge=1, le=1000)
    eta: Epsilon = option(0.01, "step size of the raw ascent, delta + eta dl; the paper's is lost", source="Eq. 2")
    stride: Epsilon = option(0.05, "step of the unit ascent, along the gradient's direction alone", unit="eps")
    steps: int = option(500, "steps of an ascent", unit="steps", ge=10, le=100_000)
    atlas_scale: Epsilon = option(1.0, "input scale of the atlas")
    atlas_ratio: Epsilon = option(10.0, "perturbation ratio of the atlas")
    atlas_betas: Betas = option((10, 1), "the atlas shows ReLU and softplus of these sharpnesses")
    atlas_starts: int = option(8, "ascents per network and field in the atlas", ge=1, le=1000)

    @model_validator(mode="after")
    def _label_and_size(self) -> "LandscapeConfig":
        if self.loss == "logistic" and not 0 <= self.y <= 1:
            raise ValueError(f"--y {self.y:g} is no label of the logistic loss, which takes y in [0, 1]")
        for scale, ratio in [*self.cells, (self.atlas_scale, self.atlas_ratio)]:
            if scale * (1 + ratio) > LARGEST:
                raise ValueError(
                    f"scale {scale:g} with ratio {ratio:g} reaches beyond {LARGEST:g}, where rounding shows"
                )
        return self

    @property
    def cells(self) -> list[tuple[float, float]]:
        """All pairs of scale and ratio."""
        return [(scale, ratio) for scale in self.scales for ratio in self.ratios]
