"""Options of `lazy_regime.adv_train`; light, since `suite info` shows them."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from modules.lazy_regime.options import LARGEST_IMAGE, MOST_NEURONS, Limit, TwoClasses
from suite.plugin import Epsilon, Epsilons, Factors, GradientRef, Number, Several, Steps, option

Panel = Literal["dimension", "width"]
Order = Literal["step", "epoch", "released"]

_TEXT = "Wang et al., Sec. 5.2"
_CODE = "released code"


class AdvTrainConfig(TwoClasses):
    """Robust accuracy of two-layer nets trained adversarially within lazy balls, over (d, eps) and (m, radius)."""

    panels: Several[Panel] = option(("dimension", "width"), "Fig. 4 left: (d, eps); right: (m, radius)")
    sizes: Steps = option((3, 4, 6, 8), "left: images are made size x size, d = size^2", unit="pixels")
    epsilons: Epsilons = option(
        (0.05, 0.08, 0.125, 0.2, 0.3, 0.45), "left: radii eps of the attack; images have |x| = 1", unit="|x|"
    )
    width: int = option(100, "left: hidden neurons m", ge=1, le=MOST_NEURONS)
    c0: Annotated[Number, Field(ge=0)] = option(10.0, "left: no neuron is further than C0 / sqrt(m) from its start")
    widths: Steps = option((25, 75, 225), "right: hidden neurons m")
    radii: Factors = option(
        (0.2, 0.3, 0.45, 0.7, 1.0, 1.5, 2.5), "right: radii of the ball", unit="length of a row of W"
    )
    size: int = option(8, "right: images are made size x size", unit="pixels", ge=1)
    eps: Epsilon = option(0.25, "right: radius of the attack", unit="|x|")
    orders: Several[Order] = option(
        ("step", "epoch", "released"),
        "right, each; left, the first. step: project after every step (the text); epoch: once an epoch (the code), the "
        "projected net is evaluated; released: the same nets as the code evaluates them, before that projection",
        source=_TEXT,
    )
    crafting: Literal["epoch", "batch"] = option(
        "epoch",
        "training examples are crafted once an epoch for all images, as the released code does, or for every batch, as "
        "Algorithm 1 says; the first is the default since it made the published figure",
    )
    attack_steps: int = option(100, "PGD steps of 2.5 eps / steps on test images", source=_TEXT, ge=1, le=10_000)
    train_steps: int = option(
        20, "the same where training examples are crafted; 100 in the paper, at 5 times the cost", ge=1, le=10_000
    )
    clip: bool = option(
        False, "keep attacked images in [0, 1], as the released code does; the text and the theory do not"
    )
    gradient: GradientRef = option("bp", "gradient rule that crafts training examples; weights follow true gradients")
    biases: bool = option(False, "train biases too and add a fixed output bias, as the released code does")
    learning_rate: Epsilon = option(
        0.5, "SGD's learning rate; the released code's 0.01, with fewer steps an epoch than its 396 on MNIST"
    )
    batch_size: int = option(32, "samples per SGD step", source=_CODE, ge=1)
    epochs: int = option(60, "passes over the training set at most; 1000 in the paper", source=_CODE, ge=1, le=100_000)
    patience: int = option(
        21, "stop after so many epochs in a row that do not raise robust training accuracy", source=_CODE, ge=1
    )
    networks: int = option(3, "nets per cell, with initialisation and order of samples of their own", ge=1, le=10_000)
    test_limit: Limit = option(None, "test images, balanced; none: all")

    def data(self, samples: Mapping[str, int]) -> str:
        """What was trained on and tested, in words; `samples` as measuring counted them."""
        rule = "" if self.gradient == "bp" else f", training examples crafted under {self.gradient}"
        images = f"{samples['train']} training and {samples['test']} test images"
        return f"{self.dataset}, {images}, {self.networks} nets a cell{rule}"

    @model_validator(mode="after")
    def _what_a_machine_holds(self) -> "AdvTrainConfig":
        if max(self.widths) > MOST_NEURONS or max(*self.sizes, self.size) > LARGEST_IMAGE:
            limits = f"--widths up to {MOST_NEURONS}, --sizes and --size up to {LARGEST_IMAGE}"
            raise ValueError(f"{limits}: larger nets do not fit the memory")
        return self
