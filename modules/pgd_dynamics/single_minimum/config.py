"""Options of `pgd_dynamics.single_minimum`; light, since `suite info` shows them."""

from typing import Annotated, Literal

from pydantic import Field

from suite.plugin import Epsilon, Factors, Number, Several, StudyConfig, option

Dimensions = Several[Annotated[int, Field(ge=2, le=512)]]
Widths = Several[Annotated[int, Field(ge=1, le=65_536)]]
Losses = Several[Literal["quadratic", "logistic"]]


class SingleMinimumConfig(StudyConfig):
    """Share of networks with one local minimum of L on the sphere, against eps, d and m."""

    dims: Dimensions = option((2, 5, 20), "dimensions d of the input; the sphere of one dimension is two points")
    widths: Widths = option((100, 1000), "hidden neurons m")
    radii: Factors = option((0.25, 0.5, 1, 2, 4, 8, 16), "radii eps of the sphere", unit="sqrt(d)")
    scale: Epsilon = option(1.0, "length of the input x", source="Deng et al., Sec. 5.1")
    losses: Losses = option(
        ("quadratic", "logistic"),
        "quadratic, logistic or both: only the quadratic loss meets its label on the sphere",
    )
    y: Number = option(1.0, "label of every input", source="Eq. 2", ge=0, le=1)
    networks: int = option(20, "random networks per d and m", ge=4, le=100_000)
    starts: int = option(32, "descents per network", ge=2, le=4096)
    resamples: int = option(200, "bootstrap resamples of the networks, for the fitted thresholds", ge=20, le=10_000)
