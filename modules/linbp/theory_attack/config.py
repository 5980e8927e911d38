"""Options of `linbp.theory_attack`; light, since `suite info` shows them."""

from typing import Annotated, Literal

from pydantic import Field

from suite.plugin import Number, Several, StudyConfig, option

_PAPER = "Li et al., Sec. 4.1"
_LARGEST = 1e6  # of means, deviations and steps: their products stay far from overflow

Mode = Literal["raw", "l2", "sign"]
Dimension = Annotated[int, Field(ge=1, le=4096)]
StepSize = Annotated[Number, Field(gt=0, le=_LARGEST)]
Deviation = Annotated[Number, Field(gt=0, le=_LARGEST)]


class TheoryAttackConfig(StudyConfig):
    """BP and LinBP on the way to the optimal adversarial example of a random two-layer network."""

    modes: Several[Mode] = option(
        ("raw", "l2", "sign"), "updates: the gradient, over its l2 norm, or its sign: raw, l2, sign", source="Fig. 1"
    )
    protocol: Literal["paper", "code"] = option(
        "paper",
        "paper: raw steps as in Eq. 15; code: raw gradients divided by d1 as in the released script, which only slows "
        "them down. The default is what the theorem is stated for",
        source="Li et al., Eq. 15, and their released code",
    )
    repeats: int = option(
        1000, "independent runs: networks, optima and starts; the paper has 10", unit="runs", ge=2, le=10_000
    )
    steps: int = option(100, "steps of the attack", unit="steps", source=_PAPER, ge=1, le=100_000)
    step_size_raw: StepSize = option(0.001, "step size of raw updates", source=_PAPER)
    step_size_l2: StepSize = option(0.05, "length of an l2-normalised step", source=_PAPER)
    step_size_sign: StepSize = option(0.005, "length of a sign step in each coordinate", source=_PAPER)
    eps: StepSize = option(0.25, "half the side of the cube around the start", source=_PAPER)
    clip: bool = option(True, "keep the iterates in that cube, or let them go", source="Li et al., Eq. 15")
    mu: Number = option(1.0, "mean of a coordinate of x*", source=_PAPER, ge=-_LARGEST, le=_LARGEST)
    sigma1: Deviation = option(2.0, "standard deviation of a coordinate of x*", source=_PAPER)
    sigma2: Deviation = option(1.0, "standard deviation of a coordinate of the start", source=_PAPER)
    d1: Dimension = option(100, "dimension of x", source=_PAPER)
    d2: Dimension = option(20, "hidden rectifiers", source=_PAPER)
    d3: Dimension = option(10, "outputs", source=_PAPER)

    def step_of(self, mode: str) -> float:
        """The step size of a mode; for raw updates with the divisor of the protocol."""
        raw = self.step_size_raw / (self.d1 if self.protocol == "code" else 1)
        return {"raw": raw, "l2": self.step_size_l2, "sign": self.step_size_sign}[mode]

    @property
    def rates(self) -> dict[str, float]:
        """Share of the way to x* that expected LinBP takes a raw step: with d2 as printed, with d2 d3 as it is."""
        half = self.step_of("raw") / 2
        return {"d2": half * self.d2, "d2 d3": half * self.d2 * self.d3}

    @property
    def size(self) -> int:
        """Numbers that one run holds, about: its network, and what its states need."""
        return self.d2 * (self.d1 + self.d3) + 16 * len(self.modes) * self.d1
