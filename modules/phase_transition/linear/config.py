"""Options of `phase_transition.linear`; light, since `suite info` shows them."""

from math import sqrt
from typing import Annotated

from pydantic import Field, model_validator

from modules.phase_transition.sizes import Sizes
from suite.plugin import Epsilon, Factors, Number, StudyConfig, option

_ROWS = 20_000_000
_UNIT = "sqrt(d/n)"
_LOST = "the paper says only"


class LinearConfig(StudyConfig):
    """Adversarial linear regression under l2 attack: paths, p-values, and growth of eps_star with d/n."""

    sizes: Sizes = option(("20/1000", "2000/10"), "dimension/samples of the paths", source="Table B.1")
    eps: Factors = option(
        (0.0707107, 0.3, 1, 1.41421),
        "attack strengths of the paths; the first and the last are Table B.1's small and large ones of either size",
        unit=_UNIT,
        source="Table B.1",
    )
    repeats: int = option(100, "data sets per size, each trained at all strengths", source="Sec. 4", ge=2, le=100_000)
    steps: int = option(100, "steps T of gradient descent from zero", source="Sec. 4", ge=1, le=100_000)
    step: Annotated[Number, Field(gt=0, le=2)] = option(
        0.25,
        f"learning rate, the same for all strengths; {_LOST} 'proper'",
        unit="1 / lambda, lambda = 2 (1 + sqrt(d/n))^2 the largest eigenvalue of the clean Hessian",
    )
    noise_variance: Epsilon = option(
        0.25,
        f"variance of the noise; {_LOST} 'constant'. For d > n the clean model beats the predictor 0, and eps_star is "
        "finite, only if it is below |theta0|^2 (d - n - 1) / d",
    )
    theta0_norm: Epsilon = option(1.0, f"length of theta0; {_LOST} O(1)")
    test_sizes: Sizes = option(
        ("2/100", "5/100", "10/100"), "dimension/samples of the p-values", source="Fig. 2 right, Fig. 3"
    )
    test_eps: Factors = option(
        (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1, 1.4, 2, 3), "attack strengths of the p-values", unit=_UNIT
    )
    null: int = option(300, "clean trainings behind a p-value", source="Sec. 4", ge=10, le=100_000)
    growth: Sizes = option(
        ("1/200", "2/200", "4/200", "10/200", "20/200", "40/200", "4/400", "8/400", "40/400", "80/400",
         "2/800", "4/800", "40/800", "100/20", "200/20", "400/20", "1000/20"),
        "dimension/samples at which eps_star is located, beside the sizes above; fitted are d/n <= 0.2 and d/n >= 5, "
        "and apart d sqrt(2/n) <= 0.25 and >= 2",
    )  # fmt: skip
    growth_repeats: int = option(50, "data sets per size behind an eps_star of expected losses", ge=20, le=100_000)
    own_repeats: int = option(200, "data sets per size, each with an eps_star of its own", ge=20, le=100_000)

    @model_validator(mode="after")
    def _rows_that_can_be_held(self) -> "LinearConfig":
        rows = self.repeats * len(self.eps) * self.steps
        if rows > _ROWS:
            raise ValueError(f"--repeats, --eps and --steps make {rows:,} rows a size; at most {_ROWS:,}")
        return self

    @property
    def sigma(self) -> float:
        """Standard deviation of the noise."""
        return sqrt(self.noise_variance)

    @property
    def located(self) -> list[str]:
        """All sizes whose eps_star is asked for, each once."""
        return list(dict.fromkeys([*self.growth, *self.sizes, *self.test_sizes]))
