"""Square: random search with squares, from the outputs alone (Andriushchenko, Croce, Flammarion, Hein, ECCV 2020).

It follows no gradient, so that none can be masked. Each sample has squares of its own, keyed by (seed, id, query): the
released code draws one place for the whole batch, and never the last row and column.
"""

from collections.abc import Callable
from math import sqrt
from typing import get_args

import torch
from torch import Tensor

from suite.attacks.arguments import (
    check_batch,
    check_choice,
    check_classes,
    check_count,
    check_positive,
    check_seed,
    check_shape,
)
from suite.attacks.ball import Ball, BallNorm, each
from suite.attacks.keyed_draws import uniform
from suite.attacks.square_moves import MOVES, draws_of_a_move, draws_of_a_start
from suite.attacks.waiting import window_on
from suite.errors import SuiteError

SHARE = 0.8  # p: share of the pixels that the first squares cover
HALVED_AT = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)  # queries after which p is halved
BLOCK = 64  # queries whose draws are made at once
_START, _MOVES = 0, 1  # purposes of the draws, on top of the caller's


@torch.no_grad()
def square(
    predict: Callable[[Tensor], Tensor],
    images: Tensor,
    labels: Tensor,
    eps: float,
    queries: int,
    *,
    ids: Tensor,
    seed: int = 0,
    purpose: int = 0,
    norm: BallNorm = "linf",
    window: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Which samples are fooled, (N,) booleans, and each sample's last accepted iterate, (N, C, H, W).

    A move is accepted where it lowers the margin z_y - max_{i != y} z_i; a fooled sample stands still until it leaves.

    Args:
        predict: logits of the model.
        images: (N, C, H, W) pixels in [0, 1].
        labels: (N,).
        eps: radius in the norm, > 0.
        queries: of each sample >= 1; the first is the start's.
        ids: (N,) int64 on the images' device; with seed, purpose and query they are the key of every draw.
        purpose: an even number that tells apart draws of the same seed.
        norm: `linf`, `l2` or `l1`.
        window: queries between two looks at who leaves; None: as the device has it. The result is the same.

    Raises SuiteError for values outside these ranges, and for labels that are not the model's classes.

    Cost: a forward pass a query over the samples that are not fooled.
    """
    check_positive("eps", eps)
    check_count("queries", queries)
    check_choice("norm", norm, get_args(BallNorm))
    check_seed(seed)
    check_batch(images, labels)
    check_shape("ids", ids, labels.shape)
    if images.ndim != 4:
        raise SuiteError(f"images of shape {tuple(images.shape)}", "give (N, C, H, W): squares have two sides")
    begin, move = MOVES[norm]
    shape, moving = images.shape[1:], draws_of_a_move(images.shape[1])
    ball, rows = Ball(images, eps, norm), torch.arange(len(images), device=images.device)
    x = begin(ball, uniform(seed, ids, 0, draws_of_a_start(shape), purpose + _START).to(images))
    logits = predict(x)
    check_classes(labels, logits.shape[1])
    margin, fooled = margins(logits, labels)
    found, window = x.clone(), window or window_on(images.device)
    for query in range(1, queries):
        if (query - 1) % window == 0:
            stays = ~fooled[rows]
            rows, x, margin = rows[stays], x[stays], margin[stays]
            if not len(rows):
                break
        place = (query - 1) % BLOCK
        if place == 0:
            block, held = uniform(seed, ids[rows], query, BLOCK * moving, purpose + _MOVES), rows
        draws = block[torch.searchsorted(held, rows), place * moving : (place + 1) * moving].to(x)
        moved = move(ball.select(rows), x, side_at(query - 1, shape, norm), draws)
        new, wrong = margins(predict(moved), labels[rows])
        better = ~fooled[rows] & (wrong | (new < margin))
        x, margin = torch.where(each(better, x), moved, x), torch.where(better, new, margin)
        found[rows], fooled[rows] = x, fooled[rows] | wrong
    return fooled, found


def margins(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """z_y - max_{i != y} z_i of logits (B, C), and whether another class than y is named."""
    own = logits.gather(1, labels[:, None])
    others = logits.scatter(1, labels[:, None], -torch.inf)
    return (own - others.amax(1, keepdim=True))[:, 0], logits.argmax(1) != labels


def side_at(query: int, shape: tuple[int, ...], norm: BallNorm) -> int:
    """Of the squares of a query, from 0, in images (C, H, W); odd and at least 3 in l2 and l1, where halves differ.

    The schedule is that of 10,000 queries whatever the number of queries, as AutoAttack has it.
    """
    height, width = shape[-2:]
    share = SHARE / 2 ** sum(query > each for each in HALVED_AT)
    side = max(round(sqrt(share * height * width)), 1 if norm == "linf" else 3)
    if norm != "linf":
        side += side % 2 == 0
    return min(side, height, width)
