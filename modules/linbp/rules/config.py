"""Options of `linbp.rules`; light, since `suite info` shows them."""

from typing import Literal

from pydantic import model_validator

from modules.linbp.rules.catalogue import Name
from suite.plugin import DatasetRef, Epsilons, GradientRefs, ModelRefs, Number, Several, Steps, StudyConfig, option

Method = Literal["ifgsm", "pgd", "mifgsm", "di2fgsm", "mdi2fgsm"]


class RulesConfig(StudyConfig):
    """Backward rules at equal budgets: which makes images that fool other models best?"""

    surrogates: ModelRefs = option(
        ("digits-resnet", "mnist-cnn"), "models whose gradients make the adversarial images; all are victims too"
    )
    victims: ModelRefs | None = option(None, "further models that the adversarial images are shown to")
    judges: ModelRefs | None = option(
        ("digits-cnn",),
        "models for which places are calibrated: neither surrogates nor victims; none: published places alone",
    )
    dataset: DatasetRef = option("digits", "data set, or folder:PATH; its test split is attacked")
    rules: Several[Name] | None = option(
        None, "rules of the catalogue (docs/rules.md); not given: all that find something to change, surrogate by "
        "surrogate",
    )  # fmt: skip
    own: GradientRefs | None = option(
        None, "further gradient rules, as they are typed: that is their published place; one with a start is calibrated"
    )
    candidates: int = option(4, "places that calibration tries for each rule", gt=1)
    calibration: int = option(
        60, "choose so many training samples, class-balanced, to calibrate on those that surrogates and judges get "
        "right", unit="samples", gt=1,
    )  # fmt: skip
    methods: Several[Method] = option(
        ("ifgsm", "mifgsm"), "attacks; places are calibrated under the first", source="Kurakin et al. 2017 and others"
    )
    eps: Epsilons = option((0.15,), "attack strengths: radii in the sup-norm", unit="pixels in [0, 1]")
    passes: Steps = option(
        (4, 8), "budgets of one image: forward and backward passes of the surrogate, counted in multiply-adds; ranks "
        "are of the largest",
    )  # fmt: skip
    step_size: Number = option(0.05, "length of a step", unit="pixels in [0, 1]", gt=0)
    skip: int = option(
        0, "leave out the samples that a study with this --limit chooses: those that were looked at before",
        unit="samples", ge=0,
    )  # fmt: skip
    limit: int = option(
        100, "choose at most this many test samples, class-balanced, to attack those that all models get right",
        unit="samples", gt=0,
    )  # fmt: skip
    fast: bool = option(
        False, "fold the surrogates' batch norms and choose the memory layout: equal up to rounding; agreement recorded"
    )
    batch_size: int = option(
        50, "at least so many images are differentiated together: permuted takes the gates of another one of them",
        unit="samples", gt=1,
    )  # fmt: skip

    @model_validator(mode="after")
    def _somebody_to_fool(self) -> "RulesConfig":
        """Other models to be fooled, and judges that are neither."""
        shown = {*self.surrogates, *(self.victims or ())}
        if len(shown) < 2:
            raise ValueError("--surrogates: one model and no other to fool: give --victims")
        if both := shown.intersection(self.judges or ()):
            raise ValueError(f"--judges {sorted(both)[0]} is a surrogate or a victim too: a judge must be neither")
        return self
