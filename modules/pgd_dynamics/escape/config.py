"""Options of `pgd_dynamics.escape`; light, since `suite info` shows them.

The paper's supplement is lost, and with it the CNN, learning rates, steps and how local maxima were found. The choices
here are options with their reasons; the step of PGD comes in two kinds, because it decides part of the answer.
"""

from typing import Annotated, Literal

from pydantic import Field

from suite.plugin import ArchitectureRef, DatasetRef, Factors, GradientRef, Number, Several, StudyConfig, option

_SECTION, _LOST = "Deng et al., Sec. 5.1, Fig. 2", "ours; the paper's is lost"


class EscapeConfig(StudyConfig):
    """Projected gradient ascent from local minima of the adversary's loss, over input scales, ratios and training."""

    model: ArchitectureRef = option("digits-cnn", "CNN of the zoo, with Xavier weights and zero biases", source=_LOST)
    dataset: DatasetRef = option("digits", "data set, or folder:PATH; its test split is attacked")
    activation: Literal["softplus", "relu"] = option(
        "softplus",
        "softplus replaces every ReLU, as in the theory; relu leaves the model as it is, and has no second-order check",
        source="Deng et al., Sec. 2",
    )
    scales: Factors = option((0.1, 1.0, 10.0), "factors on the pixels that the model sees", source=_SECTION)
    ratios: Factors = option(
        (0.001, 0.01, 0.1, 1.0, 10.0), "eps = ratio x mean l2 norm of the scaled inputs", source=_SECTION
    )
    gradient: GradientRef = option("bp", "gradient rule that the ascent follows; compared with bp from the same points")
    step_rules: Several[Literal["raw", "unit"]] = option(
        ("raw", "unit"),
        "raw: delta + eta dL, the paper's PGD; unit: a fixed share of eps along dL, whatever its length",
    )
    eta: Number = option(
        1.0, "step size of raw steps, the same in every ball", unit="input^2 per nat", source=_LOST, gt=0
    )
    unit_step: Number = option(0.05, "length of a unit step", unit="eps", gt=0, le=2)
    steps: int = option(300, "steps of an ascent", unit="steps", source=_LOST, gt=0)
    noise: Number = option(
        0.001, "tangential push at the start, without which a pinned point stays", unit="eps", gt=0, le=1
    )
    descent: int = option(300, "gradients of a descent to a local minimum, at most", gt=0)
    samples: int = option(8, "test samples, class-balanced", unit="samples", gt=1)
    seeds: int = option(2, "networks: initial weights and training with seeds seed, seed + 1, ...", gt=0)
    epochs: Several[Annotated[int, Field(ge=0)]] = option(
        (0, 1, 10), "epochs of adversarial training after which escape is measured; the initial network, 0, always is",
        unit="epochs", source="Deng et al., Fig. 3",
    )  # fmt: skip
    training_ratio: Number = option(0.1, "ratio of adversarial training", source=_LOST, gt=0)
    training_steps: int = option(
        5, "PGD steps of adversarial training: normalised, from a uniform start", source=_LOST, gt=0
    )
    train_limit: int | None = option(None, "train on this many samples, class-balanced", unit="samples", gt=0)

    @property
    def gradients(self) -> tuple[str, ...]:
        """Gradient rules that ascents follow, bp first."""
        return tuple(dict.fromkeys(("bp", self.gradient)))
