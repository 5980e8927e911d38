"""Options of `linbp.positions`; light, since `suite info` shows them."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, model_validator

from suite.plugin import DatasetRef, Epsilon, GradientRef, ModelRef, ModelRefs, Number, Steps, StudyConfig, option
from suite.refs import parse_sum, split_list

_TABLE = "Li et al., Sec. 4.2, Table 1"


def _indices(value: object) -> object:
    """Comma-separated text, or a single index, as a tuple."""
    if isinstance(value, str):
        return tuple(split_list(value))
    return (value,) if isinstance(value, int) else value


class PositionsConfig(StudyConfig):
    """LinBP's start swept over all rectifier calls of one model."""

    model: ModelRef = option("digits-cnn", "model: name, name(k=v), name@WEIGHTS, run:RUN/NAME, import:pkg.mod:factory")
    dataset: DatasetRef = option("digits", "data set, or folder:PATH")
    split: Literal["train", "test"] = option(
        "train", "samples to sweep on: calibration samples of the training split leave the test split untouched"
    )
    gradient: GradientRef = option(
        "linbp", "gradient rule whose start is swept, e.g. linbp(variant=guo)", source="Li et al., Eq. 5, 6"
    )
    victims: ModelRefs | None = option(None, "models that the adversarial samples, rounded to 8 bits, are shown to")
    positions: Annotated[tuple[int, ...], BeforeValidator(_indices)] | None = option(
        None, "rectifier calls to start at, 0 the first, -1 the last; not given: all"
    )
    stride: int = option(1, "start at every so many-th rectifier call, from the first on", gt=0)
    eps: Epsilon = option(0.05, "attack strength: radius of the sup-norm ball", unit="pixels in [0, 1]", source=_TABLE)
    steps: Steps = option((1, 2, 5, 10), "numbers of steps K at which success is read; transfer after the last")
    step_size: Number = option(2 / 255, "length of a step", unit="as eps", source=_TABLE, gt=0)
    loss: Literal["ce", "nll_logits", "stable_ce"] = option(
        "ce", "cross-entropy; minus the true logit; or cross-entropy without its cancellation at p = 1"
    )
    limit: int | None = option(300, "use at most this many samples, class-balanced", unit="samples", gt=0)
    watched: int = option(100, "samples of these at whose iterates the true gradient is computed too", gt=1)
    engine: Literal["auto", "autograd"] = option(
        "auto", "backward pass of a linearised tail: one matrix (where that is exact), or autograd"
    )
    batch_size: int | None = option(
        None, "samples attacked at once; none: 64, more of small images", unit="samples", in_key=False, gt=0
    )

    @model_validator(mode="after")
    def _starts_are_chosen_once(self) -> "PositionsConfig":
        if self.positions and self.stride > 1:
            raise ValueError("--positions and --stride both choose the starts: give one of them")
        if any("start" in call.arguments for call in parse_sum(self.gradient)):
            raise ValueError(f"--gradient {self.gradient}: its start is what is swept; leave it out")
        return self
