"""Attacks on a batch of samples and what they did: our own iterated attack, AutoAttack, or any of Foolbox's."""

import random
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from modules.linbp.samples import predict
from suite.attacks import Efforts, Engine, Settings, autoattack, foolbox_model, iterate, make_attack, random_starts
from suite.attacks.ball import BallNorm
from suite.refs import Call

FOOLBOX_BATCH = 64  # not --batch-size, on which the draws of Foolbox's attacks would depend


@dataclass(frozen=True)
class Outcome:
    """What an attack did to N samples under E strengths.

    Attributes:
        fooled: (E, N, S) booleans, by reading: the steps 0..K of our own iterated attack, or the numbers of steps that
            a Foolbox attack was run with; one for attacks without steps.
        prediction: (E, N) classes at the last reading.
        adversarials: (E, N, C, H, W) at the last reading.
        fooled_by: of an ensemble, (E, N) places in MEMBERS of the attack that was first to fool, -1 for none.
    """

    fooled: Tensor
    prediction: Tensor
    adversarials: Tensor
    fooled_by: Tensor | None = None


def iterated_attack(
    engine: Engine, images: Tensor, labels: Tensor, epsilons: tuple[float, ...], settings: Settings,
    *, readings: tuple[int, ...], noise: Tensor | None, batch_size: int,
) -> Outcome:  # fmt: skip
    """I-FGSM, or PGD from unit-ball `noise` (N, ...): every strength and step from one trajectory.

    `epsilons` in any order; the outcome keeps it. `readings` are the steps that the study reports.
    """
    order = sorted(range(len(epsilons)), key=lambda index: epsilons[index])
    ascending = tuple(epsilons[index] for index in order)
    parts = []
    for batch in torch.arange(len(images), device=images.device).split(batch_size):
        start = None if noise is None else random_starts(images[batch], noise[batch], ascending, settings)
        part = iterate(
            engine.differentiate, engine.predict, images[batch], labels[batch], ascending, settings,
            start=start, judge=engine.judge, readings=readings,
        )  # fmt: skip
        parts.append(part)
    back = [order.index(index) for index in range(len(epsilons))]
    return Outcome(
        torch.cat([part.fooled for part in parts], 1)[back],
        torch.cat([part.prediction for part in parts], 1)[back],
        torch.cat([part.adversarials for part in parts], 1)[back],
    )


def ensemble_attack(
    engine: Engine, images: Tensor, labels: Tensor, epsilons: tuple[float, ...],
    *, ids: Tensor, seed: int, norm: BallNorm, efforts: Efforts, batch_size: int,
) -> Outcome:  # fmt: skip
    """AutoAttack at every strength by itself: none takes over what a smaller ball has found."""
    batches = torch.arange(len(images), device=images.device).split(batch_size)
    fooled_by, adversarials, predictions = [], [], []
    for eps in epsilons:
        found = [
            autoattack(
                engine.differentiate, engine.predict, images[batch], labels[batch], eps,
                ids=ids[batch], seed=seed, norm=norm, efforts=efforts,
            )
            for batch in batches
        ]  # fmt: skip
        fooled_by.append(torch.cat([part.fooled_by for part in found]))
        adversarials.append(torch.cat([part.adversarials for part in found]))
        with torch.no_grad():
            said = [engine.predict(part.adversarials).argmax(1) for part in found]
        predictions.append(torch.cat(said))
    by = torch.stack(fooled_by)
    return Outcome((by >= 0).unsqueeze(-1), torch.stack(predictions), torch.stack(adversarials), by)


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


def perturbation_norms(adversarials: Tensor, images: Tensor, p: float, unit: float | Tensor) -> Tensor:
    """(E, N): lp norm of each perturbation, in the units of epsilon; p in {0, 1, 2, inf}, 0 counts pixels."""
    norms: Tensor = torch.linalg.vector_norm(((adversarials - images) / unit).flatten(2), p, dim=2)
    return norms


def _seed_global_generators(seed: int, identity: int) -> None:
    draws = np.random.SeedSequence((seed, identity)).generate_state(3, np.uint32)
    torch.manual_seed(int(draws[0]))
    np.random.seed(int(draws[1]))  # noqa: NPY002  (Foolbox's own generator)
    random.seed(int(draws[2]))
