"""From the options to what they stand for: recipe, objective, inner attack; and an objective's mean on a whole set."""

from dataclasses import replace
from typing import Literal

import torch
from torch import nn

from modules.phase_transition.options import TrainingConfig, attack_call, loss_call
from suite.attacks import Adversary, Settings
from suite.attacks.adversary import Start
from suite.errors import SuiteError
from suite.training import Mart, Objective, Recipe, Trades, as_pixels, cross_entropy, in_mode
from suite.training.batches import Data

BATCH = 250  # samples attacked at once where nothing is learnt


def objective_of(loss: str) -> Objective:
    """The objective that a loss's text stands for."""
    call = loss_call(loss)
    if call.name == "ce":
        return cross_entropy
    beta = float(call.arguments["beta"])
    return Trades(beta) if call.name == "trades" else Mart(beta)


def adversary_of(
    config: TrainingConfig,
    model: nn.Module,
    eps: float,
    *,
    mode: Literal["eval", "train"] = "eval",
    objective: Objective | None = None,
    attack: str | None = None,
) -> Adversary | None:
    """An attack of that strength, by the config's norm, on a model under its gradient rule; None for eps 0.

    TRADES and MART start near the image, TRADES against its own divergence, as released; else it starts at random in
    the ball as in Rice et al. 2020.

    Args:
        objective: what it serves, where that is not the config's loss.
        attack: where it is not the config's.
    """
    if not eps:
        return None
    objective = objective_of(config.loss) if objective is None else objective
    call = attack_call(attack or config.attack)
    steps = int(call.arguments.get("steps", 1))
    inside: Start = "uniform" if config.norm == "linf" else "radial"
    return Adversary(
        model,
        eps,
        Settings(steps, float(call.arguments["reach"]) * eps / steps, config.norm),
        start=inside if objective is cross_entropy else "near",
        mode=mode,
        against="clean" if isinstance(objective, Trades) else "labels",
    )


def objective_mean(
    model: nn.Module, data: Data, objective: Objective, adversary: Adversary | None
) -> tuple[float, float]:
    """Mean of an objective, and accuracy on its samples, over a whole set in eval mode; no weight gets a gradient."""
    images, labels = data
    loss = torch.zeros((), dtype=torch.float64, device=labels.device)
    correct = torch.zeros((), dtype=torch.int64, device=labels.device)
    with in_mode(model, training=False):
        for ids in torch.arange(len(labels), device=labels.device).split(BATCH):
            mean, logits = _value(model, as_pixels(images[ids]), labels[ids], objective, adversary)
            loss += mean * len(ids)
            correct += (logits.argmax(1) == labels[ids]).sum()
    return float(loss) / len(labels), float(correct) / len(labels)


def recipe_of(config: TrainingConfig, recipe: Recipe) -> Recipe:
    """A model's recipe with the config's changes; milestones move in proportion to the epochs.

    Raises SuiteError where the optimiser changes and no learning rate for it is given.
    """
    epochs = config.epochs or recipe.epochs
    changed = config.optimiser not in (None, recipe.optimiser)
    if changed and config.learning_rate is None:
        raise SuiteError(
            f"--optimiser {config.optimiser}: the recipe's learning rate is for {recipe.optimiser}",
            "give --learning-rate",
        )
    return replace(
        recipe,
        epochs=epochs,
        batch_size=config.batch_size or recipe.batch_size,
        optimiser=config.optimiser or recipe.optimiser,
        learning_rate=config.learning_rate or recipe.learning_rate,
        momentum=recipe.momentum or (0.9 if changed else 0.0),
        milestones=tuple(round(milestone * epochs / recipe.epochs) for milestone in recipe.milestones),
        bfloat16=config.bfloat16,
        channels_last=config.channels_last,
        period=None if recipe.period is None else round(recipe.period * epochs / recipe.epochs),
    )


def _value(
    model: nn.Module, pixels: torch.Tensor, labels: torch.Tensor, objective: Objective, adversary: Adversary | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """An objective's value on a batch; the adversary alone differentiates."""
    attacked = adversary(pixels, labels) if adversary is not None else pixels
    with torch.no_grad():
        return objective(model, pixels, labels, None if adversary is None else lambda *_: attacked)
