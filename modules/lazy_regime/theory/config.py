"""Options of `lazy_regime.theory`; light, since `suite info` shows them."""

from typing import Annotated

from pydantic import Field, model_validator

from modules.lazy_regime.options import LARGEST_IMAGE, C0s, LazyTraining
from suite.plugin import Number, Several, Steps, option

Ratios = Several[Annotated[Number, Field(gt=1, le=100)]]


class TheoryConfig(LazyTraining):
    """The links of the proof and the worst net of the lazy ball, in the theory's setting: |x| = 1, no biases."""

    sizes: Steps = option((4, 6, 8), "images are made size x size: d = size^2", unit="pixels")
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

    @model_validator(mode="after")
    def _sizes_and_points(self) -> "TheoryConfig":
        if min(self.sizes) < 2:
            raise ValueError("--sizes 1: the statements are about many dimensions; give at least 2")
        if max(self.sizes) > LARGEST_IMAGE:
            raise ValueError(f"--sizes up to {LARGEST_IMAGE}: larger nets do not fit the memory")
        if self.resisting > self.points:
            raise ValueError("--resisting cannot exceed --points")
        return self
