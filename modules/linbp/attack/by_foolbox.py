"""Any of Foolbox's attacks on a batch of samples, and what it did.

Imported where one is asked for: Foolbox takes half a second to load, which our own attacks need not spend.
"""

import random
from math import inf
from typing import Any

import numpy as np
import torch
from foolbox.attacks.base import AttackWithDistance
from torch import Tensor, nn

from modules.linbp.attack.outcomes import Outcome
from modules.linbp.samples import predict
from suite.attacks.foolbox_adapter import foolbox_model, has_steps, make_attack
from suite.refs import Call

FOOLBOX_BATCH = 64  # not --batch-size, on which the draws of Foolbox's attacks would depend


def numbers_of_steps(call: Call, steps: tuple[int, ...]) -> tuple[int | None, ...]:
    """The numbers of steps that an attack is run with, ascending; a single None for attacks without steps."""
    return tuple(sorted(steps)) if has_steps(call) else (None,)


def order_of_norm(call: Call, steps: int | None) -> float:
    """The p of the norm that an attack bounds, inf where it bounds none. Raises SuiteError where it cannot be made."""
    attack = make_attack(call, steps=steps)
    return float(attack.distance.p) if isinstance(attack, AttackWithDistance) else inf


def foolbox_attack(
    model: nn.Module, attacked: nn.Module, call: Call, images: Tensor, labels: Tensor, epsilons: tuple[float, ...],
    *, ids: np.ndarray, step_size: float, readings: tuple[int | None, ...], seed: int,
) -> Outcome:  # fmt: skip
    """Any Foolbox attack on `attacked` (the model under a gradient rule), judged by the true `model`.

    One call per reading, the number of steps given to attacks that take one (`None` leaves it to the attack). Foolbox
    draws from the global generators, so batches have a fixed size and each is seeded by (seed, its first id): every
    gradient rule meets the same draws.
    """
    fooled = []
    with foolbox_model(attacked) as target:
        for steps in readings:
            defaults: dict[str, Any] = {"abs_stepsize": step_size} | ({} if steps is None else {"steps": steps})
            attack = make_attack(call, **defaults)
            parts = []
            for batch in torch.arange(len(images), device=images.device).split(FOOLBOX_BATCH):
                _seed_global_generators(seed, int(ids[int(batch[0])]))
                clipped = attack(target, images[batch], labels[batch], epsilons=list(epsilons))[1]
                parts.append(torch.stack(clipped).detach())
            adversarials = torch.cat(parts, 1)
            predictions = torch.stack([predict(model, x, FOOLBOX_BATCH) for x in adversarials])
            fooled.append(predictions.ne(labels))
    return Outcome(torch.stack(fooled, -1), predictions, adversarials)


def _seed_global_generators(seed: int, identity: int) -> None:
    draws = np.random.SeedSequence((seed, identity)).generate_state(3, np.uint32)
    torch.manual_seed(int(draws[0]))
    np.random.seed(int(draws[1]))  # noqa: NPY002  (Foolbox's own generator)
    random.seed(int(draws[2]))
