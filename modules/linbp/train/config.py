"""Options of `linbp.train`; light, since `suite info` shows them."""

from typing import Literal

from suite.plugin import ArchitectureRefs, DatasetRef, Factors, GradientRefs, StudyConfig, option

_SECTION = "Li et al., Sec. 4.2"


class TrainConfig(StudyConfig):
    """Training under several gradient rules, side by side."""

    models: ArchitectureRefs = option(("two-layer", "digits-cnn"), "architectures of the zoo: name, name(k=v)")
    dataset: DatasetRef = option("digits", "data set, or folder:PATH")
    gradients: GradientRefs = option(
        ("bp", "linbp"), "gradient rules for the weights; the first is the reference", source="Li et al., Eq. 8"
    )
    factors: Factors = option((1.0,), "learning rates, in units of the recipe's", source="Li et al., App. A.1, Fig. 8")
    seeds: int = option(3, "trainings of each kind, with seeds seed, seed + 1, ...; the paper has one", gt=0)
    epochs: int | None = option(None, "passes over the training set; none: the recipe's", unit="epochs", gt=0)
    stretch: bool = option(
        False, "train 1/factor times as long where the factor is below 1", source="Li et al., Fig. 8 (c), (d)"
    )
    protocol: Literal["code", "paper"] = option(
        "code",
        "recipe: the released code's, which made the figures; or the printed learning rate, held constant",
        source=_SECTION,
    )
    bfloat16: bool = option(False, "train in bfloat16 where layers can (autocast): other numbers")
    channels_last: bool = option(False, "lay images and weights out with channels last: faster, rounded otherwise")
    train_limit: int | None = option(None, "train on this many samples, class-balanced", unit="samples", gt=0)
    test_limit: int | None = option(None, "test on this many samples, class-balanced", unit="samples", gt=0)


def format_factor(factor: float) -> str:
    """A factor in all its digits, since it tells trainings apart: 10, 0.1."""
    return repr(factor).removesuffix(".0")
