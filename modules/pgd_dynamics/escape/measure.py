"""`pgd_dynamics.escape` measured: local minima of the loss on spheres, and ascents from them, network by network."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np

from modules.pgd_dynamics.escape.ascents import ascents, maxima
from modules.pgd_dynamics.escape.config import EscapeConfig
from modules.pgd_dynamics.escape.kinds import MINIMUM
from modules.pgd_dynamics.escape.networks import Networks
from suite import data
from suite.errors import SuiteError
from suite.measuring import Run


def measure(config: EscapeConfig, run: Run) -> None:
    """Follows PGD from local minima of the adversary's loss, its worst starts (Deng et al. 2020, Fig. 2 and 3).

    Raw tables: `training`, one row per trained network and epoch; `maxima`, one per network, sample and ratio with the
    verdict on the point that descent gave; `trajectories`, one per ascent from an accepted point: the true loss at
    every step, and `apart`, the distance of its end from where bp ends, in units of eps.
    """
    networks, accepted = Networks(config, run), False
    ids = data.sample(networks.data.test, config.samples, config.seed)
    for cell in run.track(networks.cells, "networks"):
        if cell.epoch == max(config.epochs) > 0:
            run.table("training").extend(run.once(f"training {cell}", partial(networks.training, cell)))
        points = run.once(f"maxima {cell}", partial(maxima, networks, ids, cell))
        run.table("maxima").extend({name: values for name, values in points.items() if name != "point"})
        for rule in config.step_rules if MINIMUM in points["kind"] else ():
            accepted, ascent = True, partial(ascents, networks, ids, cell, points, rule)
            ways = {
                gradient: run.once(f"ascents {cell} {rule} {gradient}", partial(ascent, gradient))
                for gradient in config.gradients
            }
            for columns in ways.values():
                run.table("trajectories").extend(_beside(columns, ways["bp"]))
        networks.forget(cell)
    if not accepted:
        raise SuiteError("no start was accepted as a local minimum of the loss", "raise --descent or --samples")
    run.record(mean_norm=networks.mean_norm, samples=len(ids), recipe=asdict(networks.recipe))


def _beside(columns: Mapping[str, Any], bp: Mapping[str, Any]) -> dict[str, Any]:
    """Ascents with the distances of their ends from bp's in place of the ends."""
    ends, others = (np.array(list(ascents["end"])) for ascents in (columns, bp))
    apart = np.linalg.norm(ends - others, axis=1) / np.array(columns["eps"])
    return {name: values for name, values in columns.items() if name != "end"} | {"apart": apart}
