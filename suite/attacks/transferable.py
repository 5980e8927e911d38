"""Attacks meant to transfer, as Guo, Li, Chen (NeurIPS 2020) run them: FGSM, I-FGSM, PGD, MI, DI and MI-DI.

All ascend cross-entropy (or descend it towards a target) by sign steps. They differ in where the gradient is taken and
in what becomes of it, so each is a row of the table METHODS.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from suite.attacks import diversity
from suite.attacks.arguments import (
    check_batch,
    check_choice,
    check_count,
    check_positive,
    check_radii,
    check_seed,
    check_shape,
)
from suite.attacks.differentiate import Differentiator
from suite.attacks.keyed_draws import uniform
from suite.attacks.losses import LOSSES, against
from suite.attacks.sign_steps import SignSteps, sign_steps
from suite.errors import SuiteError

_NOISE = 0  # purpose of the draws


@dataclass(frozen=True)
class Method:
    """What sets one attack apart.

    Args:
        paper: where it comes from.
        single: one step as long as the radius, instead of many.
        noise: at every step the gradient is that at x + U(-eps, eps)^d, unclipped; the step is applied to x.
        momentum: steps follow the sum of the gradients, each over its l1 norm.
        diversity: at every step the gradient is that of the loss of a randomly resized and padded x.
    """

    paper: str
    single: bool = False
    noise: bool = False
    momentum: bool = False
    diversity: bool = False


METHODS: Mapping[str, Method] = {
    # The released code steps by twice the radius and clips, which from the image itself is the same.
    "fgsm": Method("Goodfellow et al. 2015", single=True),
    "ifgsm": Method("Kurakin et al. 2017"),
    "pgd": Method("Guo et al. 2020", noise=True),
    "mifgsm": Method("Dong et al. 2018", momentum=True),
    "di2fgsm": Method("Xie et al. 2019", diversity=True),
    "mdi2fgsm": Method("Xie et al. 2019", momentum=True, diversity=True),
}


@dataclass(frozen=True)
class Budget:
    """How far an attack goes: radii > 0 in ascending order, K steps, their length, and the momentum's decay.

    Raises SuiteError for values outside these ranges.
    """

    epsilons: tuple[float, ...]
    steps: int = 100
    step_size: float = 1 / 255
    decay: float = 1.0

    def __post_init__(self) -> None:
        check_radii(self.epsilons)
        check_count("steps", self.steps)
        check_positive("step_size", self.step_size)
        check_positive("decay", self.decay, zero=True)


def craft(
    differentiate: Differentiator,
    images: Tensor,
    labels: Tensor,
    method: Method,
    budget: Budget,
    *,
    ids: Tensor,
    seed: int = 0,
    loss: str = "ce",
    targeted: bool = False,
) -> Tensor:
    """Adversarial images (E, N, C, H, W) under E strengths, not rounded.

    Args:
        differentiate: logits and input gradient of the surrogate under some gradient rule; weights frozen.
        images: (N, C, H, W) pixels in [0, 1].
        labels: (N,) true classes, or with `targeted` the classes to reach.
        ids: (N,) int64 on the images' device; with `seed` and the step they are the key of every draw.
        loss: a name in suite.attacks.losses.LOSSES. Where the surrogate is sure of a label, `ce` in float32 loses the
            direction of the first steps to rounding, and `stable_ce` (for untargeted attacks) does not.

    Raises SuiteError for values outside these ranges, and for labels that are not the model's classes.

    Cost: K gradients of at most E N rows; FGSM takes one of N rows.
    """
    check_batch(images, labels)
    check_shape("ids", ids, labels.shape)
    check_seed(seed)
    check_choice("loss", loss, LOSSES)
    if targeted and loss == "stable_ce":
        raise SuiteError("loss 'stable_ce' is for untargeted attacks", "use ce")
    radii = images.new_tensor(budget.epsilons).view(-1, *[1] * images.ndim)
    sign = -1 if targeted else 1

    def direction(x: Tensor, step: int) -> Tensor:
        seen, resampling = x, None
        if method.noise:
            unit = 2 * uniform(seed, ids, step, images[0].numel(), _NOISE).to(x.dtype) - 1
            seen = seen + radii * unit.view_as(images)
        if method.diversity:
            resampling = diversity.draw(images, ids, step, seed)
            seen = resampling.apply(seen)
        ascended = against(loss, labels.repeat(len(x)), check=step == 0)
        _, gradient = differentiate(seen.flatten(0, 1), lambda logits: sign * ascended(logits))
        gradient = gradient.view_as(x)
        return gradient if resampling is None else resampling.pull_back(gradient)

    settings = SignSteps(
        steps=1 if method.single else budget.steps,
        step_size=None if method.single else budget.step_size,
        decay=budget.decay if method.momentum else None,
        share=not method.noise,
    )
    return sign_steps(direction, images, budget.epsilons, settings)
