"""Options of `linbp.adv_train`; light, since `suite info` shows them."""

from typing import Literal

from pydantic import model_validator

from suite.plugin import ArchitectureRef, DatasetRef, Epsilon, GradientRef, Number, Several, StudyConfig, option
from suite.refs import format_number

Strategy = Literal["bp", "weights", "weights+examples"]

_SECTION = "Li et al., Sec. 4.2"


class AdvTrainConfig(StudyConfig):
    """Adversarial training of one model by several strategies, side by side."""

    model: ArchitectureRef = option("digits-cnn", "architecture of the zoo: name, name(k=v)")
    dataset: DatasetRef = option("digits", "data set, or folder:PATH")
    strategies: Several[Strategy] = option(
        ("bp", "weights", "weights+examples"),
        "where the rule replaces the true gradient: nowhere, for the weights, for the weights and the examples",
        source="Li et al., Fig. 7",
    )
    gradient: GradientRef = option("linbp", "gradient rule of the strategies other than bp")
    eps: Epsilon = option(8 / 255, "radius of the ball", unit="pixels in [0, 1]", source=_SECTION)
    step_size: Number = option(2 / 255, "length of a step", unit="as eps", source=_SECTION, gt=0)
    steps: int = option(5, "steps of PGD, in training and in testing", unit="steps", source=_SECTION, gt=0)
    norm: Literal["linf", "l2"] = option("linf", "norm of the ball and of a step", source="Li et al., Sec. 2.2")
    random_start: bool = option(True, "begin at a random point of the ball (Madry et al. 2018), or at the image")
    attack_mode: Literal["eval", "train"] = option(
        "eval", "the model's mode while training examples are made; train moves batch norm's statistics, as Rice et al."
    )
    apgd_steps: int = option(
        0, "steps of APGD-CE on the trained model, against what PGD left; 0: none", source="Croce and Hein 2020", ge=0
    )
    watch_collapse: int = option(
        0,
        "steps of PGD that look for catastrophic overfitting after each epoch, on 200 training samples; a training "
        "ends once they take nearly all that a single step leaves. 0: do not look",
        source="Wong et al. 2020",
        ge=0,
    )
    learning_rate: Number | None = option(
        None, "learning rate of the first epoch; none: the recipe's", source=f"{_SECTION}: 0.01", gt=0
    )
    seeds: int = option(3, "trainings of each strategy, with seeds seed, seed + 1, ...; the paper has one", gt=0)
    epochs: int | None = option(12, "passes over the training set; none: the recipe's", unit="epochs", gt=0)
    bfloat16: bool = option(False, "train and craft in bfloat16 where layers can (autocast): other numbers")
    channels_last: bool = option(False, "lay images and weights out with channels last: faster, rounded otherwise")
    train_limit: int | None = option(None, "train on this many samples, class-balanced", unit="samples", gt=0)
    test_limit: int | None = option(None, "test on this many samples, class-balanced", unit="samples", gt=0)

    @model_validator(mode="after")
    def _options_that_do_something(self) -> "AdvTrainConfig":
        if self.apgd_steps and self.norm != "linf":
            raise ValueError("--apgd-steps: APGD-CE is for --norm linf")
        if self.watch_collapse == 1:
            raise ValueError("--watch-collapse 1: one step tells nothing of another; give 2 or more")
        if self.strategies == ("bp",) and self.gradient != type(self).model_fields["gradient"].default:
            raise ValueError("--gradient does nothing without the strategy weights or weights+examples")
        return self


def attack_in_words(config: AdvTrainConfig) -> str:
    """The attack that trainings are tested with: `PGD-5, linf eps 8/255`."""
    return f"PGD-{config.steps}, {config.norm} eps {format_number(config.eps)}"
