"""Options of `pgd_dynamics.input_scale`; light, since `suite info` shows them."""

from typing import Literal

from pydantic import model_validator

from suite.errors import SuiteError
from suite.plugin import ArchitectureRef, DatasetRef, Factors, Number, StudyConfig, option

TRAININGS = ("adversarial", "clean")

_QUESTION, _LOST = "Deng et al., Sec. 1, Question 2", "ours; the paper has no such experiment"


class InputScaleConfig(StudyConfig):
    """Adversarial and clean training loss at a fixed epoch, over input scales and learning rates."""

    model: ArchitectureRef = option("digits-cnn", "model of the zoo, with Xavier weights and zero biases", source=_LOST)
    dataset: DatasetRef = option("digits", "data set, or folder:PATH")
    activation: Literal["softplus", "relu"] = option(
        "softplus",
        "softplus replaces every ReLU, as in the theory; relu leaves the model as it is",
        source="Deng et al., Sec. 2",
    )
    scales: Factors = option((0.1, 1.0, 10.0), "factors on the pixels that the model sees", source=_QUESTION)
    ratio: Number = option(
        0.1, "eps = ratio x mean l2 norm of the scaled inputs, in training and test", source=_QUESTION, gt=0
    )
    optimiser: Literal["sgd", "adam"] = option(
        "adam", "constant learning rate, no momentum, no weight decay", source=_LOST
    )
    learning_rates: Factors = option(
        (0.001, 0.003), "each scale meets the others at each, and at its best", source=_LOST
    )
    epochs: int = option(8, "the fixed epoch at which losses are read", unit="epochs", source=_LOST, gt=0)
    batch_size: int = option(64, "samples per step of the training", unit="samples", source=_LOST, gt=0)
    seeds: int = option(3, "trainings of each kind, with seeds seed, seed + 1, ...", gt=1)
    attack_steps: int = option(5, "PGD steps in training, of 2.5 eps / steps from a uniform start", source=_LOST, gt=0)
    test_steps: int = option(20, "PGD steps of the robust test loss", source=_LOST, gt=0)
    train_limit: int | None = option(None, "train on this many samples, class-balanced", unit="samples", gt=0)
    test_limit: int | None = option(200, "test on this many samples, class-balanced", unit="samples", gt=0)

    @model_validator(mode="after")
    def _something_to_compare(self) -> "InputScaleConfig":
        if len(self.scales) < 2:
            raise SuiteError("one scale has nothing to be compared with", "give --scales two or more")
        return self

    @property
    def setup(self) -> str:
        """All trainings in words, for titles and captions."""
        network = f"{self.model} / {self.dataset}, {self.activation}"
        return f"{network}, epoch {self.epochs}, {self.seeds} seeds"
