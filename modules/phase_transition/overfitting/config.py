"""Options of `phase_transition.overfitting`; light, since `suite info` shows them."""

from pydantic import model_validator

from modules.phase_transition.options import AttackRef, TrainingConfig, check_strengths
from suite.plugin import ArchitectureRef, Epsilons, GradientRef, Steps, option

_FIGURE, _TABLE = "Xing et al., Fig. 5", "Xing et al., Table 2, B.6"


class OverfittingConfig(TrainingConfig):
    """Generalisation gaps of clean and adversarial training, and the strengths that spoil one-step training."""

    model: ArchitectureRef = option("digits-cnn", "architecture of the zoo: name, name(k=v)", source=_FIGURE)
    train_limit: Steps | None = option(
        (500,), "training-set sizes, class-balanced; none: all there are", unit="samples", source=_TABLE
    )
    gradient: GradientRef = option("bp", "gradient rule of the attacks that training samples are made by")
    attack: AttackRef = option(
        "pgd(steps=5,reach=2.5)",
        "inner attack of eps, and of every robust loss: pgd(steps=5,reach=2.5); Rice et al. take 10 steps",
    )
    eps: Epsilons = option((0.05, 0.2), "strengths of the trainings whose gap is measured, beside clean training",
                           unit="pixels in [0, 1]", source=_FIGURE)  # fmt: skip
    fast: AttackRef = option(
        "fgm(reach=1.25)", "one-step inner attack of fast-eps, from a random start as in the code the paper modifies"
    )
    fast_eps: Epsilons = option((0.1, 0.3, 0.5), "strengths tried for the smallest unstable one",
                                unit="pixels in [0, 1]", source=_TABLE)  # fmt: skip
    stop: bool = option(True, "end one-step training in the epoch after which it has collapsed")
    epochs: int | None = option(
        24, "passes over the training set, milestones in proportion; none: the recipe's", unit="epochs", gt=0
    )
    batch_size: int | None = option(32, "samples per step; none: the recipe's", unit="samples", gt=0)
    reference: int | None = option(
        None,
        "epoch whose gap is the unit; none: the first after the first milestone, or after half of the epochs",
        unit="epochs",
        source=f"{_FIGURE}: the 101st of 200",
        gt=0,
    )
    test_limit: int | None = option(200, "test on so many samples, class-balanced; none: on all", unit="samples", gt=0)

    @model_validator(mode="after")
    def _strengths_fit_the_norm(self) -> "OverfittingConfig":
        check_strengths(self.norm, (*self.eps, *self.fast_eps))
        return self
