"""What Xing et al. 2022 print of training from scratch: losses (Tables 1, B.2-B.5) and eps_star (Table 3, Sec. 5.3).

Strengths are in 1/255, losses in nats. The losses give the printed eps_star by linear interpolation, truncated or
rounded, except MART's: its training loss without attack is above the threshold, because the one is MART's own
objective and the other a cross-entropy.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from modules.phase_transition.crossing import crossing
from modules.phase_transition.epsilon_star.config import EpsilonStarConfig
from modules.phase_transition.options import attack_call, loss_call
from suite.refs import Call, parse_call


class Row(NamedTuple):
    """One setting: adversarial training losses, the clean test loss, eps_star as printed (None where it is not)."""

    dataset: str
    model: str
    samples: int
    eps: tuple[float, ...]
    losses: tuple[float, ...]
    threshold: float
    eps_star: float | None
    norm: str = "linf"
    batch_size: int = 128
    loss: str = "ce"
    optimiser: str = "sgd"

    @property
    def recomputed(self) -> float:
        """eps_star by linear interpolation from clean training on; NaN where there is none."""
        return crossing(self.eps, self.losses, self.threshold).estimate


PARN = "preactresnet18"
ROWS = (
    Row("cifar10", PARN, 50_000, (0, 0.5, 1, 2, 4, 8), (0.0761, 0.1802, 0.2148, 0.3411, 0.6082, 1.1102), 0.1837, 0.5),
    Row("cifar10", PARN, 10_000, (0, 1, 2, 8), (0.0403, 0.1586, 0.2199, 1.2186), 0.441, 3.3),
    Row("cifar10", PARN, 50_000, (0, 32, 64, 96, 128), (0.0761, 0.2149, 0.34, 0.4698, 0.5963), 0.1837, 24.8, "l2"),
    Row(
        "cifar10",
        PARN,
        10_000,
        (0, 32, 64, 96, 128, 256, 512),
        (0.0403, 0.0777, 0.2001, 0.2681, 0.3494, 0.8098, 1.6061),
        0.441,
        None,
        "l2",
    ),
    Row("cifar10", PARN, 50_000, (0, 1, 2, 4), (0.0263, 0.1769, 0.2779, 0.5181), 0.1823, None, batch_size=256),
    Row("cifar100", PARN, 25_000, (0, 1, 2, 4, 8), (0.2459, 0.5751, 0.7798, 1.2994, 2.7874), 1.2872, 4.0),
    Row("cifar100", PARN, 50_000, (0, 1, 2, 4, 8), (0.4647, 0.8917, 1.383, 1.7344, 2.6004), 0.9047, 1.0),
    Row("svhn", PARN, 50_000, (0, 2, 4, 8), (0.0006, 0.0016, 0.0931, 0.7251), 0.2303, 4.9),
    Row("cifar10", "wrn34(width=1)", 50_000, (0, 1, 2), (0.0476, 0.2061, 0.3782), 0.2261, 1.1),
    Row("cifar10", "wrn34", 50_000, (0, 1, 2), (0.0416, 0.1307, 0.2759), 0.1505, 1.1),
    Row("cifar10", PARN, 50_000, (0, 1, 2, 4), (0.0307, 0.0767, 0.2832, 0.9711), 0.3554, None, optimiser="adam"),
    Row("cifar10", PARN, 50_000, (0, 1, 2), (0.1681, 0.3212, 0.3007), 0.2857, 0.7, loss="trades"),
    Row("cifar10", PARN, 50_000, (0, 1, 2), (0.432, 0.5989, 0.8447), 0.3411, 0.8, loss="mart"),
)
MNIST = {128: 48.0, 16: 26.1}
"""By width of mnist-cnn, 50,000 samples (Table 3); the losses, convolutions, optimiser and schedule are not given."""
RATE, SVHN_RATE = 0.1, 0.01
"""Learning rate on CIFAR, which is also that of these models' recipes, and on SVHN."""
_WIDTHS = {"mnist-cnn": 128, "wrn34": 10}  # what the names mean without an argument


class Printed(NamedTuple):
    """eps_star as printed and as the printed losses give it, in 1/255; whether the settings are the paper's."""

    eps_star: float
    recomputed: float
    same_settings: bool


def printed(config: EpsilonStarConfig, model: str, samples: int, gradient: str) -> Printed | None:
    """What the paper prints for a kind of training; None where it does not have it."""
    if gradient != "bp" or attack_call(config.attack).name != "pgd":
        return None
    loss, data = loss_call(config.loss).name, config.dataset.split("@")[0]
    if data == "mnist" and (samples, config.norm, loss) == (50_000, "linf", "ce") and mnist_width(model) in MNIST:
        known = MNIST[mnist_width(model)]
        return Printed(known, known, False)
    setting = (data, _canonical(model), samples, config.norm, config.batch_size or 128, loss, config.optimiser or "sgd")
    as_there = config.select == "test" and config.epochs in (None, 200) and config.attack_mode == "train"
    as_there &= attack_call(config.attack) == attack_call("pgd")  # its ten steps, of a length as Rice et al.'s
    as_there &= (config.learning_rate or RATE) == (SVHN_RATE if data == "svhn" else RATE)
    for row in ROWS:
        its = (row.dataset, row.model, row.samples, row.norm, row.batch_size, row.loss, row.optimiser)
        if its == setting and row.eps_star is not None:
            # Neither their betas nor their step in l2 are given.
            return Printed(row.eps_star, row.recomputed, as_there and loss == "ce" and config.norm == "linf")
    return None


def mnist_width(model: str) -> int:
    """Units of an mnist-cnn's first linear layer; 0 for other architectures."""
    call = parse_call(model)
    return int(call.arguments.get("width", _WIDTHS["mnist-cnn"])) if call.name == "mnist-cnn" else 0


def recomputed() -> Iterator[dict[str, Any]]:
    """eps_star of each row from the printed losses, beside the printed one."""
    for row in ROWS:
        found = crossing(row.eps, row.losses, row.threshold)
        setting = {name: value for name, value in row._asdict().items() if name not in ("eps", "losses", "eps_star")}
        yield {
            **setting,
            "published": row.eps_star,
            "recomputed": found.estimate,
            "outcome": found.outcome,
            "monotone": found.monotone,
        }


def _canonical(model: str) -> str:
    call = parse_call(model)
    return str(
        Call(call.name, {name: value for name, value in call.arguments.items() if value != _WIDTHS.get(call.name)})
    )
