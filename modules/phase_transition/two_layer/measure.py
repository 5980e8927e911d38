"""`phase_transition.two_layer` measured: nets beside the linear model, by size, scale, activation and width."""

from collections.abc import Sequence
from functools import partial
from itertools import islice, product
from typing import Any

import numpy as np
import torch
from torch import Tensor

from modules.phase_transition import theory
from modules.phase_transition.adversarial_risk import unit
from modules.phase_transition.data_sets import draw
from modules.phase_transition.descent import descend
from modules.phase_transition.sizes import parse_size
from modules.phase_transition.two_layer.config import FRESH, TwoLayerConfig
from modules.phase_transition.two_layer.nets import ACTIVATIONS, Nets, attacked, train
from suite.measuring import Run

CACHE, MEMORY = 2**19, 2**25  # numbers in the preactivations of a chunk of seeds: what a CPU likes, and a GPU
FAR = 10.0  # times the loss of the zero predictor: a training that ends above it has diverged
QUANTITIES = ("path", "end", "path_from_zero", "end_from_zero", "prediction", "loss")


def measure(config: TwoLayerConfig, run: Run) -> None:
    """Distances of two-layer nets from the linear model by width (Xing et al. 2022, Prop. 1).

    Raw table `distances`: a row per seed, strength and cell.
    """
    parts = []
    for size, scale, activation, h in product(config.sizes, config.scales, config.activations, config.widths):
        compute = partial(distances, config, *parse_size(size), scale, activation, h, run.device)
        parts.append((f"{size} {scale} {activation} {h}", compute))
    for columns in run.each(parts, "widths"):
        run.table("distances").extend(columns)


def initial(
    seed: int, seeds: Sequence[int], h: int, d: int, strengths: int, scale: str, decay: float, device: torch.device,
    activation: str,
) -> Nets:  # fmt: skip
    """theta_j ~ N(0, I_d / (d h^(1+decay))), |a_j| ~ U(1/2, 3/2) with random sign; scale `norm` makes |a| = 1."""
    thetas, outputs = [], []
    for one in seeds:
        generator = np.random.default_rng((seed, int.from_bytes(b"nets"), h, d, one))
        thetas.append(generator.standard_normal((h, d)) / (d * float(h) ** (1 + decay)) ** 0.5)
        outputs.append(generator.uniform(0.5, 1.5, h) * generator.choice((-1.0, 1.0), h))
    theta, a = (torch.from_numpy(np.stack(arrays))[:, None].to(device) for arrays in (thetas, outputs))
    if scale == "norm":
        a = unit(a)
    return Nets(theta.expand(-1, strengths, -1, -1), a, ACTIVATIONS[activation])


def distances(
    config: TwoLayerConfig, d: int, n: int, scale: str, activation: str, h: int, device: torch.device
) -> dict[str, Any]:
    """Relative distances of the nets from the linear model, over the length of what the latter ends with.

    path, end: of the effective coefficient from the linear path that starts where the net's does, the largest of all
    steps and the last; ..._from_zero: from the linear path that starts at 0. prediction: root mean square over fresh
    inputs at the end, from the linear model that started with the net; loss: of the (adversarial) training loss.
    """
    order, rate = theory.eps_star_order(n, d), config.step / theory.curvature(n, d)
    eps = torch.tensor([order * value for value in config.eps], dtype=torch.float64, device=device)
    length = max(1, (CACHE if device.type == "cpu" else MEMORY) // (len(eps) * max(n, FRESH, d) * h))
    parts = []
    for first in range(0, config.seeds, length):
        seeds = range(first, min(first + length, config.seeds))
        parts.append(_distances(config, seeds, (n, d, h), eps, rate, scale, activation, device))
    values = torch.cat(parts, 1)
    index = np.indices(values.shape[1:]).reshape(2, -1)
    rows = index.shape[1]
    columns: dict[str, Any] = {"d": np.full(rows, d), "samples": np.full(rows, n), "h": np.full(rows, h)}
    columns |= {"scale": [scale] * rows, "activation": [activation] * rows, "repeat": index[0]}
    columns |= {"eps": eps.cpu().numpy()[index[1]], "eps_over_order": np.array(config.eps)[index[1]]}
    *measured, gone = values.flatten(1).cpu().numpy()
    return columns | dict(zip(QUANTITIES, measured, strict=True)) | {"gone": gone != 0}


def _distances(
    config: TwoLayerConfig, seeds: Sequence[int], shape: tuple[int, int, int], eps: Tensor, rate: float, scale: str,
    activation: str, device: torch.device,
) -> Tensor:  # fmt: skip
    """(7, S, E): QUANTITIES and whether the training has diverged."""
    n, d, h = shape
    data, fresh = (
        draw(stream, seeds, size, d, config.sigma, config.theta0_norm, config.seed, device)
        for stream, size in (("nets", n), ("fresh", FRESH))
    )
    nets = initial(config.seed, seeds, h, d, len(eps), scale, config.decay, device, activation)
    paths = zip(
        train(nets, data.X, data.y, eps, rate, config.attack_steps),
        descend(data, eps, rate, nets.effective()),
        descend(data, eps, rate),
        strict=False,
    )
    apart = []
    for net, alike, from_zero in islice(paths, config.steps + 1):
        beta = net.effective()
        apart.append(torch.stack([torch.linalg.vector_norm(beta - s.theta, dim=-1) for s in (alike, from_zero)]))
    length = alike.norm.clamp(min=1e-300)
    far = torch.stack(apart) / length
    of_net = net.value(fresh.X[:, None])
    of_linear = (fresh.X[:, None] @ alike.theta[..., None]).squeeze(-1)
    missed = (of_net - of_linear).square().mean(-1).sqrt() / of_linear.square().mean(-1).sqrt().clamp(min=1e-300)
    inputs = attacked(net, data.X[:, None], data.y[:, None], eps, config.attack_steps)
    loss = (net.value(inputs) - data.y[:, None]).square().mean(-1)
    zero = data.y.square().mean(-1)[:, None]
    gone = ~((loss <= FAR * zero) & (alike.risk(eps) <= FAR * zero))
    change = (loss - alike.risk(eps)).abs() / zero
    largest = far.amax(0)
    return torch.stack([largest[0], far[-1, 0], largest[1], far[-1, 1], missed, change, gone.to(loss.dtype)])
