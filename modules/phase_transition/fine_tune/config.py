"""Options of `phase_transition.fine_tune`; light, since `suite info` shows them."""

from pydantic import model_validator

from modules.phase_transition.options import AttackRef, TrainingConfig, check_strengths
from suite.plugin import ArchitectureRef, Epsilons, GradientRefs, Number, Several, option

_SECTION = "Xing et al., App. A"


class FineTuneConfig(TrainingConfig):
    """eps_star from a few adversarial fine-tunings of the clean model, and what it costs."""

    model: ArchitectureRef = option("digits-cnn", "architecture of the zoo: name, name(k=v)", source=_SECTION)
    train_limit: int | None = option(
        None, "training-set size, class-balanced; none: all there are", unit="samples", source="Table 4", gt=0
    )
    eps: Epsilons = option(
        (0.01, 0.02, 0.04), "strengths of the fine-tunings", unit="pixels in [0, 1]", source="Table B.7"
    )
    from_scratch: bool = option(True, "train from scratch beside it, to compare eps_star and cost with")
    scratch_eps: Epsilons = option((0.01, 0.02, 0.04), "strengths of the trainings from scratch", unit="as eps")
    gradient: GradientRefs = option(
        ("bp", "linbp"), "gradient rules of the inner attack; from scratch the first of them alone"
    )
    attack: AttackRef = option(
        "pgd(steps=5,reach=2.5)", "inner attack: pgd(steps=10,reach=2.5) or fgm(reach=1.25)", source="Rice et al. 2020"
    )
    tune_attack: Several[AttackRef] | None = option(
        None,
        "inner attacks of the fine-tunings; none: as --attack, which trains from scratch and decides on the epoch",
        source="Table 4",
    )
    epochs: int | None = option(
        20, "passes over the training set, milestones in proportion; none: the recipe's", unit="epochs", gt=0
    )
    tune_epochs: int | None = option(
        None, "passes of a fine-tuning; none: a fifth, as 40 of 200", unit="epochs", source=_SECTION, gt=0
    )
    rise: Number = option(
        0.4,
        "share of a fine-tuning in which the learning rate rises from 0 to the training's highest; it falls back to 0 "
        "in the rest. The paper's shape is lost, Rice et al.'s superconverge rises for 0.4",
        source="Fig. B.1",
        gt=0,
        lt=1,
    )

    @property
    def tune_attacks(self) -> tuple[str, ...]:
        """Inner attacks of the fine-tunings."""
        return self.tune_attack or (self.attack,)

    @model_validator(mode="after")
    def _strengths_fit_the_norm(self) -> "FineTuneConfig":
        check_strengths(self.norm, (*self.eps, *self.scratch_eps))
        return self
