"""`pgd_dynamics.rules`: where ascent along LinBP's field ends on the landscapes of Deng et al., beside BP's.

For f(u) = sum_r a_r sigma(w_r . u) LinBP puts v = sum_r a_r w_r in place of df: one constant vector. Its field
-l'(f) v points along v everywhere, so that its only fixed points on the sphere are +- eps v / |v|, whatever the
landscape; these are local maxima of the true loss only where df happens to be parallel to v.
"""

from functools import partial
from typing import TYPE_CHECKING

from modules.pgd_dynamics.loss_option import LossRef, load_loss
from suite.plugin import Epsilon, Factors, Number, Steps, StudyConfig, option

if TYPE_CHECKING:
    from suite.host.run import Run

ACTIVATIONS = ("softplus", "relu")


class RulesConfig(StudyConfig):
    """Projected ascent along BP's gradient and along LinBP's field, judged by the true loss."""

    dims: Steps = option((2, 10), "dimensions of the input", source="Deng et al., Sec. 2")
    m: int = option(1000, "hidden neurons", source="Deng et al., Sec. 2", ge=1, le=65_536)
    scales: Factors = option((0.01, 1, 100), "lengths of the input x", source="Deng et al., Fig. 1")
    ratio: Epsilon = option(1.0, "perturbation ratio: the ball's radius is ratio times scale", source="Fig. 1")
    y: Number = option(1.0, "label of every input", source="Eq. 2")
    loss: LossRef = option("quadratic", "quadratic, logistic (y in [0, 1]), or import:pkg.mod:function of (f, y)")
    networks: int = option(30, "random networks per dimension, each with its own input", ge=2, le=10_000)
    starts: int = option(4, "starts per network, uniform in the ball", ge=1, le=1000)
    step: Number = option(0.05, "step size: so that BP's step from the centre has this length", unit="eps", gt=0, le=1)
    steps: int = option(300, "steps at most", unit="steps", ge=10, le=1_000_000)
    degrees: Number = option(
        1.0,
        "a point of the sphere is told to be at a maximum where the true gradient is so near to the normal",
        unit="degrees",
        gt=0,
        le=45,
    )
    share: Number = option(0.9, "share of BP's final gain in loss whose steps are counted", gt=0, lt=1)

    @property
    def block(self) -> int:
        """Networks computed at once and stored together."""
        return max(1, min(50, 1000 // self.starts, 2**24 // (self.m * max(self.dims))))


def rules(config: RulesConfig, run: "Run") -> None:
    """BP and LinBP from the same starts: steps, gain, and the way left to a local maximum of the true loss (ours)."""
    from modules.pgd_dynamics import rules_figures, rules_scene, rules_tables

    loss = load_loss(config.loss)
    cells = [(d, activation, scale) for d in config.dims for activation in ACTIVATIONS for scale in config.scales]
    for d, activation, scale in run.track(cells, "landscapes"):
        for first in range(0, config.networks, config.block):
            part = range(first, min(first + config.block, config.networks))
            columns = partial(rules_scene.ascents, config, loss, part, (d, activation, scale), run.device)
            name = f"d {d} {activation} scale {scale} {first}"
            run.table("ascents").extend(run.once(name, columns))
    for row in rules_tables.arrivals(run.table("ascents").columns, config.steps, config.degrees):
        run.table("arrivals").add(**row)
    for row in rules_tables.by_landscape(run.table("ascents").columns):
        run.table("rules").add(**row)
    for row in rules_tables.answers(run.table("rules").rows()):
        run.table("answers").add(**row)
    for row in run.table("answers").rows():
        if (row["d"], row["scale"]) == (config.dims[0], max(config.scales)):
            run.headline(**{f"{row['activation']}, scale {row['scale']:g}: LinBP ends at a maximum": row["at_maximum"]})
    of = f"{config.networks} networks x {config.starts} starts, ratio {config.ratio:g}, {config.loss} loss"
    run.show("answers", title=f"LinBP's ascent judged by the true loss ({of}), means over networks, 95 % intervals")
    run.figure("rules", rules_figures.rules(run.table("rules").rows()), rules_figures.CAPTION.format(of))
