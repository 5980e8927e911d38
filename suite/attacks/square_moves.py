"""What Square does to an image in one query: stripes and squares of full strength, or mass that is moved (l2 and l1).

Andriushchenko et al., ECCV 2020, Algorithms 2 (l_inf) and 3 (l2); Croce and Hein, Mind the box, ICML 2021: the same in
l1, with steeper bumps, brought back into the ball.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from suite.attacks.ball import TINY, Ball, BallNorm, each, lengths

Begin = Callable[[Ball, Tensor], Tensor]
"""(ball, draws (N, draws_of_a_start)) -> first iterates (N, C, H, W)."""
Move = Callable[[Ball, Tensor, int, Tensor], Tensor]
"""(ball, iterates (N, C, H, W), side, draws (N, draws_of_a_move)) -> others."""


def draws_of_a_start(shape: tuple[int, ...]) -> int:
    """How many uniform draws a start needs for an image (C, H, W): a sign and an orientation for each pixel's tile."""
    channels, height, width = shape
    return (channels + 1) * height * width


def draws_of_a_move(channels: int) -> int:
    """How many a move needs: the corners of two windows, an orientation, a sign for each channel."""
    return 5 + channels


def stripes(ball: Ball, draws: Tensor) -> Tensor:
    """Every column of a channel goes to one end of the ball."""
    _, channels, _, width = ball.images.shape
    signs = _signs(draws[:, : channels * width]).view(-1, channels, 1, width)
    return ball.project(ball.images + ball.eps * signs)


def recoloured(ball: Ball, x: Tensor, side: int, draws: Tensor) -> Tensor:
    """In one square every channel goes to one end of the ball, wherever it was."""
    ends = ball.project(ball.images + ball.eps * _signs(draws[:, 5:])[:, :, None, None])
    return torch.where(_window(x, side, draws[:, 0], draws[:, 1]), ends, x)


def tiles(ball: Ball, draws: Tensor) -> Tensor:
    """A grid of five by five bumps, each with a sign for each channel, as long as the radius."""
    count, channels, height, width = ball.images.shape
    side = max(min(height, width) // 5, 1)
    grid = draws.view(count, channels + 1, height, width)
    tall, wide = (torch.arange(-(-length // side), device=draws.device) * side for length in (height, width))
    corners = grid[:, :, tall][:, :, :, wide].repeat_interleave(side, 2).repeat_interleave(side, 3)
    upright = _bump(side, draws, ball.norm)
    repeats = (len(tall), len(wide))
    turned = torch.where(corners[:, -1:] < 0.5, upright.repeat(repeats), upright.mT.repeat(repeats))
    bumps = (turned * _signs(corners[:, :-1]))[..., :height, :width]
    return _within(ball, bumps)


def moved_mass(ball: Ball, x: Tensor, side: int, draws: Tensor) -> Tensor:
    """One window is emptied; another takes its share of the length, and a bump on top of what it had.

    In l1, as in the released code, that is the share times the number of channels: most of it is projected away.
    """
    offset, p = x - ball.images, _power(ball.norm)
    first, second = (_window(x, side, draws[:, place], draws[:, place + 1]) for place in (0, 2))
    spare = (ball.eps**p - each(lengths(offset, ball.norm), x) ** p).clamp(min=0) / x.shape[1]
    budget = (spare + _channel_lengths(offset * (first | second), p) ** p) ** (1 / p)
    if ball.norm == "l1":
        budget = budget * x.shape[1]
    upright = _bump(side, draws, ball.norm)
    bump = torch.where(each(draws[:, 4], x) < 0.5, upright, upright.mT)
    bumps = _placed(x, side, draws, bump * _signs(draws[:, 5:])[:, :, None, None])
    old = offset * first
    shape = bumps + old / _channel_lengths(old, p).clamp(min=TINY)
    new = shape / _channel_lengths(shape, p).clamp(min=TINY) * budget
    return _within(ball, torch.where(first, new, torch.where(second, 0, offset)))


MOVES: Mapping[BallNorm, tuple[Begin, Move]] = {
    "linf": (stripes, recoloured),
    "l2": (tiles, moved_mass),
    "l1": (tiles, moved_mass),
}
"""By the norm: where the search begins, and how it goes on."""


def _signs(draws: Tensor) -> Tensor:
    return torch.where(draws < 0.5, -1.0, 1.0).to(draws)


def _corners(length: int, side: int, draws: Tensor) -> Tensor:
    """First row (or column) of a window that fits, uniformly."""
    return (draws * (length - side + 1)).long()


def _window(x: Tensor, side: int, down: Tensor, right: Tensor) -> Tensor:
    """Where a window of each image is, (N, 1, H, W) booleans."""
    within = []
    for length, draws in ((x.shape[2], down), (x.shape[3], right)):
        first, places = _corners(length, side, draws)[:, None], torch.arange(length, device=x.device)
        within.append((places >= first) & (places < first + side))
    return (within[0][:, :, None] & within[1][:, None, :])[:, None]


def _placed(x: Tensor, side: int, draws: Tensor, values: Tensor) -> Tensor:
    """Values (N, C, side, side) in each image's first window, zeros around it."""
    rows = _corners(x.shape[2], side, draws[:, 0])[:, None] + torch.arange(side, device=x.device)
    columns = _corners(x.shape[3], side, draws[:, 1])[:, None] + torch.arange(side, device=x.device)
    images, channels = (torch.arange(count, device=x.device) for count in x.shape[:2])
    where = (images[:, None, None, None], channels[:, None, None], rows[:, None, :, None], columns[:, None, None, :])
    return torch.zeros_like(x).index_put(where, values.expand(-1, x.shape[1], -1, -1))


def _power(norm: BallNorm) -> int:
    """p of l2 and l1."""
    return 2 if norm == "l2" else 1


def _bump(side: int, like: Tensor, norm: BallNorm) -> Tensor:
    """Two heaps of opposite sign, one in the upper and one in the lower half of a square, of length 1 together."""
    steep = 2 if norm == "l2" else 4
    halves = torch.cat([_heap(side // 2, side, like, steep), -_heap(side - side // 2, side, like, steep)])
    length: Tensor = halves.norm(p=_power(norm))
    return halves / length


def _heap(height: int, width: int, like: Tensor, steep: int) -> Tensor:
    """Squares on squares around the middle: sum of 1 / (k + 1)^steep over those of half side k that reach a pixel."""
    middle = (
        torch.arange(height, device=like.device) - height // 2,
        torch.arange(width, device=like.device) - width // 2,
    )
    distance = torch.maximum(middle[0].abs()[:, None], middle[1].abs()[None, :])
    largest = max(height, width) // 2 + 1
    layers = 1 / torch.arange(1, largest + 1, device=like.device).to(like) ** steep
    return layers.flip(0).cumsum(0).flip(0)[distance] if height else like.new_zeros(0, width)


def _channel_lengths(offset: Tensor, p: int) -> Tensor:
    channels: Tensor = torch.linalg.vector_norm(offset, p, (2, 3), keepdim=True)
    return channels


def _within(ball: Ball, offset: Tensor) -> Tensor:
    """In l2 offsets stretched to the balls' borders, then cut to the pixels' range; in l1 the nearest within both."""
    if ball.norm == "l1":
        return ball.project(ball.images + offset)
    scale = ball.eps / lengths(offset, ball.norm).clamp(min=TINY)
    return (ball.images + each(scale, offset) * offset).clamp(0, 1)
