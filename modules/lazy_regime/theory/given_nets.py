"""Statements of Wang et al. 2022 about given nets and points, in closed form: ||x|| = 1, no biases (Sec. 2.1, 4)."""

from math import sqrt

import torch
from torch import Tensor


def largest_value(inner: Tensor, signs: Tensor, radius: float) -> Tensor:
    """max over the lazy ball of f(x; W), exactly: (1 / sqrt m) sum a_s relu(w_s,0 . x + a_s rho). OWN closed form.

    Every neuron's term is largest on its own where w_s moves by rho a_s x. With `-signs` it is -min f.

    Args:
        inner: w_s,0 . x (..., m). signs: a (..., m). radius: rho = C0 / sqrt m.
    """
    return (signs * (inner + radius * signs).relu()).sum(-1) / sqrt(inner.shape[-1])


def may_change_sign(inner: Tensor, radius: float) -> Tensor:
    """Lemma 4.3 for a given net: to how many neurons some W gives another sign at x, #{|w_s,0 . x| <= rho} (...)."""
    return (inner.abs() <= radius).sum(-1)


def outline(value: Tensor, gradient: Tensor, difference: Tensor, size: Tensor) -> Tensor:
    """The proof's bound on |f| after a step of that size (Sec. 4): below 0 the step must flip the sign.

    |f(x)| + eta ||grad f||^2 + |eta| ||grad f|| D with eta = -size / ||grad f||: |f| - size (||grad f|| - D), where D
    is the supremum of ||grad f(x) - grad f(x + delta)|| over ||delta|| <= size. The fundamental theorem and
    Cauchy-Schwarz.
    """
    return value.abs() - size * (gradient - difference)


def worst_flip(value: Tensor, gradient: Tensor, reach: Tensor | float) -> Tensor:
    """The largest |f| / ||grad f|| that a W in the lazy ball can have, were no rectifier to change: (...). OWN.

    Without biases f(x) = x . grad f(x), so that |f| / ||grad f|| is the cosine between x and grad f, at most 1. With
    the gates fixed W moves grad f anywhere in a ball of radius `reach` = C0 k / m (k active neurons): towards x by an
    angle of arcsin(reach / ||grad f||), about C0 / sqrt(2 d). From reach >= ||grad f||, that is C0 >= sqrt(2 d), W can
    turn it into x, and only x = 0 is left for the step to go to: the size is 1 whatever d is.

    Args:
        value, gradient: f(x; W0) and ||grad f(x; W0)||. reach: see above.
    """
    angle = (value.abs() / gradient).clamp(max=1).arccos()
    turned = torch.as_tensor(reach, dtype=value.dtype, device=value.device) / gradient
    return (angle - turned.clamp(max=1).arcsin()).clamp(min=0).cos()
