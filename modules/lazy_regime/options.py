"""Options that several studies of this module have; light to import."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from suite.plugin import DatasetRef, Epsilon, Number, Several, Steps, StudyConfig, option
from suite.refs import split_list

MOST_NEURONS, LARGEST_IMAGE = 100_000, 64  # larger nets do not fit the memory


def _two(classes: tuple[str, ...]) -> tuple[str, ...]:
    if len(classes) != 2 or len(set(classes)) != 2:
        raise ValueError(f"{','.join(classes)}: give two different classes, such as 0,1")
    return classes


Classes = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda value: tuple(split_list(value)) if isinstance(value, str) else value),
    AfterValidator(_two),
]
"""Names of two classes of a data set, as `0,1`; the first has label -1, the second +1."""

C0s = Several[Annotated[Number, Field(ge=0)]]
"""Sizes of the lazy ball: its radius is C0 / sqrt m."""

Limit = Annotated[int, Field(ge=2)] | None
"""How many images to use, balanced between the classes; none: all."""


class TwoClasses(StudyConfig):
    """Base: two classes of a data set."""

    dataset: DatasetRef = option("digits", "data set reference")
    classes: Classes = option(("0", "1"), "the two classes; the first gets label -1", source="Wang et al., Sec. 5")
    train_limit: Limit = option(None, "training images, balanced; none: all")


class LazyTraining(TwoClasses):
    """Base: plain SGD until a net leaves its lazy ball."""

    widths: Steps = option((100, 1000), "hidden neurons m")
    epochs: int = option(200, "passes over the training set at most; 1000 in the released code", ge=1, le=100_000)
    learning_rate: Epsilon = option(0.1, "SGD's learning rate", source="Wang et al., Sec. 5.1")
    batch_size: int = option(64, "samples per SGD step", source="released code", ge=1)

    @model_validator(mode="after")
    def _widths_that_a_machine_holds(self) -> "LazyTraining":
        if max(self.widths) > MOST_NEURONS:
            raise ValueError(f"--widths up to {MOST_NEURONS}: larger nets do not fit the memory")
        return self


class TextOrCode(LazyTraining):
    """Base: what the paper's text and its released code do differently in plain training."""

    unit_norm: bool = option(
        True, "scale every image to |x| = 1, as the theory and Appendix A do; else pixels, as the released code does"
    )
    biases: bool = option(
        False,
        "train biases too and add a fixed output bias, as the released code does for Sec. 5.1; Appendix A has none",
    )
    stop: Literal["inside", "outside", "project"] = option(
        "inside",
        "what is returned of a net that leaves its ball: the last iterate inside, as the paper says; the first outside "
        "at the end of an epoch, as the released code does; or every step is projected back and training goes on",
    )
