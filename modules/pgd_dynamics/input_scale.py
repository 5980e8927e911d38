"""`pgd_dynamics.input_scale`: does a smaller input scale help adversarial training? (Deng et al. 2020, Question 2.)

"When we fix the ratio r, do smaller input scales (implying smaller eps) help optimization of adversarial training?" The
paper answers yes from the landscapes of untrained networks. Here the networks are trained: the adversarial training
loss at a fixed epoch, at several scales of the same images, with the same initial weights and batches. The learning
rate cannot be the same for all in every sense, because a scale changes the first layer's gradient; so there is a grid
of rates, and scales meet at the same rate and each at its best. Clean training is the control: the paper says that
scaling does "not seem" to affect it.
"""

from functools import partial
from typing import TYPE_CHECKING, Literal

from pydantic import model_validator

from suite.errors import SuiteError
from suite.plugin import ArchitectureRef, DatasetRef, Factors, Number, StudyConfig, option

if TYPE_CHECKING:
    from suite.host.run import Run

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


def input_scale(config: InputScaleConfig, run: "Run") -> None:
    """Adversarial training loss at a fixed epoch against the input scale (Deng et al. 2020, Question 2)."""
    from modules.pgd_dynamics import input_scale_figures, input_scale_tables
    from modules.pgd_dynamics.input_scale_scene import Scene

    scene = Scene(config, run)
    for cell in run.track(scene.cells, "trainings"):
        run.table("curves").extend(run.once(str(cell), partial(scene.curve, cell)))
        scene.forget(cell)
    run.record(mean_norm=scene.mean_norm, train_samples=scene.samples)

    outcomes = list(input_scale_tables.outcomes(run.table("curves").rows()))
    tables = {
        "outcomes": outcomes,
        "summary": input_scale_tables.summary(outcomes),
        "comparisons": input_scale_tables.comparisons(outcomes),
    }
    for name, rows in tables.items():
        for row in rows:
            run.table(name).add(**row)
    of = f"{config.model} / {config.dataset}, {config.activation}, epoch {config.epochs}, {config.seeds} seeds"
    for row in run.table("summary").rows():
        if row["training"] == "adversarial" and row["best"]:
            run.headline(**{f"adversarial loss at scale {row['scale']:g}": row["train_loss"]})
    run.show(
        "summary",
        *(
            "training",
            "scale",
            "learning_rate",
            "best",
            "train_loss",
            "low",
            "high",
            "robust_loss",
            "robust_accuracy",
            "diverged",
        ),
        title=f"Training loss, mean and 95 % interval over seeds: {of}",
    )
    run.show("comparisons", title="Loss at the smaller scale minus loss at the larger, paired by seed; 95 % interval")
    caption = f"{of}; bands are 95 % intervals (Student) of the mean over seeds, each scale at its best learning rate."
    run.figure(
        "training_loss", input_scale_figures.curves(run.table("curves").rows(), run.table("summary").rows()), caption
    )
    run.figure(
        "rates",
        input_scale_figures.rates(run.table("summary").rows()),
        f"Loss at the fixed epoch, {of}; 95 % intervals.",
    )
