"""Sign steps in a ball around each image, for all strengths in one batch; the loop behind transfer attacks.

No early stop and no reading of success: transferable perturbations are walked to their end, and the loop never waits
for the device. Strengths share their rows until the smallest ball binds, since until then they walk the same path.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from suite.attacks.arguments import check_bounds, check_count, check_images, check_positive, check_radii

Direction = Callable[[Tensor, int], Tensor]
"""(iterates (L, N, ...), step from 0) -> ascent directions of that shape. L paths: one per strength, or the last path
stands for several strengths."""


@dataclass(frozen=True)
class SignSteps:
    """Settings of the walk.

    Args:
        steps: K >= 1.
        step_size: length of a step in the sup-norm; None takes each strength's radius (FGSM).
        decay: of the momentum g_t = decay g_{t-1} + d / |d|_1 (Dong et al., CVPR 2018); None walks along d itself.
        bounds: valid pixel range.
        share: let strengths share a path while no ball binds. Only for directions that do not depend on the strength.

    Raises SuiteError for values outside these ranges.
    """

    steps: int
    step_size: float | None = 1 / 255
    decay: float | None = None
    bounds: tuple[float, float] = (0.0, 1.0)
    share: bool = True

    def __post_init__(self) -> None:
        check_count("steps", self.steps)
        if self.step_size is not None:
            check_positive("step_size", self.step_size)
        if self.decay is not None:
            check_positive("decay", self.decay, zero=True)
        check_bounds(self.bounds)

    def paths(self, step: int, epsilons: tuple[float, ...]) -> int:
        """How many different paths there are after `step` (from 0)."""
        if not self.share or self.step_size is None:
            return len(epsilons)
        # A ball that is touched but for rounding counts as binding; pixels are rounded in proportion to their range.
        travelled = (step + 1) * self.step_size + 1e-5 * max(map(abs, self.bounds))
        return 1 + sum(travelled > eps for eps in epsilons[:-1])


def sign_steps(direction: Direction, images: Tensor, epsilons: tuple[float, ...], settings: SignSteps) -> Tensor:
    """Last iterates (E, N, ...) of x <- clip(x + step sign(direction)) from the (N, ...) images on.

    Args:
        epsilons: radii > 0 in the sup-norm, ascending.

    Raises SuiteError for other radii, and for images of whole numbers.

    Cost: K calls of `direction` on at most E N rows; on N rows until the smallest ball binds.
    """
    check_images(images)
    check_radii(epsilons)
    radii = images.new_tensor(epsilons).view(-1, *[1] * images.ndim)
    x = images[None] if settings.share else images.expand(len(epsilons), *images.shape)
    moves = torch.zeros_like(x)
    for step in range(settings.steps):
        ascent = direction(x, step)
        moves = ascent if settings.decay is None else settings.decay * moves + _unit_l1(ascent)
        paths = settings.paths(step, epsilons)
        x, moves, radius = _fork(x, paths), _fork(moves, paths), radii[:paths]
        x = x + (radius if settings.step_size is None else settings.step_size) * moves.sign()
        x = (images + (x - images).clamp(-radius, radius)).clamp(*settings.bounds)
    return _fork(x, len(epsilons))


def _fork(rows: Tensor, paths: int) -> Tensor:
    """(L, N, ...) -> (paths, N, ...): new paths begin as the last one."""
    if len(rows) == paths:
        return rows
    return torch.cat([rows, rows[-1:].expand(paths - len(rows), *rows.shape[1:])])


def _unit_l1(v: Tensor) -> Tensor:
    """Each (path, sample) over its l1 norm; zero stays zero."""
    norms = v.flatten(2).abs().sum(2).clamp(min=torch.finfo(v.dtype).tiny)
    return v / norms.view(*norms.shape, *[1] * (v.ndim - 2))
