"""`lazy_regime.adv_train`: projected adversarial training in the lazy ball (Wang et al. 2022, Sec. 5.2, Fig. 4).

Robust accuracy over dimension and eps (Fig. 4 left) and over width and radius of the ball (right). For every run the
place at which it passes one half is fitted, and from these the powers that the paper draws, -1/2 of d and -1/2 of m.
The paper projects after every step and says that its nets are in the ball; its released code projects once an epoch
and reports what the nets did just before. Both orders are trained and evaluated: does the transition survive?
"""

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from modules.lazy_regime.options import Classes, Limit
from suite.plugin import (
    DatasetRef,
    Epsilon,
    Epsilons,
    Factors,
    GradientRef,
    Number,
    Several,
    Steps,
    StudyConfig,
    option,
)

if TYPE_CHECKING:
    from suite.host.run import Run

Panel = Literal["dimension", "width"]
Order = Literal["step", "epoch", "released"]

_TEXT = "Wang et al., Sec. 5.2"
_CODE = "released code"


class AdvTrainConfig(StudyConfig):
    """Robust accuracy of two-layer nets trained adversarially within lazy balls, over (d, eps) and (m, radius)."""

    dataset: DatasetRef = option("digits", "data set reference")
    classes: Classes = option(("0", "1"), "the two classes; the first gets label -1", source="Wang et al., Sec. 5")
    panels: Several[Panel] = option(("dimension", "width"), "Fig. 4 left: (d, eps); right: (m, radius)")
    sizes: Steps = option((3, 4, 6, 8), "left: images are made size x size, d = size^2", unit="pixels")
    epsilons: Epsilons = option(
        (0.05, 0.08, 0.125, 0.2, 0.3, 0.45), "left: radii eps of the attack; images have |x| = 1", unit="|x|"
    )
    width: int = option(100, "left: hidden neurons m", ge=1, le=100_000)
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
    train_limit: Limit = option(None, "training images, balanced; none: all")
    test_limit: Limit = option(None, "test images, balanced; none: all")

    @model_validator(mode="after")
    def _what_a_machine_holds(self) -> "AdvTrainConfig":
        if max(self.widths) > 100_000 or max(*self.sizes, self.size) > 64:
            raise ValueError("--widths up to 100000, --sizes and --size up to 64: larger nets do not fit the memory")
        return self


def adv_train(config: AdvTrainConfig, run: "Run") -> None:
    """Trains the nets of Fig. 4 block by block, side by side, and fits where robust accuracy passes one half."""
    from modules.lazy_regime.adv_train_scene import Scene

    scene = Scene(config, run)
    for block in run.track(scene.blocks, "blocks of nets"):
        run.table("nets").extend(run.once(str(block), partial(scene.measured, block)))
    run.record(samples=scene.samples, seconds=scene.seconds)
    _report(config, run, scene.samples)


def _report(config: AdvTrainConfig, run: "Run", samples: dict[str, int]) -> None:
    """Cells, transitions, powers, claims and figures from the rows per net."""
    from modules.lazy_regime import adv_train_claims, adv_train_figures, adv_train_tables

    nets = run.table("nets").rows()
    _fill(run, "cells", adv_train_tables.cells(nets))
    _fill(run, "transitions", adv_train_tables.transitions(nets))
    _fill(run, "powers", adv_train_tables.powers(nets))
    _fill(run, "orders", adv_train_tables.orders(nets))
    cells, transitions, powers, orders = (
        run.table(name).rows() for name in ("cells", "transitions", "powers", "orders")
    )
    _fill(run, "claims", adv_train_claims.claims(nets, transitions, powers, orders))
    for row in powers:
        run.headline(**{f"power of {row['variable']}, {row['order']}": row["power"]})
    train, test = samples["train"], samples["test"]
    rule = "" if config.gradient == "bp" else f", training examples crafted under {config.gradient}"
    of = f"{config.dataset}, {train} training and {test} test images, {config.networks} nets a cell{rule}"
    against = f"l2-PGD of {config.attack_steps} steps"
    columns = (
        "panel",
        "order",
        "d",
        "m",
        "at",
        "low",
        "high",
        "scaled",
        "width",
        "misfit",
        "touching",
        "passing",
        "runs",
        "beyond",
    )
    run.show("transitions", *columns, title=f"Where robust accuracy ({against}) passes 1/2: {of}; 95 % intervals")
    run.show("powers", title="Powers of d and m in those places, by run; 95 % intervals (Student, over runs)")
    if orders:
        run.show("orders", title="Radius of the transition over that in the first order, by run and width")
    run.show("claims", title="What the paper says of Fig. 4, and what these nets say")
    for panel in config.panels:
        mine = [[row for row in rows if row["panel"] == panel] for rows in (cells, transitions, powers)]
        caption = adv_train_figures.CAPTIONS[panel].format(of=of, against=against)
        run.figure(panel, adv_train_figures.heat_maps(*mine), caption)
        run.figure(f"{panel}_curves", adv_train_figures.curves(*mine), adv_train_figures.CURVES[panel].format(of=of))


def _fill(run: "Run", name: str, rows: Any) -> None:
    table = run.table(name)
    for row in rows:
        table.add(**row)
