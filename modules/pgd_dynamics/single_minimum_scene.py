"""What `pgd_dynamics.single_minimum` computes: minima on the spheres of one dimension, width, loss and radius."""

from typing import TYPE_CHECKING, Any

import torch

from modules.pgd_dynamics import theory
from modules.pgd_dynamics.losses import LOSSES
from modules.pgd_dynamics.plane import extrema
from modules.pgd_dynamics.scene import directions, draw, network_seeds
from modules.pgd_dynamics.sphere import local_minima

if TYPE_CHECKING:
    from modules.pgd_dynamics.single_minimum import SingleMinimumConfig

SAMPLED = 128  # directions in which tau and the sign of l' are looked at, beside the starts


def minima(
    config: "SingleMinimumConfig", d: int, m: int, loss: str, radius: float, device: torch.device
) -> dict[str, Any]:
    """A row a network.

    found: distinct minima of L that descent found; exact: all there are (d = 2, else None). once: of those found, how
    many by one start only; once / starts estimates the share of the sphere that leads to minima not found (Good 1953).
    unsettled: starts that ended at no strict minimum. one_sign: l' keeps its sign at all sampled points. eps_over_tau.
    """
    seeds = network_seeds(config.seed, range(config.networks))
    objective = draw(seeds, m, d, config.scale, LOSSES[loss], config.y, device=device)
    eps = radius * d**0.5
    spheres = torch.full((len(seeds),), eps, dtype=torch.float64, device=device)
    starts = torch.stack([directions(seed, "descents", config.starts, d) for seed in seeds]).to(device)
    sampled = torch.cat(
        [starts, torch.stack([directions(seed, "sampled", SAMPLED, d) for seed in seeds]).to(device)], 1
    )
    found = local_minima(objective, spheres, starts)
    first = objective.loss.first(objective.net.value(objective.x + eps * sampled), objective.y)
    S = len(seeds)
    columns: dict[str, Any] = {"d": d, "m": m, "loss": loss, "radius": radius, "eps": eps, "starts": config.starts}
    columns = {name: [value] * S for name, value in columns.items()}
    exact = None
    if d == 2:
        circle = extrema(objective, eps)
        exact = torch.bincount(circle.place[circle.is_minimum], minlength=S).tolist()
    return columns | {
        "network": list(range(S)),
        "found": torch.bincount(found.place, minlength=S).tolist(),
        "exact": exact or [None] * S,
        "once": torch.bincount(found.place[found.starts == 1], minlength=S).tolist(),
        "unsettled": found.unsettled.tolist(),
        "one_sign": ((first > 0).all(1) | (first < 0).all(1)).tolist(),
        "eps_over_tau": (eps / theory.threshold(objective.net, objective.x, spheres, sampled).tau).tolist(),
    }
