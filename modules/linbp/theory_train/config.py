"""Options of `linbp.theory_train`; light, since `suite info` shows them."""

from typing import Annotated, Literal

from pydantic import Field

from suite.plugin import Number, StudyConfig, option

_PAPER = "Li et al., Sec. 4.1"
_CODE = "Li et al., Eq. 17, and their released code"
_LARGEST = 1e6  # of means, deviations and steps: their products stay far from overflow

Deviation = Annotated[Number, Field(gt=0, le=_LARGEST)]


class TheoryTrainConfig(StudyConfig):
    """BP and LinBP training of one rectifier on a teacher's answers."""

    protocol: Literal["paper", "code"] = option(
        "code",
        "paper: N samples drawn once, loss summed over them; code: fresh samples every step, loss averaged. The "
        "default is what the 10,000 steps of Fig. 2 need: summed, both rules are done after some 500",
        source=_CODE,
    )
    samples: Literal["fresh", "fixed"] | None = option(
        None, "samples drawn every step or once; none leaves it to the protocol", source=_CODE
    )
    loss: Literal["mean", "sum"] | None = option(
        None, "loss over N or as printed; none leaves it to the protocol", source=_CODE
    )
    repeats: int = option(
        100, "independent runs: teachers, starts and samples; the paper has 10", unit="runs", ge=2, le=10_000
    )
    steps: int = option(10_000, "steps of training", unit="steps", source=_PAPER, ge=1, le=1_000_000)
    step_size: Annotated[Number, Field(gt=0, le=_LARGEST)] = option(0.001, "learning rate", source=_PAPER)
    mu: Number = option(1.0, "mean of a coordinate of w*", source=_PAPER, ge=-_LARGEST, le=_LARGEST)
    sigma1: Deviation = option(3.0, "standard deviation of a coordinate of w*", source=_PAPER)
    sigma2: Deviation = option(1.0, "standard deviation of a coordinate of the start", source=_PAPER)
    n: int = option(100, "samples N in a step", unit="samples", source=_PAPER, ge=1, le=10_000)
    d: int = option(10, "dimension of w", source=_PAPER, ge=1, le=1000)

    @property
    def fresh(self) -> bool:
        """Whether samples are drawn every step."""
        return (self.samples or {"paper": "fixed", "code": "fresh"}[self.protocol]) == "fresh"

    @property
    def divisor(self) -> int:
        """What gradient and loss are divided by."""
        mean = (self.loss or {"paper": "sum", "code": "mean"}[self.protocol]) == "mean"
        return self.n if mean else 1

    @property
    def rates(self) -> dict[str, float]:
        """Share of the way to w* that expected LinBP takes a step."""
        return {"N": self.step_size * self.n / self.divisor / 2}

    @property
    def size(self) -> int:
        """Numbers that one run holds, about: its samples."""
        return (16 if self.fresh else 1) * self.n * self.d + 8 * self.n
