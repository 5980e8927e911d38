"""`pgd_dynamics.landscape` measured: extrema on the circle, pictures and ascents, ball by ball."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from math import isfinite

from modules.pgd_dynamics.landscape.balls import Ball
from modules.pgd_dynamics.landscape.config import LandscapeConfig
from modules.pgd_dynamics.landscape.trajectories import Columns, Field, Pace
from modules.pgd_dynamics.losses import load_loss
from modules.pgd_dynamics.two_layer import RELU, softplus
from suite.errors import SuiteError
from suite.measuring import Run

log = logging.getLogger("suite")

PART = 20  # networks computed and stored together
DRAWN = 3  # ascents that a panel of the atlas shows for each field
FIELDS: tuple[Field, ...] = ("bp", "linbp")


def measure(config: LandscapeConfig, run: Run) -> None:
    """Counts all extrema on circles and follows PGD from the worst of them (Deng et al. 2020, Fig. 1).

    Raw tables by scale and ratio: `minima`, one row per network; `escapes`, one per ascent from a local minimum of the
    loss; of the first network `pictures` (the loss on a grid), `extrema` and `paths` (every step of its ascents). The
    atlas has one plane under several activations: `atlas_pictures`, `atlas_extrema`, `atlas_paths`, and `atlas_ends`,
    one row per ascent from anywhere along the gradient and along LinBP's field.
    """
    unit, raw = Pace("unit", config.stride), Pace("raw", config.eta)
    ball = partial(Ball, config, load_loss(config.loss), run.device)
    _check(config, [ball(*cell, softplus(config.beta)) for cell in config.cells])
    followed = range(min(config.escapes, config.networks))
    for scale, ratio in run.track(config.cells, "panels"):
        panel = ball(scale, ratio, softplus(config.beta))
        store = _storing(run, f"scale {scale} ratio {ratio}", scale=scale, ratio=ratio)
        for first in range(0, config.networks, PART):
            part = range(first, min(first + PART, config.networks))
            store("minima", f"minima {first}", partial(panel.minima, part))
        store("pictures", "pictures", panel.picture)
        store("extrema", "extrema", panel.marks)
        store("paths", "paths", partial(panel.paths, "the worst", unit))
        for pace in (unit, raw):
            store("escapes", pace.rule, partial(panel.ends, followed, "the worst", pace), pace=pace.rule)
    for activation in run.track([RELU, *map(softplus, config.atlas_betas)], "atlas"):
        plane = ball(config.atlas_scale, config.atlas_ratio, activation)
        store = _storing(run, activation.name, activation=activation.name)
        store("atlas_pictures", "atlas_pictures", plane.picture)
        store("atlas_extrema", "atlas_extrema", plane.marks)
        for field in FIELDS:
            drawn = partial(plane.paths, "anywhere", unit, field, DRAWN)
            store("atlas_paths", f"atlas_paths {field}", drawn, gradient=field)
            ends = partial(plane.ends, range(config.escapes), "anywhere", unit, field)
            store("atlas_ends", f"atlas_ends {field}", ends, gradient=field)


def _storing(run: Run, ball: str, **cell: float | str) -> Callable[..., None]:
    """Computes and stores a part of a ball, and puts it into a table whose rows begin with the ball's cell."""

    def store(table: str, part: str, compute: Callable[[], Columns], **more: str) -> None:
        columns = run.once(f"{ball} {part}", compute)
        length = len(next(iter(columns.values())))
        run.table(table).extend({name: [value] * length for name, value in {**cell, **more}.items()} | columns)

    return store


def _check(config: LandscapeConfig, balls: Sequence[Ball]) -> None:
    """Warns of steps longer than the ball. Raises SuiteError for a loss that is not finite, or flat."""
    overshoots = []
    for ball in balls:
        steepest, where = ball.steepest(), f"scale {ball.scale:g}, ratio {ball.ratio:g}"
        if not isfinite(steepest):
            raise SuiteError(
                f"the loss or its slope is not finite at {where}",
                "choose a smaller --y, scale or ratio, or another --loss",
            )
        if steepest == 0:
            raise SuiteError(
                f"y = {config.y:g}: the loss has no slope at {where}, as if y = f everywhere",
                "choose another --y or --loss",
            )
        if config.eta > 2 * ball.eps / steepest:
            overshoots.append(f"scale {ball.scale:g} ratio {ball.ratio:g} ({2 * ball.eps / steepest:.2g})")
    if overshoots:
        log.warning("eta = %g overshoots: a raw step can be longer than the ball's diameter if eta > 2 eps / max|dL|, "
                    "as at %s", config.eta, ", ".join(overshoots))  # fmt: skip
