"""`phase_transition.linear` measured: adversarial linear regression on drawn data sets, size by size."""

from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from modules.phase_transition import theory
from modules.phase_transition.adversarial_risk import collapse_strength, population_risk, unchanged_strength
from modules.phase_transition.data_sets import DataSets, draw, in_row_space
from modules.phase_transition.descent import clean_end, descend
from modules.phase_transition.linear import fine_tuning
from modules.phase_transition.linear.config import LinearConfig
from modules.phase_transition.linear.minimum import clean_estimate, minimise
from modules.phase_transition.linear.p_values import hotelling, rank, same_mean
from modules.phase_transition.linear.per_data_set import crossing
from modules.phase_transition.sizes import parse_size
from suite.measuring import Run

CACHE, MEMORY = 2**18, 2**24  # numbers that a chunk of data sets may hold: what a CPU's cache takes, and a GPU
GRID = 16  # strengths at which the minimum is computed, evenly on a logarithmic scale
FAR = 10.0  # times the loss of the zero start: a training that ends above it has diverged

Columns = dict[str, Any]


def measure(config: LinearConfig, run: Run) -> None:
    """Paths, p-values and least losses of adversarial linear regression (Theorems 1 and 2, Fig. 1-3, Table B.1).

    Raw tables: `paths`, `fine_tuned`, `tested` and `minima`, each with a row per data set and strength, `paths` also
    per step; `crossings` with a row per data set.
    """
    for name, what, sizes, compute in (
        ("paths", "paths", config.sizes, _paths),
        ("fine_tuned", "fine-tuning", config.sizes, _fine_tuned),
        ("tested", "p-values", config.test_sizes, _tested),
        ("minima", "eps_star", config.located, _minima),
        ("crossings", "eps_star of each data set", config.located, _crossings),
    ):
        for size in run.track(sizes, what):
            columns = partial(compute, config, *parse_size(size), run.device)
            run.table(name).extend(run.once(f"{name} {size}", columns))


def _paths(config: LinearConfig, d: int, n: int, device: torch.device) -> Columns:
    """Rows per data set, strength and step 1..T, of clean and adversarial descent with one learning rate.

    eps, eps_over_order: in units of 1 and of sqrt(d/n). apart: |theta(eps) - theta(0)|. norm, loss: of the adversarial
    model, with its adversarial training loss; clean_norm, clean_loss: of the clean one. gone: a training has diverged.
    """
    order, rate = theory.eps_star_order(n, d), config.step / theory.curvature(n, d)
    eps = torch.tensor([0.0, *(order * value for value in config.eps)], dtype=torch.float64, device=device)
    parts = []
    for repeats in chunks(config.repeats, n, d, len(eps), device):
        data = in_row_space(draw("paths", repeats, n, d, config.sigma, config.theta0_norm, config.seed, device))
        states = islice(descend(data, eps, rate), 1, config.steps + 1)
        read = [(torch.linalg.vector_norm(s.theta - s.theta[:, :1], dim=-1), s.norm, s.risk(eps)) for s in states]
        apart, norm, loss = (torch.stack(values, -1) for values in zip(*read, strict=True))
        gone = ~(loss[..., -1:] <= FAR * data.y.square().mean(-1)[:, None, None])
        of_clean = (values[:, :1].expand_as(values) for values in (norm, loss))
        gone = (gone | gone[:, :1]).expand_as(loss).to(loss.dtype)
        parts.append(torch.stack([apart, norm, loss, *of_clean, gone])[:, :, 1:])
    names = ("apart", "norm", "loss", "clean_norm", "clean_loss", "gone")
    return _rows(d, n, eps[1:] / order, eps[1:], torch.cat(parts, 1), names, steps=True)


def _fine_tuned(config: LinearConfig, d: int, n: int, device: torch.device) -> Columns:
    """Rows per data set and strength: adversarial descent from the clean estimate, and how soon from zero.

    excess, bound, steps: see `fine_tuning.Training`; from_zero: its steps from theta = 0.
    """
    order, rate = theory.eps_star_order(n, d), config.step / theory.curvature(n, d)
    eps = torch.tensor([order * value for value in config.eps], dtype=torch.float64, device=device)
    parts = []
    for repeats in chunks(config.repeats, n, d, len(eps) * min(n, d), device):
        data = in_row_space(draw("paths", repeats, n, d, config.sigma, config.theta0_norm, config.seed, device))
        least = minimise(data, eps)
        clean = clean_estimate(data)[:, None].expand_as(least.theta)
        tuned, fresh = (fine_tuning.train(data, eps, rate, config.steps, least, start) for start in (clean, None))
        parts.append(torch.stack([tuned.excess, tuned.bound, tuned.steps, fresh.steps]))
    names = ("excess", "bound", "steps", "from_zero")
    return _rows(d, n, eps / order, eps, torch.cat(parts, 1), names, steps=False)


def _tested(config: LinearConfig, d: int, n: int, device: torch.device) -> Columns:
    """Rows per data set and strength, 0 among them: p-values of theta^(T)(eps) and of its adversarial training loss.

    Null: clean trainings on other data sets. parameters, loss: by Hotelling's F; ..._rank: by rank; the p-values
    ..._group of all trainings of a strength as one group stand in each of its rows.
    """
    order, rate = theory.eps_star_order(n, d), config.step / theory.curvature(n, d)
    eps = torch.tensor([0.0, *(order * value for value in config.test_eps)], dtype=torch.float64, device=device)
    size = (n, d, config.sigma, config.theta0_norm, config.seed, device)
    square = d * d  # per data set: the parameters' statistics work in R^d, also where n is smaller
    nulls = chunks(config.null, n, d, 1, device, square)
    ends = [clean_end(draw("null", part, *size), rate, config.steps) for part in nulls]
    null = [torch.cat(values) for values in zip(*ends, strict=True)]
    null[1] = null[1][:, None]
    thetas, losses, limits = [], [], []
    for repeats in chunks(config.repeats, n, d, len(eps), device, square):
        data = draw("tested", repeats, *size)
        state = next(islice(descend(data, eps, rate), config.steps, None))
        thetas.append(state.theta)
        losses.append(state.risk(eps)[..., None])
        limits.append(FAR * data.y.square().mean(-1)[:, None])
    new = (torch.cat(thetas), torch.cat(losses))
    gone = ~(new[1][..., 0] <= torch.cat(limits))
    columns = {}
    for name, of_null, of_new in zip(("parameters", "loss"), null, new, strict=True):
        finite = of_new.where(~gone[..., None], of_null.mean(0))
        columns[name], columns[f"{name}_rank"] = hotelling(of_null, finite), rank(of_null, finite)
        groups = [
            same_mean(of_null, of_new[~gone[:, e], e]) if (~gone[:, e]).sum() > 1 else np.nan for e in range(len(eps))
        ]
        columns[f"{name}_group"] = np.broadcast_to(np.array(groups), gone.shape)
    values = torch.stack(
        [torch.from_numpy(np.array(v)).to(device) for v in columns.values()] + [gone.to(torch.float64)]
    )
    return _rows(d, n, eps / order, eps, values, (*columns, "gone"), steps=False)


def _minima(config: LinearConfig, d: int, n: int, device: torch.device) -> Columns:
    """Rows per data set and strength, 0 among them: the least adversarial training loss, and what goes with it.

    loss, slope: the minimum and its derivative in eps; apart2: |theta_hat(eps) - theta_hat(0)|^2; clean_test: R of the
    clean estimate; spread2: its squared distance from its expectation (theta0, or (n/d) theta0); noise2, y2: mean
    squares of the noise and of y; collapse, unchanged: strengths at which the minimiser becomes 0 and, for d > n alone,
    ceases to be the clean one; gap: relative, by which `loss` may be too large.
    """
    sigma, norm = config.sigma, float(config.theta0_norm)
    eps = torch.from_numpy(strengths(n, d, sigma, norm)).to(device)
    parts = []
    for repeats in chunks(config.growth_repeats, n, d, len(eps) * min(n, d), device):
        data = in_row_space(draw("minima", repeats, n, d, sigma, norm, config.seed, device))
        parts.append(_of_minima(data, eps, sigma, min(1.0, n / d)))
    names = ("loss", "slope", "apart2", "gap", "clean_test", "spread2", "noise2", "y2", "collapse", "unchanged")
    order = theory.eps_star_order(n, d)
    eps = torch.cat([eps.new_zeros(1), eps])
    columns = _rows(d, n, eps / order, eps, torch.cat(parts, 1), names, steps=False)
    return columns | ({"unchanged": [None] * len(columns["eps"])} if d < n else {})


def _crossings(config: LinearConfig, d: int, n: int, device: torch.device) -> Columns:
    """Rows per data set: its own eps_star, -inf or inf where there is none, and more, see `Crossing`."""
    parts = []
    for repeats in chunks(config.own_repeats, n, d, min(n, d), device):
        data = in_row_space(draw("crossings", repeats, n, d, config.sigma, config.theta0_norm, config.seed, device))
        found = crossing(data, config.sigma)
        parts.append(torch.stack([found.eps_star, found.extrapolated, found.delta, found.gap])[..., None])
    names = ("eps_star", "extrapolated", "delta", "gap")
    rows = _rows(d, n, torch.zeros(1), torch.zeros(1), torch.cat(parts, 1), names, steps=False)
    return {name: values for name, values in rows.items() if name not in ("eps", "eps_over_order")}


def strengths(n: int, d: int, sigma: float, norm: float) -> NDArray[np.float64]:
    """GRID strengths, from a tenth of where losses or parameters part for small d/n to beyond the collapse at 0."""
    order = theory.eps_star_order(n, d)
    least = min(order, sigma / norm * order**2, sigma * order) / 10
    return np.geomspace(least, 1.5 * theory.collapse_order(n, d, sigma, norm), GRID)


def _of_minima(data: DataSets, eps: Tensor, sigma: float, shrunk: float) -> Tensor:
    """(10, R, 1 + E): the columns of `minima`."""
    n, k = data.X.shape[-2:]
    clean, least = clean_estimate(data)[:, None], minimise(data, eps)
    residual = (clean @ data.X.mT - data.y[:, None]).abs()
    norm = torch.linalg.vector_norm(clean, dim=-1)
    distance2 = data.distance2(clean)[:, 0]
    inside = (clean[:, 0] - shrunk * data.theta0).square().sum(-1)
    unchanged = unchanged_strength(data.X, data.y) if n <= k else torch.full_like(distance2, torch.nan)
    of_data = (
        population_risk(distance2, norm[:, 0], sigma), inside + shrunk**2 * data.hidden, data.noise2,
        data.y.square().mean(-1), collapse_strength(data.X, data.y), unchanged,
    )  # fmt: skip
    at_zero = (residual.square().mean(-1), 2 * norm * residual.mean(-1), torch.zeros_like(norm), torch.zeros_like(norm))
    apart2 = (least.theta - clean).square().sum(-1)
    by_eps = [torch.cat(pair, 1) for pair in zip(at_zero, (least.risk, least.slope, apart2, least.gap), strict=True)]
    return torch.stack([*by_eps, *(value[:, None].expand_as(by_eps[0]) for value in of_data)])


def chunks(repeats: int, n: int, d: int, columns: int, device: torch.device, more: int = 0) -> Iterator[range]:
    """The repeats in parts; draws are keyed by repeat, so that the parts change no result beyond rounding.

    `more`: numbers that each holds beside its Gram matrix and a column per strength.
    """
    held = n * (min(n, d) + columns + 1) + more
    length = max(1, min((CACHE if device.type == "cpu" else MEMORY) // held, MEMORY // (n * d)))
    for first in range(0, repeats, length):
        yield range(first, min(first + length, repeats))


def _rows(
    d: int, n: int, over_order: Tensor, eps: Tensor, values: Tensor, names: tuple[str, ...], *, steps: bool
) -> Columns:
    """Columns from values (names, R, E) or (names, R, E, T), in this order of rows."""
    index = np.indices(values.shape[1:]).reshape(values.ndim - 1, -1)
    columns: Columns = {"d": np.full(index.shape[1], d), "samples": np.full(index.shape[1], n), "repeat": index[0]}
    columns |= {"eps": eps.cpu().numpy()[index[1]], "eps_over_order": over_order.cpu().numpy()[index[1]]}
    if steps:
        columns["step"] = index[2] + 1
    columns |= dict(zip(names, values.flatten(1).cpu().numpy(), strict=True))
    return columns | ({"gone": columns["gone"] != 0} if "gone" in columns else {})
