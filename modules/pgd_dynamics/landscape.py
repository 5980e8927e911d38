"""`pgd_dynamics.landscape`: the loss over the ball for inputs in the plane (Deng et al. 2020, Fig. 1, Theorem 5.1).

All extrema on the circle are exact, with a certificate that none is missed (circle.py), for every network; one
network's panels are drawn with PGD from its worst points. The atlas shows one plane under several activations, with the
ascents of backpropagation and of LinBP.
"""

import logging
from functools import partial
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from modules.pgd_dynamics.loss_option import LossRef
from suite.errors import SuiteError
from suite.plugin import Epsilon, Factors, Number, StudyConfig, option
from suite.refs import format_number

if TYPE_CHECKING:
    from modules.pgd_dynamics.landscape_scene import Scene
    from suite.host.run import Run

log = logging.getLogger("suite")

LARGEST = 1e6  # scale times (1 + ratio): beyond it float64 resolves no kink on the circle
_FIG_1 = "Deng et al., Fig. 1"
Betas = Annotated[Factors, Field(max_length=4)]


class LandscapeConfig(StudyConfig):
    """Loss over the ball of inputs in the plane, by input scale and perturbation ratio."""

    scales: Factors = option((0.01, 1, 100), "input scales: lengths of x", source=_FIG_1)
    ratios: Factors = option((0.01, 1, 10), "perturbation ratios: the ball's radius over the scale", source=_FIG_1)
    m: int = option(1000, "hidden neurons; the paper's number is lost", ge=1, le=65_536)
    beta: Epsilon = option(1.0, "sharpness of softplus, log(1 + exp(beta z)) / beta", source="Deng et al., Sec. 2")
    loss: LossRef = option(
        "quadratic", "quadratic, logistic (y in [0, 1]), or import:pkg.mod:function of (f, y), convex in f"
    )
    y: Number = option(1.0, "label of every input", source="Eq. 2")
    networks: int = option(40, "random networks in which extrema are counted; the first is drawn", ge=1, le=100_000)
    escapes: int = option(10, "networks whose ascents from the worst points are followed", ge=1, le=1000)
    eta: Epsilon = option(0.01, "step size of the raw ascent, delta + eta dl; the paper's is lost", source="Eq. 2")
    stride: Epsilon = option(0.05, "step of the unit ascent, along the gradient's direction alone", unit="eps")
    steps: int = option(500, "steps of an ascent", unit="steps", ge=10, le=100_000)
    atlas_scale: Epsilon = option(1.0, "input scale of the atlas")
    atlas_ratio: Epsilon = option(10.0, "perturbation ratio of the atlas")
    atlas_betas: Betas = option((10, 1), "the atlas shows ReLU and softplus of these sharpnesses")
    atlas_starts: int = option(8, "ascents per network and field in the atlas", ge=1, le=1000)

    @model_validator(mode="after")
    def _label_and_size(self) -> "LandscapeConfig":
        if self.loss == "logistic" and not 0 <= self.y <= 1:
            raise ValueError(f"--y {self.y:g} is no label of the logistic loss, which takes y in [0, 1]")
        for scale, ratio in [*self.cells, (self.atlas_scale, self.atlas_ratio)]:
            if scale * (1 + ratio) > LARGEST:
                raise ValueError(
                    f"scale {scale:g} with ratio {ratio:g} reaches beyond {LARGEST:g}, where rounding shows"
                )
        return self

    @property
    def cells(self) -> list[tuple[float, float]]:
        """All pairs of scale and ratio."""
        return [(scale, ratio) for scale in self.scales for ratio in self.ratios]


def landscape(config: LandscapeConfig, run: "Run") -> None:
    """Extrema on the circle, pictures and ascents by input scale and ratio (Deng et al. 2020, Fig. 1)."""
    from modules.pgd_dynamics.landscape_scene import Scene

    scene = Scene(config, run.device)
    _check(config, scene)
    for scale, ratio in run.track(config.cells, "panels"):
        cell = f"scale {scale} ratio {ratio}"
        for part in scene.parts:
            run.table("minima").extend(run.once(f"{cell} minima {part[0]}", partial(scene.minima, scale, ratio, part)))
        for table, columns in (("pictures", scene.picture), ("extrema", scene.marks), ("paths", scene.paths)):
            run.table(table).extend(run.once(f"{cell} {table}", partial(columns, scale, ratio)))
        for pace in scene.paces:
            run.table("escapes").extend(run.once(f"{cell} {pace.rule}", partial(scene.escapes, scale, ratio, pace)))
    for name in run.track(scene.atlas, "atlas"):
        for table, atlas_columns in scene.atlas_tables(name).items():
            run.table(table).extend(run.once(f"{name} {table}", atlas_columns))
    _report(config, run)


def _check(config: LandscapeConfig, scene: "Scene") -> None:
    """Warns of steps longer than the ball. Raises SuiteError for a loss that is not finite, or flat."""
    overshoots = []
    for scale, ratio in config.cells:
        seen = scene.first_look(scale, ratio)
        if not seen.finite:
            raise SuiteError(
                f"the loss or its slope is not finite at scale {scale:g}, ratio {ratio:g}",
                "choose a smaller --y, scale or ratio, or another --loss",
            )
        if seen.flat:
            raise SuiteError(
                f"y = {config.y:g}: the loss has no slope at scale {scale:g}, ratio {ratio:g}, as if y = f everywhere",
                "choose another --y or --loss",
            )
        if config.eta > seen.bound:
            overshoots.append(f"scale {scale:g} ratio {ratio:g} ({seen.bound:.2g})")
    if overshoots:
        log.warning("eta = %g overshoots: a raw step can be longer than the ball's diameter if eta > 2 eps / max|dL|, "
                    "as at %s", config.eta, ", ".join(overshoots))  # fmt: skip


def _report(config: LandscapeConfig, run: "Run") -> None:
    """Counts, claims and figures from the tables."""
    from modules.pgd_dynamics import landscape_figures, landscape_tables

    minima, escapes = run.table("minima").columns, run.table("escapes").columns
    tables = {
        "counts": landscape_tables.counts(minima),
        "escape": landscape_tables.escape(escapes),
        "atlas": landscape_tables.atlas(run.table("atlas_walks").columns),
        "beside": landscape_tables.beside(minima, config),
        "claims": landscape_tables.claims(minima, escapes),
    }
    for name, rows in tables.items():
        for row in rows:
            run.table(name).add(**row)
    for row in run.table("counts").rows():
        cell = f"scale {format_number(row['scale'])}, ratio {format_number(row['ratio'])}"
        run.headline(**{f"minima at {cell}": row["minima"]})
    of = f"{config.networks} networks, m = {config.m}, {config.loss} loss, y = {config.y:g}"
    run.show("counts", title=f"Local minima of L = -loss on the circle ({of}), 95 % intervals")
    run.show("escape", title="Ascent from every local minimum of the loss on the circle: steps to 90 % of the gain")
    run.show("atlas", title=f"Where ascents end, scale {config.atlas_scale:g}, ratio {config.atlas_ratio:g}")
    if len(run.table("beside")):
        run.show("beside", title="Mean number of minima beside an independent simulation (40 networks)")
    run.show("claims", title="What the paper says and what was measured")

    shown = {name: run.table(name).rows() for name in ("pictures", "extrema", "paths")}
    run.figure("landscapes", landscape_figures.landscapes(**shown), landscape_figures.LANDSCAPES)
    run.figure("counts", landscape_figures.counts(run.table("counts").rows()), landscape_figures.COUNTS.format(of))
    shown = {name: run.table(f"atlas_{name}").rows() for name in ("pictures", "extrema", "paths")}
    run.figure("atlas", landscape_figures.atlas(**shown), landscape_figures.ATLAS)
