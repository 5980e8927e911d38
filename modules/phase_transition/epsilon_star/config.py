"""Options of `phase_transition.epsilon_star`; light, since `suite info` shows them."""

from typing import Literal

from pydantic import model_validator

from modules.phase_transition.options import AttackRef, TrainingConfig, check_strengths
from suite.plugin import ArchitectureRefs, Epsilons, GradientRefs, Number, Steps, option


class EpsilonStarConfig(TrainingConfig):
    """The critical attack strength of models, training-set sizes and gradient rules, side by side."""

    model: ArchitectureRefs = option(("digits-cnn",), "architectures of the zoo: name, name(k=v)", source="Table 3")
    train_limit: Steps | None = option(
        (200, 800), "training-set sizes, class-balanced; none: all there are", unit="samples", source="Table 3"
    )
    gradient: GradientRefs = option(("bp",), "gradient rules of the inner attack")
    eps: Epsilons = option(
        (0.03, 0.06, 0.12),
        "attack strengths; clean training is always there",
        unit="pixels in [0, 1]",
        source="Table 1",
    )
    search: Literal["grid", "bisect"] = option(
        "grid", "train at eps alone, or go on from there for each seed where its crossing is: halve, or double"
    )
    tolerance: Number = option(
        0.1, "bisect until the bracket is so narrow, in units of eps_star or of 1/255 if that is more", gt=0, lt=1
    )
    attack: AttackRef = option(
        "pgd(steps=5,reach=2.5)",
        "inner attack: pgd(steps=10,reach=2.5), as the paper, or fgm(reach=1.25); a step is reach * eps / steps",
        source="Rice et al. 2020; Xing et al., Sec. 5.1",
    )
    batch_size: int | None = option(32, "samples per step; none: the recipe's", unit="samples", gt=0)
    epochs: int | None = option(
        20, "passes over the training set, milestones in proportion; none: the recipe's", unit="epochs", gt=0
    )

    keep_models: bool = option(
        False, "store every training's model, with the weights of its selected epoch, for `run:RUN/NAME`"
    )

    @model_validator(mode="after")
    def _strengths_fit_the_norm(self) -> "EpsilonStarConfig":
        check_strengths(self.norm, self.eps)
        return self

    @property
    def setting(self) -> str:
        """Data, objective, attack and seeds in words."""
        seeds = f"{self.seeds} seed{'s' * (self.seeds > 1)}"
        return f"{self.dataset}, {self.loss}, {self.norm} {self.attack}, {seeds}"
