"""`pgd_dynamics.single_minimum` measured: minima of L on spheres, by dimension, width, loss and radius."""

from functools import partial
from math import log1p
from typing import Any

import torch

from modules.pgd_dynamics import theory
from modules.pgd_dynamics.draws import directions, draw, network_seeds
from modules.pgd_dynamics.losses import LOSSES
from modules.pgd_dynamics.plane import extrema
from modules.pgd_dynamics.single_minimum.config import SingleMinimumConfig
from modules.pgd_dynamics.sphere import local_minima
from suite.measuring import Run

SAMPLED = 128  # directions in which tau and the sign of l' are looked at, beside the starts


def measure(config: SingleMinimumConfig, run: Run) -> None:
    """Counts minima of L on spheres (Deng et al. 2020, Theorem 5.1), and how steep f is there (Lemma 4.3).

    Raw tables: `slopes`, one row per d, m and network; `minima`, one per d, m, loss, radius and network.
    """
    sizes = [(d, m) for d in config.dims for m in config.widths]
    for d, m in run.track(sizes, "slopes"):
        run.table("slopes").extend(run.once(f"slopes d {d} m {m}", partial(slopes, config, d, m, run.device)))
    cells = [(d, m, loss) for d in config.dims for m in config.widths for loss in config.losses]
    for d, m, loss in run.track(cells, "dimensions, widths, losses"):
        for radius in config.radii:
            columns = partial(minima, config, d, m, loss, radius, run.device)
            run.table("minima").extend(run.once(f"d {d} m {m} {loss} radius {radius}", columns))


def slopes(config: SingleMinimumConfig, d: int, m: int, device: torch.device) -> dict[str, Any]:
    """A row a network: B_l, the least |df| over the sphere of radius eps = 1 / log(1 + m), of Lemma 4.3's order."""
    seeds, eps = network_seeds(config.seed, range(config.networks)), 1 / log1p(m)
    objective = draw(seeds, m, d, config.scale, LOSSES["quadratic"], config.y, device=device)
    sampled = torch.stack([directions(seed, "sampled", SAMPLED, d) for seed in seeds]).to(device)
    lengths = torch.linalg.vector_norm(objective.net.gradient(objective.x + eps * sampled), dim=-1)
    cell = {"d": d, "m": m, "eps": eps}
    columns: dict[str, Any] = {name: [value] * len(seeds) for name, value in cell.items()}
    return columns | {"network": list(range(len(seeds))), "slope": lengths.amin(1).tolist()}


def minima(
    config: SingleMinimumConfig, d: int, m: int, loss: str, radius: float, device: torch.device
) -> dict[str, Any]:
    """A row a network.

    found: distinct minima of L that descent found; exact: all there are (d = 2, else None). once: of those found, how
    many by one start only; once / starts estimates the share of the sphere that leads to minima not found (Good 1953).
    unsettled: starts that ended at no strict minimum. one_sign: l' keeps its sign at all sampled points. eps_over_tau.
    """
    seeds = network_seeds(config.seed, range(config.networks))
    objective = draw(seeds, m, d, config.scale, LOSSES[loss], config.y, device=device)
    eps, S = radius * d**0.5, len(seeds)
    spheres = torch.full((S,), eps, dtype=torch.float64, device=device)
    starts, others = (
        torch.stack([directions(seed, purpose, count, d) for seed in seeds]).to(device)
        for purpose, count in (("descents", config.starts), ("sampled", SAMPLED))
    )
    sampled = torch.cat([starts, others], 1)
    found = local_minima(objective, spheres, starts)
    first = objective.loss.first(objective.net.value(objective.x + eps * sampled), objective.y)
    exact: list[int | None] = [None] * S
    if d == 2:
        circle = extrema(objective, eps)
        exact = torch.bincount(circle.place[circle.is_minimum], minlength=S).tolist()
    cell = {"d": d, "m": m, "loss": loss, "radius": radius, "eps": eps, "starts": config.starts}
    return {name: [value] * S for name, value in cell.items()} | {
        "network": list(range(S)),
        "found": torch.bincount(found.place, minlength=S).tolist(),
        "exact": exact,
        "once": torch.bincount(found.place[found.starts == 1], minlength=S).tolist(),
        "unsettled": found.unsettled.tolist(),
        "one_sign": ((first > 0).all(1) | (first < 0).all(1)).tolist(),
        "eps_over_tau": (eps / theory.threshold(objective.net, objective.x, spheres, sampled).tau).tolist(),
    }
