"""Balls around test images: every sample under every perturbation ratio, with its own random draws."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from modules.pgd_dynamics.escape.networks import Cell, Networks
from suite.attacks import ball_noise

START, PUSH, PROBE = 0, 1, 2  # independent draws of a sample; a probe may be followed by more


@dataclass(frozen=True)
class Balls:
    """R balls around scaled images, ratio after ratio.

    base: (R, ...) the images, float64; labels, radius: (R,); ratios, ids: (R,) arrays.
    """

    cell: Cell
    base: Tensor
    labels: Tensor
    radius: Tensor
    ratios: np.ndarray
    ids: np.ndarray

    def at(self, chosen: np.ndarray) -> "Balls":
        """Those for which a boolean array (R,) is true."""
        places = torch.from_numpy(np.flatnonzero(chosen)).to(self.radius.device)
        base, labels, radius = (tensor[places] for tensor in (self.base, self.labels, self.radius))
        return Balls(self.cell, base, labels, radius, self.ratios[chosen], self.ids[chosen])

    def draws(self, purpose: int) -> Tensor:
        """Random vectors (R, ...) keyed by seed, purpose and sample: the same for every scale, ratio and epoch."""
        seed = int(np.random.SeedSequence((self.cell.seed, purpose)).generate_state(1)[0])
        ids, places = np.unique(self.ids, return_inverse=True)
        noise = ball_noise(ids.tolist(), tuple(self.base.shape[1:]), seed=seed, norm="l2")
        return noise[torch.from_numpy(places)].to(self.base)

    def columns(self) -> dict[str, list[Any]]:
        """What names each ball in a table, and its radius."""
        count = len(self.ids)
        return {
            "seed": [self.cell.seed] * count,
            "scale": [self.cell.scale] * count,
            "epoch": [self.cell.epoch] * count,
            "ratio": self.ratios.tolist(),
            "eps": self.radius.tolist(),
            "id": self.ids.tolist(),
        }


def balls(networks: Networks, cell: Cell, ids: np.ndarray) -> Balls:
    """The balls of these test samples under all ratios."""
    ratios, test, device = networks.config.ratios, networks.data.test, networks.run.device
    images = cell.scale * test.pixels(ids, device).double()
    labels = test.targets(ids, device).repeat(len(ratios))
    of_each = np.repeat(ratios, len(ids))
    radius = torch.from_numpy(of_each * cell.scale * networks.mean_norm).to(device)
    return Balls(cell, images.repeat(len(ratios), 1, 1, 1), labels, radius, of_each, np.tile(ids, len(ratios)))
