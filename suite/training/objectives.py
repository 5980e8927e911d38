"""What training makes small on a batch: cross-entropy, clean or adversarial, TRADES and MART.

An objective takes (model, pixels, labels, adversary) and gives the batch's mean loss, to be differentiated, and the
logits whose accuracy is told: those of the adversary's samples where there is one.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from suite.errors import SuiteError

Adversary = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""(pixels (B, C, H, W), labels (B,)) -> adversarial pixels of the same shape."""

Objective = Callable[[nn.Module, torch.Tensor, torch.Tensor, Adversary | None], tuple[torch.Tensor, torch.Tensor]]
"""(model, pixels (B, C, H, W), labels (B,), adversary) -> (mean loss, logits (B, C))."""


def cross_entropy(
    model: nn.Module, pixels: torch.Tensor, labels: torch.Tensor, adversary: Adversary | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Of the adversary's samples in place of the clean ones (Madry et al. 2018), or of the clean ones."""
    logits = _full(model(pixels if adversary is None else adversary(pixels, labels)))
    return F.cross_entropy(logits, labels), logits


@dataclass(frozen=True)
class Trades:
    """CE(f(x), y) + beta KL(p(x) || p(x')), means over the batch (Zhang et al. 2019, Eq. 5).

    x' is the adversary's; in the paper it maximises the same divergence (`suite.attacks.Adversary(against="clean")`).
    Raises SuiteError unless beta > 0.
    """

    beta: float

    def __post_init__(self) -> None:
        _check_beta("TRADES", self.beta)

    def __call__(
        self, model: nn.Module, pixels: torch.Tensor, labels: torch.Tensor, adversary: Adversary | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        clean, attacked = _both(model, pixels, labels, adversary)
        return F.cross_entropy(clean, labels) + self.beta * divergence(clean, attacked).mean(), attacked


@dataclass(frozen=True)
class Mart:
    """BCE(p', y) + beta KL(p(x) || p(x')) (1 - p_y(x)), means over the batch (Wang et al. 2020, Eq. 11).

    BCE = -log p'_y - log(1 - max_{k != y} p'_k); x' is the adversary's, by cross-entropy in the paper. The released
    code's constants inside the logarithms (1.0001, 1e-12) only guard them: here they are computed from
    log-probabilities. Raises SuiteError unless beta > 0.
    """

    beta: float

    def __post_init__(self) -> None:
        _check_beta("MART", self.beta)

    def __call__(
        self, model: nn.Module, pixels: torch.Tensor, labels: torch.Tensor, adversary: Adversary | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        clean, attacked = _both(model, pixels, labels, adversary)
        unsure = 1 - torch.softmax(clean, 1).gather(1, labels[:, None]).squeeze(1)
        loss = boosted_cross_entropy(attacked, labels) + self.beta * divergence(clean, attacked) * unsure
        return loss.mean(), attacked


def divergence(clean: torch.Tensor, attacked: torch.Tensor) -> torch.Tensor:
    """KL(softmax(clean) || softmax(attacked)) in nats: logits (B, C) twice -> (B,)."""
    logs = F.log_softmax(attacked, 1), F.log_softmax(clean, 1)
    return F.kl_div(*logs, reduction="none", log_target=True).sum(1)


def boosted_cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """-log p_y - log(1 - max_{k != y} p_k) in nats: logits (B, C), labels (B,) -> (B,)."""
    logs = F.log_softmax(logits, 1)
    right = F.one_hot(labels, logits.shape[1]).bool()
    runner_up = logs.masked_fill(right, -torch.inf).argmax(1, keepdim=True)
    # 1 - p_k is the sum of the other probabilities: exact also where p_k is nearly 1.
    others = torch.logsumexp(logs.scatter(1, runner_up, -torch.inf), 1)
    return -logs.gather(1, labels[:, None]).squeeze(1) - others


def _both(
    model: nn.Module, pixels: torch.Tensor, labels: torch.Tensor, adversary: Adversary | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of the clean and of the adversary's samples; each forward pass updates batch statistics, as released."""
    if adversary is None:
        clean = _full(model(pixels))
        return clean, clean
    attacked = adversary(pixels, labels)
    return _full(model(pixels)), _full(model(attacked))


def _full(logits: torch.Tensor) -> torch.Tensor:
    """Losses are never computed in the half precision of an autocast region."""
    return logits.float() if logits.dtype == torch.bfloat16 else logits


def _check_beta(name: str, beta: float) -> None:
    if not 0 < beta < torch.inf:
        raise SuiteError(f"beta={beta} of {name}", "give a number > 0")
