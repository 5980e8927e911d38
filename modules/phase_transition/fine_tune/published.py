"""What Xing et al. 2022 print of adversarial fine-tuning: losses (Table B.7) and eps_star (Table 4).

CIFAR-10, PreActResNet-18. Strengths are in 1/255, losses in nats.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from modules.phase_transition.fine_tune.config import FineTuneConfig
from modules.phase_transition.fine_tune.extrapolation import METHODS, curve
from modules.phase_transition.options import attack_call

RATE = 0.1
"""Learning rate of clean training on CIFAR, which is also the highest of a fine-tuning."""


class Row(NamedTuple):
    """A row of Table 4 and the losses of Table B.7 that it comes from."""

    attack: str
    samples: int
    norm: str
    eps: tuple[float, ...]
    losses: tuple[float, ...]
    from_scratch: float
    one_point: float
    three_points: float


ROWS = (
    Row("pgd", 10_000, "linf", (0.25, 0.5, 1), (0.0426, 0.0829, 0.2008), 3.3, 4.7, 2.5),
    Row("fgm", 10_000, "linf", (0.25, 0.5, 1), (0.0893, 0.1562, 0.2289), 3.3, 1.7, 2.1),
    Row("pgd", 50_000, "l2", (5, 10, 15), (0.0999, 0.1273, 0.1655), 24.8, 20.1, 17.9),
    Row("fgm", 50_000, "l2", (5, 10, 15), (0.0958, 0.1321, 0.1673), 24.8, 18.4, 17.4),
    Row("pgd", 50_000, "linf", (0.25, 0.5, 1), (0.1163, 0.1642, 0.288), 0.5, 0.58, 0.52),
    Row("fgm", 50_000, "linf", (0.25, 0.5, 1), (0.1183, 0.1739, 0.2425), 0.5, 0.53, 0.59),
)
CLEAN_LOSS = {10_000: 0.0403, 50_000: 0.0761}
"""Training loss of the clean model (Tables B.2 and B.7)."""
CLEAN_TEST_LOSS = {10_000: 0.441, 50_000: 0.1837}
"""The threshold R* (Table B.2)."""
THRESHOLD = {10_000: 0.441, 50_000: 0.179}
"""The threshold from which Table 4's numbers follow: for 50,000 samples another than the printed clean test loss."""


def recomputed() -> Iterator[dict[str, Any]]:
    """eps_star of each row by each method from the printed losses, beside Table 4, at both thresholds."""
    for row in ROWS:
        printed = {"1-point": row.one_point, "least-squares": row.three_points}
        of_row = {"attack": row.attack, "samples": row.samples, "norm": row.norm, "from_scratch": row.from_scratch}
        thresholds = {"threshold": THRESHOLD[row.samples], "clean_test_loss": CLEAN_TEST_LOSS[row.samples]}
        for method in METHODS:
            loss = curve(method, CLEAN_LOSS[row.samples], row.eps, row.losses)
            stars = [loss.crossing(threshold).eps for threshold in thresholds.values()]
            found = dict(zip(("eps_star", "eps_star_at_it"), stars, strict=True))
            yield {**of_row, "method": method, "published": printed.get(method), **thresholds, **found}


class Printed(NamedTuple):
    """eps_star as printed, in 1/255; whether the run's settings are the paper's, as far as it gives them."""

    eps_star: float
    same_settings: bool


def printed(config: FineTuneConfig, samples: int, epochs: int) -> dict[tuple[str, str], Printed]:
    """Table 4's eps_star by (inner attack, method), where it has the data, the model, the attack's kind and strengths.

    Args:
        samples: in the training set.
        epochs: of a fine-tuning.
    """
    if (config.dataset, config.model, config.loss, config.gradient[0]) != ("cifar10", "preactresnet18", "ce", "bp"):
        return {}
    found: dict[tuple[str, str], Printed] = {}
    for attack in config.tune_attacks:
        same = _same_settings(config, attack, epochs)
        for row in ROWS:
            setting = (attack_call(attack).name, samples, config.norm, tuple(round(255 * eps, 9) for eps in config.eps))
            if setting == (row.attack, row.samples, row.norm, row.eps):
                found[attack, "1-point"] = Printed(row.one_point, same)
                found[attack, "least-squares"] = Printed(row.three_points, same)
    return found


def _same_settings(config: FineTuneConfig, attack: str, epochs: int) -> bool:
    """Of l2 the paper does not give the step, so that none can be the same."""
    trained = (config.epochs or 200, epochs, config.batch_size or 128, config.learning_rate or RATE, config.optimiser)
    attacked = (attack_call(config.attack), attack_call(attack), config.attack_mode, config.select, config.norm)
    return trained in [(200, 40, 128, RATE, optimiser) for optimiser in (None, "sgd")] and attacked == (
        attack_call("pgd"),
        attack_call(attack_call(attack).name),
        "train",
        "test",
        "linf",
    )
