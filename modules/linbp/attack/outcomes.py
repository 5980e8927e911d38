"""Attacks on a batch of samples and what they did: our own iterated attack, or AutoAttack."""

from dataclasses import dataclass

import torch
from torch import Tensor

from modules.linbp.batches import even
from suite.attacks import Efforts, Engine, Settings, autoattack, iterate, random_starts
from suite.attacks.ball import BallNorm


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
    for batch in torch.arange(len(images), device=images.device).split(even(len(images), batch_size)):
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
    batches = torch.arange(len(images), device=images.device).split(even(len(images), batch_size))
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


def perturbation_norms(adversarials: Tensor, images: Tensor, p: float, unit: float | Tensor) -> Tensor:
    """(E, N): lp norm of each perturbation, in the units of epsilon; p in {0, 1, 2, inf}, 0 counts pixels."""
    norms: Tensor = torch.linalg.vector_norm(((adversarials - images) / unit).flatten(2), p, dim=2)
    return norms
