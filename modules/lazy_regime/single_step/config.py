"""Options of `lazy_regime.single_step`; light, since `suite info` shows them."""

from typing import Literal

from pydantic import model_validator

from modules.lazy_regime.options import LARGEST_IMAGE, C0s, Limit, TextOrCode
from suite.plugin import GradientRef, Steps, option


class SingleStepConfig(TextOrCode):
    """Smallest flipping step along the gradient of lazily trained two-layer nets, by d, m and C0."""

    sizes: Steps = option((3, 4, 5, 6, 8), "images are made size x size: d = size^2", unit="pixels")
    c0s: C0s = option((2, 5, 10), "C0: no neuron is further than C0 / sqrt(m) from its start", source="Def. 2.1")
    networks: int = option(
        5, "nets per d and m, with initialisation and order of samples of their own", ge=2, le=10_000
    )
    gradient: GradientRef = option(
        "linbp", "gradient rule whose direction is compared with the true gradient's; bp: no other"
    )
    flip: Literal["exact", "line-search"] = option(
        "exact", "how the smallest step is found: exactly, or as in the released code, in steps of 0.001 up to 5"
    )
    misclassified: Literal["left-out", "zero"] = option(
        "left-out", "points that the net gets wrong are left out, or count as flipped by 0, as in the released code"
    )
    test_limit: Limit = option(None, "test images, balanced; none: all")

    @model_validator(mode="after")
    def _sizes_that_a_machine_holds(self) -> "SingleStepConfig":
        if max(self.sizes) > LARGEST_IMAGE:
            raise ValueError(f"--sizes up to {LARGEST_IMAGE}: larger nets do not fit the memory")
        return self
