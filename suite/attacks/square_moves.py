"""What Square does to an image in one query: stripes and squares of full strength, or mass that is moved (l2).

Andriushchenko et al., ECCV 2020, Algorithms 2 (l_inf) and 3 (l2).
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from suite.attacks.ball import TINY, Ball, each, lengths
from suite.attacks.iterate import Norm

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
    upright, flat = _bump(side, draws), _bump(side, draws).mT
    repeats = (len(tall), len(wide))
    turned = torch.where(corners[:, -1:] < 0.5, upright.repeat(repeats), flat.repeat(repeats))
    bumps = (turned * _signs(corners[:, :-1]))[..., :height, :width]
    return _of_full_length(ball, bumps)


def moved_mass(ball: Ball, x: Tensor, side: int, draws: Tensor) -> Tensor:
    """One window is emptied; another takes its share of the length, and a bump on top of what it had."""
    offset = x - ball.images
    first, second = (_window(x, side, draws[:, place], draws[:, place + 1]) for place in (0, 2))
    kept_length = each(lengths(offset, "l2"), x)
    spare = (ball.eps**2 - kept_length.square()).clamp(min=0) / x.shape[1]
    budget = (spare + (offset * (first | second)).square().sum((2, 3), keepdim=True)).sqrt()
    bump = torch.where(each(draws[:, 4], x) < 0.5, _bump(side, draws), _bump(side, draws).mT)
    bumps = _placed(x, side, draws, bump * _signs(draws[:, 5:])[:, :, None, None])
    old = offset * first
    shape = bumps + old / _channel_lengths(old).clamp(min=TINY)
    new = shape / _channel_lengths(shape).clamp(min=TINY) * budget
    return _of_full_length(ball, torch.where(first, new, torch.where(second, 0, offset)))


MOVES: Mapping[Norm, tuple[Begin, Move]] = {"linf": (stripes, recoloured), "l2": (tiles, moved_mass)}
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


def _bump(side: int, like: Tensor) -> Tensor:
    """Two heaps of opposite sign, one in the upper and one in the lower half of a square, of length 1 together."""
    halves = torch.cat([_heap(side // 2, side, like), -_heap(side - side // 2, side, like)])
    length: Tensor = halves.norm()
    return halves / length


def _heap(height: int, width: int, like: Tensor) -> Tensor:
    """Squares on squares around the middle: sum of 1 / (k + 1)^2 over those of half side k that reach a pixel."""
    middle = (
        torch.arange(height, device=like.device) - height // 2,
        torch.arange(width, device=like.device) - width // 2,
    )
    distance = torch.maximum(middle[0].abs()[:, None], middle[1].abs()[None, :])
    largest = max(height, width) // 2 + 1
    layers = 1 / torch.arange(1, largest + 1, device=like.device).to(like).square()
    return layers.flip(0).cumsum(0).flip(0)[distance] if height else like.new_zeros(0, width)


def _channel_lengths(offset: Tensor) -> Tensor:
    return offset.square().sum((2, 3), keepdim=True).sqrt()


def _of_full_length(ball: Ball, offset: Tensor) -> Tensor:
    """Offsets stretched to the balls' borders, then cut to the pixels' range."""
    scale = ball.eps / lengths(offset, "l2").clamp(min=TINY)
    return (ball.images + each(scale, offset) * offset).clamp(0, 1)
