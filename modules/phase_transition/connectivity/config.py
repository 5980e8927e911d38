"""Options of `phase_transition.connectivity`; light, since `suite info` shows them."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from modules.phase_transition.options import AttackRef, TrainingConfig, check_strengths
from suite.plugin import ArchitectureRef, GradientRef, Number, Several, option

_GARIPOV = "Garipov et al. 2018"
_FIGURE = "Xing et al., Fig. 4"


class ConnectivityConfig(TrainingConfig):
    """Connectivity between a clean model and adversarial ones of several strengths; eps 0 is a second clean model."""

    model: ArchitectureRef = option("digits-cnn", "architecture of the zoo: name, name(k=v)", source=_FIGURE)
    attack: AttackRef = option(
        "pgd(steps=5,reach=2.5)", "inner attack, pgd(steps=5,reach=2.5) or fgm(reach=1.25); Rice et al. take 10 steps"
    )
    train_limit: int | None = option(
        600, "training-set size, class-balanced; none: all there are", unit="samples", gt=0
    )
    gradient: GradientRef = option("bp", "gradient rule of the inner attack")
    eps: Several[Annotated[Number, Field(ge=0)]] = option(
        (0.0, 0.02, 0.1, 0.3),
        "attack strengths of the adversarial model; 0: another clean training, of other batches",
        unit="pixels in [0, 1]",
        source=_FIGURE,
    )
    epochs: int | None = option(
        15, "passes over the training set, milestones in proportion; none: the recipe's", unit="epochs", gt=0
    )
    initialisation: Literal["shared", "own"] = option(
        "shared",
        "the two models begin at the same weights, or each at its own. The paper does not say; the code it modifies "
        "seeds every training alike, hence shared. Batches always differ, units are never permuted to match",
    )
    endpoint: int | None = option(
        None,
        "take both models after so many epochs; none: at their epochs of least adversarial loss, see select",
        unit="epochs",
        source=f"{_FIGURE}: the 101st of 200",
        gt=0,
    )
    curve: Literal["bezier", "polychain"] = option(
        "bezier", "family of the curve; the paper does not say which", source=_GARIPOV
    )
    curve_epochs: int | None = option(
        None, "passes over the training set for the middle point; none: as epochs", unit="epochs", gt=0
    )
    curve_learning_rate: Number | None = option(
        None,
        "of the first half of them; then it falls to a hundredth. None: as learning-rate",
        source=f"{_GARIPOV}: 0.03 for residual nets",
        gt=0,
    )
    grid: int = option(21, "points along a side of the plane's grid, for the first seed", source=_GARIPOV, ge=2)
    loss_limit: int | None = option(
        500, "measure the loss on so many training samples, class-balanced; none: on all", unit="samples", gt=0
    )

    @model_validator(mode="after")
    def _strengths_fit_the_norm(self) -> "ConnectivityConfig":
        check_strengths(self.norm, self.eps)
        return self
